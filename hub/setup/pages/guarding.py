"""What the guards ask and tell a person: unusually many messages, complaints, why somebody did or did not get it."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response

from ... import erasure
from ... import why as reasons
from ...errors import NotFound as Missing
from ...guards import brake, complaints
from .. import people as told_of
from .. import words
from ..access import audit
from ..access.roles import Right
from ..language import _, ngettext
from ..people import Who
from ..retold import told
from .frame import Here, Pages


def add(pages: Pages) -> None:
    @pages.at("/w/<int:workspace_id>/brake/<name>/go-on", Right.CHANGE, methods=("POST",))
    def brake_go_on(here: Here, name: str) -> Response:
        return _answered(here, name, go_on=True)

    @pages.at("/w/<int:workspace_id>/brake/<name>/stop", Right.ACT, methods=("POST",))
    def brake_stop(here: Here, name: str) -> Response:
        return _answered(here, name, go_on=False)

    @pages.at("/w/<int:workspace_id>/people/<who>/complains", Right.ACT, methods=("POST",))
    def complain(here: Here, who: str) -> Response:
        meant = person_of(who)
        complaints.open_by_hand(here.hub, here.workspace, _ids(here, meant))
        audit.note(here.hub, "complaint_opened", here.user, here.workspace.id)
        return here.go("person", _("Noted. Marketing to them waits until you say that it is settled."), who=who)

    @pages.at("/w/<int:workspace_id>/people/<who>/settled", Right.ACT, methods=("POST",))
    def settle(here: Here, who: str) -> Response:
        meant = person_of(who)
        complaints.close_by_hand(here.hub, here.workspace, _ids(here, meant))
        audit.note(here.hub, "complaint_closed", here.user, here.workspace.id)
        return here.go("person", _("Noted. What waited because of it leaves."), who=who)

    @pages.at("/w/<int:workspace_id>/people/<who>/why", Right.SEE)
    def why(here: Here, who: str) -> Response:
        return _shown_why(here, person_of(who), request.args.get("recipe", ""))


def _answered(here: Here, name: str, *, go_on: bool) -> Response:
    try:
        count = brake.answer(here.hub, here.workspace, name, go_on=go_on)
    except Missing:
        return here.go("home", _("Somebody answered this already."), trouble=True)
    audit.note(here.hub, "brake_go_on" if go_on else "brake_stop", here.user, here.workspace.id, recipe=name)
    if go_on:
        return here.go("home", ngettext("%(num)s message may leave.", "%(num)s messages may leave.", count))
    return here.go("home", ngettext("%(num)s message will not leave.", "%(num)s messages will not leave.", count))


def person_of(name: str) -> Who:
    """Whom an address names. Raises NotFound."""
    who = told_of.read_who(name)
    if who is None:
        raise NotFound(_("There is no such person. Look them up once more."))
    return who


def _ids(here: Here, who: Who) -> set[int]:
    """Whoever has this name. Raises BadRequest if nobody does."""
    with here.hub.database.read() as connection:
        ids = erasure.known_by(connection, here.workspace.id, {who.name})
    if not ids:
        raise BadRequest(_("Nobody is known by this name yet."))
    return ids


def _shown_why(here: Here, who: Who, recipe: str) -> Response:
    try:
        found = reasons.why(here.hub, here.workspace, who.name, recipe)
    except Missing:
        raise NotFound(_("There is no such recipe.")) from None
    now = here.hub.clock.now()
    return here.show(
        "why.html",
        who=str(who),
        title=words.recipe(recipe),
        says=told(found.says),
        answers=[
            (words.moment(one.at, now), words.upper_first(words.happening(one.event)), told(one.says), one.run_id)
            for one in found.answers
        ],
        meanwhile=[told(sentence) for sentence in found.meanwhile],
    )
