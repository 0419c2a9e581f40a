"""The pages: routes at the hub's address, each deciding nothing itself about who may see it (see `frame`)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NamedTuple

from flask import Blueprint, Response, g, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Response as AnyResponse

from ...core import Hub
from ...errors import HubError
from ..language import IN_TEMPLATES, _, choose
from ..measures import LANGUAGE
from ..retold import told
from . import (
    account,
    activity,
    connections,
    guarding,
    home,
    logins,
    moving,
    people,
    questions,
    recipes,
    settings,
    signing_in,
    team,
    works,
)
from .frame import MORE_WAYS, WAYS, Here, Pages, Visitor, enter, shown

log = logging.getLogger("hub.setup")

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
OVER_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}


class Way(NamedTuple):
    """Where the rail leads. `current`: as `aria-current` says it, if that is where somebody is."""

    page: str
    address: str
    title: str
    current: str | None


AREAS = (
    signing_in,
    account,
    home,
    recipes,
    moving,
    activity,
    works,
    questions,
    people,
    guarding,
    connections,
    logins,
    settings,
    team,
)


def pages(hub: Hub) -> Blueprint:
    """The pages of a hub, as routes at `/`."""
    folder = Path(__file__).parent.parent
    blueprint = Blueprint(
        "setup",
        __name__,
        template_folder=str(folder / "templates"),
        static_folder=str(folder / "assets"),
        static_url_path="/assets",
    )
    made = Pages(hub, blueprint)
    blueprint.before_request(made.guard)
    for area in AREAS:
        area.add(made)

    @blueprint.app_context_processor
    def around() -> dict[str, Any]:
        frame = _frame(g.get("here"))
        return {
            "here": g.get("here"),
            "language": LANGUAGE.get(),
            "frame": frame,
            "ways": _ways(made, frame, WAYS),
            "more_ways": _ways(made, frame, MORE_WAYS),
        }

    @blueprint.record_once
    def speaks(state: BlueprintSetupState) -> None:
        state.app.jinja_env.globals.update(IN_TEMPLATES)

    @blueprint.teardown_app_request
    def silent(error: BaseException | None) -> None:
        choose(None)  # whatever this thread does next, it does not do for the same reader

    @blueprint.after_request
    def guarded(response: Response) -> Response:
        response.headers.update(HEADERS | (OVER_HTTPS if made.is_https else {}))
        return response

    @blueprint.app_errorhandler(NotFound)
    @blueprint.app_errorhandler(MethodNotAllowed)
    def nowhere(error: NotFound | MethodNotAllowed) -> AnyResponse:
        # An unknown address has no route, so it passed no guard: it is told the same to everybody.
        if not request.endpoint:
            choose(None, list(request.accept_languages.values()))
        says = error.description if request.endpoint else _("There is no such page.")
        answer = shown("trouble.html", error.code or 404, title=_("Not found"), says=says)
        answer.headers.update(HEADERS)
        if isinstance(error, MethodNotAllowed):
            answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return answer

    @blueprint.errorhandler(HTTPException)
    def refused(error: HTTPException) -> AnyResponse:
        if error.code is None or error.code < 400:
            return error.get_response()  # a redirect of the router's own
        return shown("trouble.html", error.code, title=_("That did not work"), says=error.description)

    @blueprint.errorhandler(Exception)
    def broken(error: Exception) -> AnyResponse:
        # The type alone: what an error tells may be somebody's data.
        log.error("page: %s", type(error).__name__)
        unknown = _("The hub could not look this up. Try again in a minute.")
        says = told(error) if isinstance(error, HubError) else unknown
        return shown("trouble.html", 503, title=_("That did not work"), says=says)

    return blueprint


def _frame(here: Visitor | None) -> Here | None:
    """Whose pages the rail shows: of the workspace that somebody is in, or was in last."""
    if here is None or isinstance(here, Here):
        return here
    latest = here.latest_workspace
    return enter(here, latest.id) if latest else None


def _ways(made: Pages, frame: Here | None, ways: tuple[tuple[str, str], ...]) -> list[Way]:
    """Where somebody may go from here."""
    found = []
    for page, title in ways:
        if frame and made.has(page) and made.needs[f"setup.{page}"] in frame.rights:
            address = frame.url(page)
            is_here = request.path == address
            # Pages below one belong to it; all lie below the first page.
            is_below = page != "home" and request.path.startswith(address)
            found.append(Way(page, address, title, "page" if is_here else "true" if is_below else None))
    return found
