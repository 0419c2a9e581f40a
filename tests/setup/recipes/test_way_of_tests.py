"""The way of a recipe that tries out options."""

from __future__ import annotations

from connectors import hubspot, shopify
from hub import Event, Steps, choose, sleep
from tests.setup.recipes.test_way import drawn


def test_a_test_is_drawn_with_what_each_option_says() -> None:
    def greet(event: Event) -> Steps:
        """Greets."""
        text = yield choose("greeting", a="Hello", b="Good morning")
        yield hubspot.create_task("1", text)

    assert drawn(greet) == [
        "An order is placed",
        "Test “greeting”: each person gets one of 2 by chance, always the same | a: “Hello” · b: “Good morning”",
        "Create a task about a contact",
        "It is done",
    ]


def test_the_ways_of_all_options_are_drawn_where_they_differ() -> None:
    def remind(event: Event) -> Steps:
        """Reminds."""
        how = yield choose("how", task=1, note=2, nothing=3)
        if how == 3:
            return "Left alone."
        if how == 2:
            yield shopify.add_order_note("1", "note")
        else:
            yield hubspot.create_task("1", "Call them")
        yield sleep(days=1)
        return None

    assert drawn(remind) == [
        "An order is placed",
        "Test “how”: each person gets one of 3 by chance, always the same | task · note · nothing",
        "  Drawn on with task",
        "  If it is note:",
        "  Add a line to an order's note",
        "  Wait 1 day",
        "  It ends",
        "  If it is nothing:",
        "  It ends | Left alone.",
        "Create a task about a contact",
        "Wait 1 day",
        "It is done",
    ]
