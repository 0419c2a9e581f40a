"""The first page of a workspace, one run, and the practice order."""

from __future__ import annotations

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ... import pausing
from .. import queries, timeline, words
from ..access import audit
from ..access.roles import ANYBODY, Right
from ..home import home as everything
from ..practice_shop import NO_ANSWER, NO_PRACTICE, ORDERED, place_order
from .frame import Here, Pages, Visitor

NOTES = {
    ORDERED: "An order was placed in the practice shop. It comes in below in a moment.",
    NO_PRACTICE: "The connected shop is not a practice shop, so no order was placed in it.",
    NO_ANSWER: "The practice shop does not answer, so no order was placed. Start the hub again with: hub up --practice",
}


def add(pages: Pages) -> None:
    @pages.at("/", ANYBODY)
    def index(visitor: Visitor) -> Response:
        latest = visitor.latest_workspace
        return visitor.go("home", workspace_id=latest.id) if latest else visitor.show("no_workspace.html")

    @pages.at("/w/<int:workspace_id>/", Right.SEE)
    def home(here: Here) -> Response:
        return here.show("home.html", home=everything(here.hub, here.workspace))

    @pages.at("/w/<int:workspace_id>/runs/<int:run_id>", Right.SEE)
    def run(here: Here, run_id: int) -> Response:
        hub, workspace = here.hub, here.workspace
        found = queries.run(hub, workspace, run_id) if run_id < 1 << 63 else None
        if found is None:
            raise NotFound("There is no such run.")
        steps = queries.count_steps(hub, workspace, run_id)
        accounts = {account.connection.id: account for account in queries.accounts(hub, workspace)}
        return here.show(
            "run.html",
            run=found,
            title=timeline.title(found),
            state=words.run_state(found.state),
            lines=timeline.lines(found, steps, hub.clock.now(), accounts),
            details=timeline.details(found, steps),
        )

    @pages.at("/w/<int:workspace_id>/practice/order", Right.ACT, methods=("POST",))
    def order(here: Here) -> Response:
        became = place_order(here.hub, here.workspace)
        if became == ORDERED:
            audit.note(here.hub, "practice_order", here.user, here.workspace.id)
        return here.go("home", NOTES[became], trouble=became != ORDERED)

    @pages.at("/w/<int:workspace_id>/pause", Right.ACT, methods=("POST",))
    def pause(here: Here) -> Response:
        pausing.pause(here.hub, here.workspace)
        audit.note(here.hub, "paused", here.user, here.workspace.id)
        return here.go("home", "All sending is paused. What comes in is kept, and nothing leaves until you go on.")

    @pages.at("/w/<int:workspace_id>/go-on", Right.ACT, methods=("POST",))
    def go_on(here: Here) -> Response:
        pausing.go_on(here.hub, here.workspace)
        audit.note(here.hub, "went_on", here.user, here.workspace.id)
        return here.go("home", "Messages leave again, those that waited first.")

    @pages.at("/w/<int:workspace_id>/more", Right.SEE)
    def more(here: Here) -> Response:
        return here.show("more.html")
