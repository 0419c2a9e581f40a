"""Marking the best customers: who becomes one, who stays one, who is none any more, and where it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors import hubspot, mailchimp, shopify
from hub import Event, Rejected
from hub.testing import Rehearsed, rehearse
from recipes.tag_vips import tag_vips
from tests.recipes.events import ADA, AUDIENCE, CUSTOMER, NOON, after

WHO = str(CUSTOMER)
PAID = shopify.order_paid.sample
REFUNDED = shopify.order_refunded.sample
NOBODYS = replace(PAID, data={**PAID.data, "customer": None})


def weigh(
    count: int, total: str, *, tags: Any = (), first: Event = PAID, answers: Any = None, **settings: Any
) -> Rehearsed:
    known = {"id": WHO, "email": ADA, "tags": list(tags), "orders_count": count, "total_spent": total}
    usual = {
        shopify.get_customer: known,
        shopify.get_order: {"customer": {"id": WHO}},
        shopify.add_customer_tags: {"tags": ["vip"]},
        shopify.remove_customer_tags: {"tags": []},
        mailchimp.remove_tags: {"tags": ["vip"]},
    }
    return rehearse(tag_vips, first, usual | (answers or {}), **{"audience": AUDIENCE} | settings)


def changes(run: Rehearsed) -> list[str]:
    reads = (shopify.get_customer.name, shopify.get_order.name, "sleep")
    return [step.action for step in run.steps if step.action not in reads]


def test_a_new_vip_is_told_everywhere_and_greeted_by_somebody():
    run = weigh(5, "120.00")
    assert run.says == "They are a VIP now."
    assert run.of(shopify.add_customer_tags) == [shopify.add_customer_tags(WHO, ["vip"])]
    assert run.of(mailchimp.upsert_member) == [mailchimp.upsert_member(AUDIENCE, ADA, tags=["vip"])]
    assert run.of(hubspot.upsert_contact) == [hubspot.upsert_contact(ADA, {"vip": True})]
    (task,) = run.of(hubspot.create_task)
    assert (task.inputs["title"], task.inputs["priority"]) == ("Say hello to a new VIP", "HIGH")


@pytest.mark.parametrize(
    ("orders", "spent", "is_one"),
    [(5, "0.00", True), (4, "499.99", False), (1, "500.00", True), (4, "500.00", True), (0, "0.00", False)],
)
def test_either_limit_makes_a_vip(orders, spent, is_one):
    assert (weigh(orders, spent).says == "They are a VIP now.") is is_one


@pytest.mark.parametrize(
    ("orders", "spent", "stays"), [(4, "0.00", True), (3, "400.00", True), (3, "399.99", False), (0, "0.00", False)]
)
def test_a_vip_stays_one_down_to_four_fifths_of_a_limit(orders, spent, stays):
    run = weigh(orders, spent, tags=["vip", "wholesale"])
    assert run.says == ("Nothing changed." if stays else "They are no VIP any more.")
    assert bool(changes(run)) is not stays


def test_who_is_none_any_more_is_told_everywhere_without_a_task():
    run = weigh(3, "10.00", tags=["vip"], first=REFUNDED)
    assert run.of(shopify.get_order) == [shopify.get_order(REFUNDED.data["order_id"])]
    assert run.of(shopify.remove_customer_tags) == [shopify.remove_customer_tags(WHO, ["vip"])]
    assert run.of(mailchimp.remove_tags) == [mailchimp.remove_tags(AUDIENCE, ADA, ["vip"])]
    assert run.of(hubspot.upsert_contact) == [hubspot.upsert_contact(ADA, {"vip": False})]
    assert run.of(hubspot.create_task) == []


def test_a_vip_who_buys_again_is_not_greeted_again():
    run = weigh(9, "900.00", tags=["vip"])
    assert (run.says, changes(run)) == ("Nothing changed.", [])


def test_with_a_limit_of_nothing_spent_orders_alone_count():
    assert weigh(4, "9999.00", spent="0").says == "Nothing changed."
    assert weigh(5, "0.00", spent="0").says == "They are a VIP now."


def test_the_limits_and_the_tag_are_the_owners():
    run = weigh(2, "0.00", orders=2, tag="gold")
    assert run.of(shopify.add_customer_tags) == [shopify.add_customer_tags(WHO, ["gold"])]


def test_somebody_without_an_address_is_marked_in_the_shop_alone():
    known = {"id": WHO, "email": None, "tags": [], "orders_count": 7, "total_spent": "0"}
    assert changes(weigh(7, "0", answers={shopify.get_customer: known})) == [shopify.add_customer_tags.name]


def test_an_order_of_nobody_marks_nobody():
    assert weigh(5, "0", first=NOBODYS).says == "The order is nobody's in particular."


def test_what_the_shop_does_not_have_any_more_is_said():
    run = weigh(5, "0", answers={shopify.get_customer: Rejected("There is no such customer in the shop.")})
    assert (run.state, run.says) == ("done", "The shop does not have this order or customer any more.")


def test_a_refusal_elsewhere_is_said_and_the_tag_in_the_shop_holds():
    run = weigh(5, "0", answers={hubspot.ensure_property: Rejected("It holds a text.")})
    assert run.says == "Not everything was possible: It holds a text."
    assert len(run.of(shopify.add_customer_tags)) == 1


def test_the_shop_has_a_minute_to_add_up():
    assert weigh(5, "0").timeline[1].at == PAID.at.replace(microsecond=0) + (after(minutes=1) - NOON)
