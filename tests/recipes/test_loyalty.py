"""Tiers of loyalty: up at once with a reward, near ones told, and down each month with notice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors import mailchimp, shopify
from hub import Rejected
from hub.testing import Rehearsed, rehearse
from recipes.loyalty import USUAL, earned, held, tiers_in
from recipes.loyalty_recount import loyalty_recount
from recipes.loyalty_tiers import loyalty_tiers
from tests.recipes.events import ADA, AUDIENCE, CUSTOMER
from tests.recipes.rehearsing import mailed_at, mails, one_after_another

WHO = str(CUSTOMER)
PAID = shopify.order_paid.sample
COUNT = loyalty_recount.on[0].sample
YEAR = "last 12 months"


def known(spent: str, *tags: str) -> dict[str, Any]:
    """A customer as the shop knows them."""
    return {"id": WHO, "email": ADA, "tags": list(tags), "total_spent": spent}


def usual(*states: dict[str, Any]) -> dict[Any, Any]:
    return {
        shopify.get_customer: one_after_another(states),
        shopify.add_customer_tags: {"tags": []},
        shopify.remove_customer_tags: {"tags": []},
        mailchimp.get_member: {"status": "subscribed"},
        mailchimp.add_event: {"id": "e"},
    }


def pay(state: dict[str, Any], *, answers: Any = None, **settings: Any) -> Rehearsed:
    return rehearse(loyalty_tiers, PAID, usual(state) | (answers or {}), **{"audience": AUDIENCE} | settings)


def count(first: dict[str, Any], *later: dict[str, Any], answers: Any = None, **settings: Any) -> Rehearsed:
    event = replace(COUNT, data={**COUNT.data, **first})
    states = later or (first,)
    return rehearse(loyalty_recount, event, usual(*states) | (answers or {}), **{"audience": AUDIENCE} | settings)


def told(run: Rehearsed) -> Any:
    return [step.inputs["properties"] for step in run.of(mailchimp.add_event)]


# ---- up


@pytest.mark.parametrize(
    ("spent", "tags", "tier", "percent"),
    [
        ("100.00", [], "Bronze", 5),
        ("249.99", [], "Bronze", 5),
        ("600.00", [], "Gold", 15),
        ("250.00", ["tier-bronze"], "Silver", 10),
    ],
)
def test_whoever_has_spent_enough_is_up_at_once_with_a_reward(spent, tags, tier, percent):
    run = pay(known(spent, "wholesale", *tags))
    assert (run.says, mails(run)) == (f"They are {tier} now.", ["loyalty_up"])
    (code,) = run.of(shopify.create_discount_code)
    assert (code.inputs["percentage"], code.inputs["ends_at"] - code.inputs["starts_at"]) == (
        percent,
        timedelta(days=90),
    )
    assert told(run) == [{"tier": tier, "code": code.inputs["code"]}]
    assert run.of(shopify.add_customer_tags) == [shopify.add_customer_tags(WHO, [f"tier-{tier.lower()}"])]
    assert run.of(shopify.remove_customer_tags) == ([shopify.remove_customer_tags(WHO, tags)] if tags else [])
    assert run.of(mailchimp.remove_tags) == ([mailchimp.remove_tags(AUDIENCE, ADA, tags)] if tags else [])
    (member,) = run.of(mailchimp.upsert_member)
    assert member == mailchimp.upsert_member(AUDIENCE, ADA, tags=[f"tier-{tier.lower()}"])


@pytest.mark.parametrize(
    ("spent", "tags", "missing"),
    [
        ("80.00", [], {"tier": "Bronze", "missing": "20.00"}),
        ("79.99", [], None),
        ("200.00", ["tier-bronze"], {"tier": "Silver", "missing": "50.00"}),
        ("900.00", ["tier-gold"], None),
        ("220.00", ["tier-silver"], None),  # about the tier that they lose, the count of the month tells
    ],
)
def test_whoever_lacks_little_is_told_how_much(spent, tags, missing):
    run = pay(known(spent, *tags))
    assert told(run) == ([missing] if missing else [])
    assert run.says == ("They were told how little is missing." if missing else "Nothing changed.")
    assert run.of(shopify.add_customer_tags) == []


def test_an_order_lowers_nobody():
    run = pay(known("0.00", "tier-gold"))
    assert (run.says, run.of(shopify.remove_customer_tags)) == ("Nothing changed.", [])


def test_of_a_year_what_was_kept_counts():
    orders = [{"kept": "60.00"}, {"kept": "0.00"}, {"kept": "45.50"}]
    run = pay(known("9999.00"), answers={shopify.orders_of: orders}, counts=YEAR)
    assert run.says == "They are Bronze now."
    (asked,) = run.of(shopify.orders_of)
    assert round((PAID.at - asked.inputs["since"]) / timedelta(days=1), 3) == 365


def test_who_gets_no_newsletters_has_the_tier_all_the_same():
    run = pay(known("100.00"), answers={mailchimp.get_member: {"status": "unsubscribed"}})
    assert (run.says, mails(run), len(run.of(shopify.add_customer_tags))) == ("They are Bronze now.", [], 1)


def test_a_customer_who_is_gone_ends_it():
    refused = {shopify.get_customer: Rejected("There is no such customer in the shop.")}
    assert pay(known("0"), answers=refused).says == "The shop does not have this customer any more."


@pytest.mark.parametrize("person", [{"email": None}, {"ids": {}}])
def test_an_order_of_nobody_in_particular_begins_nothing(person):
    nobody = replace(PAID, person=replace(PAID.person, **person))
    assert rehearse(loyalty_tiers, nobody, audience=AUDIENCE).state == "skipped"


# ---- down


def test_whoever_has_spent_too_little_has_notice_and_three_weeks():
    run = count(known("180.00", "tier-silver"))
    assert mailed_at(run) == [("loyalty_notice", COUNT.at)]
    assert told(run) == [{"tier": "Silver", "missing": "70.00"}]
    (taken,) = [entry for entry in run.timeline if entry.action == shopify.remove_customer_tags.name]
    assert (taken.at - COUNT.at, run.says) == (timedelta(days=21), "They have a lower tier now.")
    assert run.of(shopify.add_customer_tags) == [shopify.add_customer_tags(WHO, ["tier-bronze"])]
    assert run.of(shopify.remove_customer_tags) == [shopify.remove_customer_tags(WHO, ["tier-silver"])]


def test_whoever_has_earned_none_loses_all():
    run = count(known("20.00", "tier-gold"))
    assert (run.says, run.of(shopify.add_customer_tags)) == ("They have no tier any more.", [])
    assert run.of(mailchimp.remove_tags) == [mailchimp.remove_tags(AUDIENCE, ADA, ["tier-gold"])]


@pytest.mark.parametrize("later", [known("260.00", "tier-silver"), known("180.00", "tier-bronze")])
def test_whoever_earns_it_by_then_keeps_it(later):
    run = count(known("180.00", "tier-silver"), later)
    assert (run.says, mails(run), run.of(shopify.remove_customer_tags)) == (
        "They keep their tier.",
        ["loyalty_notice"],
        [],
    )


def test_whoever_has_spent_enough_hears_nothing():
    run = count(known("250.00", "tier-silver"))
    assert (run.says, mails(run)) == ("They keep their tier.", [])


def test_of_a_year_older_orders_fall_out():
    years = one_after_another([[{"kept": "120.00"}], [{"kept": "90.00"}]])
    run = count(known("9999.00", "tier-silver"), answers={shopify.orders_of: years}, counts=YEAR)
    assert run.says == "They have no tier any more."
    first, second = (step.inputs["since"] for step in run.of(shopify.orders_of))
    assert second - first == timedelta(days=21)


def test_a_customer_who_is_gone_by_then_ends_the_count():
    refused = {shopify.get_customer: Rejected("There is no such customer in the shop.")}
    assert count(known("0", "tier-gold"), answers=refused).says == "The shop does not have this customer any more."


@pytest.mark.parametrize("state", [known("0.00"), known("0.00", "vip")])
def test_the_count_begins_for_those_with_a_tier_alone(state):
    assert count(state).state == "skipped"


# ---- the tiers


def test_tiers_are_read_as_an_owner_writes_them_in_any_order():
    found = tiers_in(["Gold 500 15", "Very Best 1000.50 20.5", "Bronze 100 5"])
    assert found is not None
    assert [(tier.name, tier.limit, tier.percent, tier.tag) for tier in found] == [
        ("Bronze", Decimal(100), 5.0, "tier-bronze"),
        ("Gold", Decimal(500), 15.0, "tier-gold"),
        ("Very Best", Decimal("1000.50"), 20.5, "tier-very-best"),
    ]
    assert [earned(found, Decimal(sum)) for sum in (0, 100, 999, 2000)] == [0, 1, 2, 3]
    assert [held(found, tags) for tags in ([], ["tier-gold", "tier-bronze"], ["tier-lost"])] == [0, 2, 0]


@pytest.mark.parametrize("tiers", ["Gold", "Gold 500", "Gold much 15", "500 15", "Gold 500 a lot"])
def test_tiers_that_cannot_be_read_are_told_and_change_nothing(tiers):
    for run in (pay(known("900"), tiers=tiers), count(known("0", "tier-gold"), tiers=tiers)):
        assert (str(run.says).startswith("Write each tier as"), run.steps) == (True, [])


def test_the_owners_tiers_count():
    assert pay(known("30.00"), tiers="Friend 25 3, Family 75 6").says == "They are Friend now."
    assert tiers_in(USUAL) is not None
