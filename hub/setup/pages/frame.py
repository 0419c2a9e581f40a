"""What holds for every page: who may see it, that its forms are our own, and what stands around its content.

A page is a function that `Pages.at` gives an address and the right that it needs. A route without one answers nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from flask import session as browser
from werkzeug.exceptions import Forbidden, NotFound
from werkzeug.wrappers import Response

from ...core import Hub
from ...pausing import paused_at
from ...workspaces import Workspace
from .. import words
from ..access import sessions
from ..access.roles import NOBODY, Needs, Right
from ..access.sessions import Session
from ..access.users import User
from ..access.words import form_token, is_form_token
from ..language import _, choose, lazy
from ..words import Moment

View = Callable[..., Response]

_PATH = re.compile(r"/(?:[\w.~%-][\w./~%-]*)?(?:\?[\w./~%=&-]*)?", re.ASCII)
"""A path on this host: two slashes, or what a browser reads as one, would lead to another."""

_OURS = ("same-origin", "none")
"""Where a browser says a form comes from: https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site"""

WAYS = (
    ("home", lazy("Home")),
    ("recipes", lazy("Recipes")),
    ("activity", lazy("Activity")),
    ("connections", lazy("Connections")),
)
MORE_WAYS = (
    ("people", lazy("People")),
    ("settings", lazy("Settings")),
    ("team", lazy("Team")),
    ("changes", lazy("What was changed")),
)
"""Where the rail leads, by the names of pages; the latter are behind "More" on a phone."""


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in, and the workspaces that they may see."""

    hub: Hub
    session: Session
    workspaces: Sequence[Workspace] = field(repr=False)

    @property
    def user(self) -> User:
        return self.session.user

    @property
    def latest_workspace(self) -> Workspace | None:
        """The workspace that they were in last, else their first."""
        latest = browser.get("workspace")
        return next((found for found in self.workspaces if found.id == latest), next(iter(self.workspaces), None))

    @cached_property
    def token(self) -> str:
        return form_token(self.hub, self.session.word)

    def url(self, page: str, **values: Any) -> str:
        """The address of a page."""
        return url_for(f"setup.{page}", **values)

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page made of this template."""
        return shown(template, status, **values)

    def go(self, page: str, note: str | None = None, *, trouble: bool = False, **values: Any) -> Response:
        """Leads to another page, which tells the note once."""
        if note:
            flash(note, "trouble" if trouble else "good")
        return redirect(self.url(page, **values), 303)


@dataclass(frozen=True)
class Here(Visitor):
    """Somebody in one of their workspaces, with the rights that they have there."""

    workspace: Workspace = field(kw_only=True)
    rights: frozenset[Right] = field(kw_only=True)

    @cached_property
    def paused_since(self) -> Moment | None:
        """Since when all sending is paused here; None if it is not."""
        at = paused_at(self.hub, self.workspace)
        return words.moment(at, self.hub.clock.now()) if at is not None else None

    def may(self, right: str) -> bool:
        return Right[right] in self.rights

    def url(self, page: str, **values: Any) -> str:
        return url_for(f"setup.{page}", **{"workspace_id": self.workspace.id} | values)


class Pages:
    """The routes of the pages, each with what it needs."""

    def __init__(self, hub: Hub, blueprint: Blueprint) -> None:
        self.hub, self.blueprint = hub, blueprint
        self.is_https = hub.settings.public_url.startswith("https://")
        # A browser takes a cookie with this prefix only over https, from this very host.
        self.cookie = "__Host-regulars" if self.is_https else "regulars"
        self.needs: dict[str, Needs] = {}

    def at(self, path: str, needs: Needs, *, methods: Sequence[str] = ("GET",)) -> Callable[[View], View]:
        """Makes a function the page at a path. Pages about a workspace lie below `/w/<int:workspace_id>` and are given
        a `Here`; others that need somebody, a `Visitor`; those for nobody in particular, neither."""

        def register(view: View) -> View:
            name = view.__name__
            self.needs[f"setup.{name}"] = needs
            self.blueprint.add_url_rule(path, name, self._guarded(view, needs), methods=list(methods))
            return view

        return register

    def has(self, page: str) -> bool:
        return f"setup.{page}" in self.needs

    # ---- who may

    def guard(self) -> Response | None:
        """Before every page: somebody has to be signed in, and a form has to be ours."""
        needs = self.needs.get(request.endpoint or "") if request.endpoint != "setup.static" else NOBODY
        word = request.cookies.get(self.cookie)
        g.session = sessions.find(self.hub, word)
        g.here = None
        words.ZONE.set(None)
        choose(g.session.user.language if g.session else None, list(request.accept_languages.values()))
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "same-origin") not in _OURS:
            raise Forbidden(_("This form was sent from another site. Open the hub's own page, and send it there."))
        if needs == NOBODY:
            return None
        if needs is None or g.session is None:
            return signed_out()
        if not g.session.is_proven:
            return redirect(url_for("setup.code", next=own_path()), 303)
        g.here = Visitor(self.hub, g.session, self._workspaces(g.session.user))
        if request.method == "POST" and not is_form_token(self.hub, g.session.word, request.form.get("token", "")):
            raise Forbidden(_("This form is out of date. Go back, load the page again, and send it once more."))
        return None

    def _guarded(self, view: View, needs: Needs) -> View:
        @wraps(view)
        def called(workspace_id: int | None = None, **values: Any) -> Response:
            if needs == NOBODY:
                return view(**values)
            if workspace_id is not None:
                g.here = enter(g.here, workspace_id)
                browser["workspace"] = workspace_id
            if isinstance(needs, Right):
                rights = g.here.rights if workspace_id is not None else g.here.user.rights_in(0)
                if needs not in rights:
                    raise Forbidden(_refusal(needs))
            return view(g.here, **values)

        return called

    def _workspaces(self, user: User) -> list[Workspace]:
        return [found for found in self.hub.workspaces.list() if user.rights_in(found.id)]

    # ---- cookies

    def keep_session(self, answer: Response, word: str) -> Response:
        """Has the browser keep a session."""
        seconds = round(sessions.LASTS.total_seconds())
        answer.set_cookie(self.cookie, word, max_age=seconds, secure=self.is_https, httponly=True, samesite="Lax")
        return answer

    def drop_session(self, answer: Response) -> Response:
        answer.delete_cookie(self.cookie, secure=self.is_https, httponly=True, samesite="Lax")
        return answer


def enter(visitor: Visitor, workspace_id: int) -> Here:
    """The visitor in one of their workspaces. Raises NotFound, for others' too: nobody learns which there are."""
    for workspace in visitor.workspaces:
        if workspace.id == workspace_id:
            words.ZONE.set(workspace.zone)
            rights = visitor.user.rights_in(workspace_id)
            return Here(visitor.hub, visitor.session, visitor.workspaces, workspace=workspace, rights=rights)
    raise NotFound(_("There is no such workspace."))


def _refusal(needs: Right) -> str:
    if needs is Right.RUN:
        return _("Only who runs this hub may do that.")
    if needs is Right.TEAM:
        return _("Only an owner may do that. Ask the owner of this workspace.")
    return _("Only an owner or a consultant may do that. Ask the owner of this workspace.")


# ---- what is shown


def shown(template: str, status: int = 200, **values: Any) -> Response:
    """A page made of this template, for whoever asks."""
    answer = make_response(render_template(template, **values), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def signed_out(status: int = 401, **values: Any) -> Response:
    """The way in, at the address that was asked for."""
    from .signing_in import SignIn  # these two know each other

    return shown("sign_in.html", status, form=SignIn(next=own_path()), **values)


def own_path(given: str | None = None) -> str:
    """Where to go after signing in: the page that was asked for, or a given address if it is one of ours."""
    if given is None:
        given = request.full_path.rstrip("?") if request.method == "GET" else "/"
    is_ours = _PATH.fullmatch(given) is not None
    return given if is_ours else "/"
