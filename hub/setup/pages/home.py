"""The first page of a workspace, and the practice order."""

from __future__ import annotations

from werkzeug.wrappers import Response

from ... import pausing
from ..access import audit
from ..access.roles import ANYBODY, Right
from ..home import home as everything
from ..language import _, lazy
from ..practice_shop import NO_ANSWER, NO_PRACTICE, ORDERED, place_order
from .frame import Here, Pages, Visitor

NOTES = {
    ORDERED: lazy("An order was placed in the practice shop. It comes in below in a moment."),
    NO_PRACTICE: lazy("The connected shop is not a practice shop, so no order was placed in it."),
    NO_ANSWER: lazy(
        "The practice shop does not answer, so no order was placed. Start the hub again with: hub up --practice"
    ),
}


def add(pages: Pages) -> None:
    @pages.at("/", ANYBODY)
    def index(visitor: Visitor) -> Response:
        latest = visitor.latest_workspace
        return visitor.go("home", workspace_id=latest.id) if latest else visitor.show("no_workspace.html")

    @pages.at("/w/<int:workspace_id>/", Right.SEE)
    def home(here: Here) -> Response:
        return here.show("home.html", home=everything(here.hub, here.workspace))

    @pages.at("/w/<int:workspace_id>/practice/order", Right.ACT, methods=("POST",))
    def order(here: Here) -> Response:
        became = place_order(here.hub, here.workspace)
        if became == ORDERED:
            audit.note(here.hub, "practice_order", here.user, here.workspace.id)
        return here.go("home", str(NOTES[became]), trouble=became != ORDERED)

    @pages.at("/w/<int:workspace_id>/pause", Right.ACT, methods=("POST",))
    def pause(here: Here) -> Response:
        pausing.pause(here.hub, here.workspace)
        audit.note(here.hub, "paused", here.user, here.workspace.id)
        return here.go("home", _("All sending is paused. What comes in is kept, and nothing leaves until you go on."))

    @pages.at("/w/<int:workspace_id>/go-on", Right.ACT, methods=("POST",))
    def go_on(here: Here) -> Response:
        pausing.go_on(here.hub, here.workspace)
        audit.note(here.hub, "went_on", here.user, here.workspace.id)
        return here.go("home", _("Messages leave again, those that waited first."))

    @pages.at("/w/<int:workspace_id>/more", Right.SEE)
    def more(here: Here) -> Response:
        return here.show("more.html")
