"""A message as a made-up person gets it, and what it costs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors import shopify
from hub import Event, Setting, Steps, recipe, registry, sleep
from hub.setup.recipes.preview import money, preview

THANKS = registry.recipe("order_thanks")
TEXT = THANKS.settings["text"].words


@recipe(on=shopify.order_created, title="No texts")
def textless(event: Event) -> Steps:
    """Uses nothing that texts."""
    yield sleep(hours=1)
    return None


def test_a_message_is_filled_in_for_a_made_up_person() -> None:
    seen = preview(THANKS, TEXT, "Hello {first_name|there}, {order} for {total}")
    assert (seen.text, seen.slips, seen.trouble) == ("Hello Ada, #1042 for 84.90", (), None)
    assert seen.cost is not None
    assert (seen.cost.parts, seen.cost.says) == (1, "1 part, about $0.008")
    assert "list price" in seen.cost.assumes


@pytest.mark.parametrize(("text", "parts"), [("x" * 160, 1), ("x" * 161, 2), ("ж" * 70, 1), ("ж" * 71, 2)])
def test_a_message_costs_by_its_parts(text: str, parts: int) -> None:
    cost = preview(THANKS, TEXT, text).cost
    assert cost is not None
    assert (cost.parts, cost.amount) == (parts, parts * Decimal("0.0083"))


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", "This is empty, so nothing would be sent."),
        ("  ", "This is empty, so nothing would be sent."),
        ("x" * 1601, "The text has 1601 characters; Twilio sends 1600 at most. Shorten it."),
    ],
)
def test_a_message_that_cannot_be_sent_says_why(text: str, trouble: str) -> None:
    seen = preview(THANKS, TEXT, text)
    assert (seen.trouble, seen.cost) == (trouble, None)


def test_a_name_that_nothing_is_offered_for_is_pointed_out() -> None:
    assert preview(THANKS, TEXT, "{frist_name} {first_name} {total|0}").slips == ("frist_name",)


@pytest.mark.parametrize("text", ["{first_name.__class__}", "{0.__init__.__globals__}", "{first_name:>9999999999}"])
def test_a_template_can_do_nothing_but_fill_in(text: str) -> None:
    assert preview(THANKS, TEXT, text).text == text


def test_where_nothing_sends_it_no_cost_is_told() -> None:
    assert preview(textless, TEXT, "Hello").cost is None
    assert preview(THANKS, Setting("An e-mail", message="email"), "Hello").cost is None


def test_a_template_of_any_length_is_looked_at_only_so_far() -> None:
    assert len(preview(THANKS, TEXT, "x" * 1_000_000).text) < 10_000


@pytest.mark.parametrize(
    ("amount", "currency", "says"),
    [
        ("0.0083", "USD", "$0.008"),
        ("0.0166", "EUR", "€0.017"),
        ("12.4", "GBP", "£12.40"),
        ("1234.5", "SEK", "SEK\xa01,234.50"),
    ],
)
def test_sums_read_as_people_write_them(amount: str, currency: str, says: str) -> None:
    assert money(Decimal(amount), currency) == says
