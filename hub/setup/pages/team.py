"""The team of a workspace: who may come in and what they may do, and what anybody changed."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response

from ...errors import SettingInvalid
from .. import words
from ..access import audit, links, users
from ..access.roles import ROLES, TITLES, WORDS, Right
from ..access.users import User
from ..language import _
from ..retold import told
from .frame import Here, Pages

CHANGES_AT_ONCE = 100


def add(pages: Pages) -> None:
    @pages.at("/w/<int:workspace_id>/team", Right.TEAM)
    def team(here: Here) -> Response:
        return _shown(here)

    @pages.at("/w/<int:workspace_id>/team/invite", Right.TEAM, methods=("POST",))
    def invite(here: Here) -> Response:
        role = _role()
        link = links.invite(here.hub, here.workspace.id, role)
        audit.note(here.hub, "invited", here.user, here.workspace.id, role=role)
        # Shown at once and not after a redirect: nothing that lets somebody in stays in a cookie or an address.
        return _shown(here, link=link)

    @pages.at("/w/<int:workspace_id>/team/take-back", Right.TEAM, methods=("POST",))
    def take_back(here: Here) -> Response:
        try:
            name = bytes.fromhex(request.form.get("invitation", ""))
        except ValueError:
            raise BadRequest(_("There is no such invitation.")) from None
        links.take_back(here.hub, here.workspace.id, name)
        audit.note(here.hub, "invitation_taken_back", here.user, here.workspace.id)
        return here.go("team", _("The invitation does not work any more."))

    @pages.at("/w/<int:workspace_id>/team/<int:user_id>/role", Right.TEAM, methods=("POST",))
    def change_role(here: Here, user_id: int) -> Response:
        user, role = _member(here, user_id), _role()
        try:
            users.change_role(here.hub, user, here.workspace.id, role)
        except SettingInvalid as refusal:
            return here.go("team", told(refusal), trouble=True)
        audit.note(here.hub, "role_changed", here.user, here.workspace.id, who=user.id, role=role)
        return here.go("team", _("Saved."))

    @pages.at("/w/<int:workspace_id>/team/<int:user_id>/remove", Right.TEAM, methods=("POST",))
    def remove_member(here: Here, user_id: int) -> Response:
        user = _member(here, user_id)
        try:
            users.remove_from(here.hub, user, here.workspace.id)
        except SettingInvalid as refusal:
            return here.go("team", told(refusal), trouble=True)
        audit.note(here.hub, "user_removed", here.user, here.workspace.id, who=user.id)
        return here.go("team", _("%(name)s cannot come in here any more.", name=user.called))

    @pages.at("/w/<int:workspace_id>/changes", Right.SEE)
    def changes(here: Here) -> Response:
        before = request.args.get("before", type=int)
        found = audit.latest(here.hub, here.workspace.id, CHANGES_AT_ONCE, before)
        now = here.hub.clock.now()
        lines = [(words.moment(entry.at, now), entry) for _id, entry in found]
        earlier = found[-1][0] if len(found) == CHANGES_AT_ONCE else None
        return here.show("changes.html", lines=lines, earlier=earlier)


def _shown(here: Here, link: str | None = None) -> Response:
    now = here.hub.clock.now()
    waiting = links.open_invitations(here.hub, here.workspace.id)
    return here.show(
        "team.html",
        members=users.of_workspace(here.hub, here.workspace.id),
        invitations=[(row.hash.hex(), row.role, words.moment(row.until, now)) for row in waiting],
        roles=WORDS,
        titles=TITLES,
        link=link,
    )


def _role() -> str:
    role = request.form.get("role", "")
    if role not in ROLES:
        raise BadRequest(_("Choose what they may do: owner, consultant or staff."))
    return role


def _member(here: Here, user_id: int) -> User:
    """Somebody who has a role here. Raises NotFound, also for users of other workspaces."""
    user = users.get(here.hub, user_id) if user_id < 1 << 63 else None
    if user is None or here.workspace.id not in user.roles:
        raise NotFound(_("There is nobody of that name here."))
    return user
