"""Questions to somebody of the business, as a recipe's way draws them."""

from __future__ import annotations

from datetime import timedelta

from connectors import shopify
from hub import (
    Event,
    Steps,
    ask_person,
    sleep,
)
from tests.setup.recipes.drawing import drawn

DAY = timedelta(days=1)


def test_a_question_to_somebody_of_the_business_is_drawn_with_what_follows_from_each_answer() -> None:
    def ask(event: Event) -> Steps:
        """Asks first."""
        said = yield ask_person("Refund it?", choices=["Yes", "No", "Later"], timeout=DAY, default="No")
        if said == "No":
            return "Nobody wanted to."
        if said == "Later":
            yield sleep(days=3)
        yield shopify.add_order_note("1", "refunded")
        return None

    assert drawn(ask)[1:] == [
        "Ask somebody of yours: “Refund it?”: goes on unless somebody of yours says “No”",
        "  If somebody of yours says “Later”:",
        "  Wait 3 days",
        "  Then on as below",
        "Add a line to an order's note",
        "It is done",
    ]


def test_a_text_that_somebody_may_write_is_drawn_with_what_follows_if_nobody_does() -> None:
    def ask(event: Event) -> Steps:
        """Asks for a text."""
        said = yield ask_person("What should we write?", timeout=DAY)
        if said is None:
            yield sleep(days=3)
        yield shopify.add_order_note("1", said or "nothing")
        return None

    assert drawn(ask)[1:] == [
        "Ask somebody of yours: “What should we write?”",
        "  If nobody answers in time:",
        "  Wait 3 days",
        "  Then on as below",
        "Add a line to an order's note",
        "It is done",
    ]
