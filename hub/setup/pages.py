"""The routes of the page. Without a session there is only the way in; whatever changes something is a form of ours."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden, HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Response as AnyResponse

from .. import commands
from ..core import Hub
from ..errors import HubError
from ..workspaces import Workspace
from . import access, queries, timeline, words
from .home import home
from .practice_shop import NO_ANSWER, NO_PRACTICE, ORDERED, place_order

log = logging.getLogger("hub.setup")

OPEN = {"setup.static", "setup.enter"}
"""What is shown without a session; every other route needs one."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

NOTES = {
    ORDERED: "An order was placed in the practice shop. It comes in below in a moment.",
    NO_PRACTICE: "The connected shop is not a practice shop, so no order was placed in it.",
    NO_ANSWER: "The practice shop does not answer, so no order was placed. Start the hub again with: hub up --practice",
}


def pages(hub: Hub) -> Blueprint:
    """The page of a hub, as routes at `/`."""
    blueprint = Blueprint(
        "setup",
        __name__,
        template_folder=str(Path(__file__).parent / "templates"),
        static_folder=str(Path(__file__).parent / "assets"),
        static_url_path="/assets",
    )
    is_https = hub.settings.public_url.startswith("https://")
    # A browser takes a cookie with this prefix only over https, from this very host.
    cookie = "__Host-regulars" if is_https else "regulars"

    @blueprint.before_request
    def guard() -> AnyResponse | None:
        word = request.cookies.get(cookie)
        g.session = word if access.is_signed_in(hub, word) else None
        if request.endpoint in OPEN:
            return None
        if g.session is None:
            return _page("signed_out.html", 401)
        if request.method == "POST" and not access.is_form_token(hub, g.session, request.form.get("token", "")):
            raise Forbidden("This form is out of date. Go back, load the page again, and send it once more.")
        return None

    @blueprint.get("/")
    def index() -> AnyResponse:
        workspaces = hub.workspaces.list()
        if not workspaces:
            return _shown("no_workspace.html")
        workspace = _chosen(workspaces)
        told = request.args.get("note", "")
        note = {"note": NOTES.get(told), "went_well": told == ORDERED}
        around = _around(workspaces, workspace)
        return _shown("home.html", home=home(hub, workspace, around["option"]), **note, **around)

    @blueprint.get("/runs/<int:run_id>")
    def run(run_id: int) -> AnyResponse:
        workspaces = hub.workspaces.list()
        if not workspaces or run_id >= 1 << 63:
            raise NotFound("There is no such run.")
        workspace = _chosen(workspaces)
        found = queries.run(hub, workspace, run_id)
        if found is None:
            raise NotFound("There is no such run.")
        steps = queries.count_steps(hub, workspace, run_id)
        accounts = {account.connection.id: account for account in queries.accounts(hub, workspace)}
        return _shown(
            "run.html",
            run=found,
            title=timeline.title(found),
            state=words.run_state(found.state),
            lines=timeline.lines(found, steps, hub.clock.now(), accounts),
            details=timeline.details(found, steps),
            **_around(workspaces, workspace),
        )

    @blueprint.post("/practice/order")
    def order() -> AnyResponse:
        workspaces = hub.workspaces.list()
        if not workspaces:
            raise NotFound("There is no workspace yet.")
        workspace = _chosen(workspaces)
        note = place_order(hub, workspace)
        return redirect(url_for("setup.index", note=note, **_around(workspaces, workspace)["where"]), 303)

    @blueprint.get("/sign-in/<word>")
    def enter(word: str) -> AnyResponse:
        if request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", ""):
            # Whoever only looks ahead must not use the link up.
            return make_response("", 204)
        session = access.sign_in(hub, word)
        if session is None and g.session is None:
            return _page("signed_out.html", 403, used=True)
        answer = redirect(url_for("setup.index"), 303)
        if session is not None:
            seconds = round(access.SESSION_LASTS.total_seconds())
            answer.set_cookie(cookie, session, max_age=seconds, secure=is_https, httponly=True, samesite="Lax")
        return answer

    @blueprint.post("/sign-out")
    def leave() -> AnyResponse:
        access.sign_out(hub, g.session)
        g.session = None
        answer = _page("signed_out.html", 200, left=True)
        answer.delete_cookie(cookie, secure=is_https, httponly=True, samesite="Lax")
        return answer

    @blueprint.after_request
    def guarded(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @blueprint.app_errorhandler(NotFound)
    @blueprint.app_errorhandler(MethodNotAllowed)
    def nowhere(error: NotFound | MethodNotAllowed) -> AnyResponse:
        # An unknown address has no route, so it passed no guard: it is told the same to everybody.
        says = error.description if request.endpoint else "There is no such page."
        answer = _page("trouble.html", error.code or 404, title="Not found", says=says)
        answer.headers.update(HEADERS)
        if isinstance(error, MethodNotAllowed):
            answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return answer

    @blueprint.errorhandler(HTTPException)
    def refused(error: HTTPException) -> AnyResponse:
        if error.code is None or error.code < 400:
            return error.get_response()  # a redirect of the router's own
        return _page("trouble.html", error.code, title="That did not work", says=error.description)

    @blueprint.errorhandler(Exception)
    def broken(error: Exception) -> AnyResponse:
        # The type alone: what an error tells may be somebody's data.
        log.error("page: %s", type(error).__name__)
        says = str(error) if isinstance(error, HubError) else "The hub could not look this up. Try again in a minute."
        return _page("trouble.html", 503, title="That did not work", says=says)

    def _shown(template: str, **values: Any) -> AnyResponse:
        return _page(template, 200, token=access.form_token(hub, g.session), **values)

    return blueprint


def _page(template: str, status: int, **values: Any) -> AnyResponse:
    answer = make_response(render_template(template, **values), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _chosen(workspaces: list[Workspace]) -> Workspace:
    """The workspace that the address names, else the first. Raises NotFound."""
    wanted = request.values.get("workspace")
    for workspace in workspaces:
        if wanted in (None, str(workspace.id)):
            return workspace
    raise NotFound("There is no such workspace.")


def _around(workspaces: list[Workspace], workspace: Workspace) -> dict[str, Any]:
    """What every page about a workspace shows around its content. `where` goes into links between them,
    `option` into commands."""
    several = len(workspaces) > 1
    return {
        "workspace": workspace,
        "workspaces": workspaces if several else [],
        "where": {"workspace": workspace.id} if several else {},
        "option": commands.option(workspace, several=several),
    }
