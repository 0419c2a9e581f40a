"""Acting in a shop: the real client against the practice shop, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import shopify
from hub import values
from hub.errors import OutcomeUnknown, Rejected
from hub.outbox.calling import Caller, Found, look_back
from hub.outbox.steps import Waiting

ADA = {"email": "ada@example.com", "phone": "+14155550123", "name": "Ada Miller"}
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_a_customer_is_a_plain_record(shop, client):
    order = shop.happen("order", ADA | {"email_consent": True, "total": "12.50", "at": "2026-11-20T10:00:00Z"})
    assert shopify.get_customer.perform(client, order["customer"]["id"]) == {
        "id": str(order["customer"]["id"]),
        "first_name": "Ada",
        "last_name": "Miller",
        "email": "ada@example.com",
        "phone": "+14155550123",
        "country": "US",
        "locale": "en",
        "tags": [],
        "orders_count": 1,
        "total_spent": "12.50",
        "currency": "USD",
        "created_at": "2026-11-20T10:00:00Z",
        "updated_at": "2026-11-20T10:00:00Z",
        "email_consent": {"given": True, "state": "subscribed", "at": "2026-11-20T10:00:00Z"},
        "sms_consent": {"given": False, "state": "not_subscribed", "at": None},
    }


def test_ids_may_be_numbers_digits_or_global_ids(shop, client):
    number = shop.happen("signup", ADA)["id"]
    found = [
        shopify.get_customer.perform(client, given)
        for given in (number, str(number), f"gid://shopify/Customer/{number}")
    ]
    assert [record["id"] for record in found] == [str(number)] * 3


@pytest.mark.parametrize("given", ["", "ada", "-1", "٣", "gid://shopify/Order/1", None])
def test_what_is_no_customers_id_is_rejected_before_any_call(shop, client, given):
    with pytest.raises(Rejected, match="not the id of a Shopify customer"):
        shopify.get_customer.perform(client, given)
    assert not shop.calls


def test_a_customer_or_order_that_is_not_there_is_rejected(client):
    for look in (shopify.get_customer.perform, shopify.get_order.perform):
        with pytest.raises(Rejected, match="There is no such") as error:
            look(client, 1)
        assert error.value.code == "NOT_FOUND"


def test_a_customer_is_found_by_e_mail_address(shop, client):
    number = shop.happen("signup", ADA)["id"]
    found = shopify.find_customer.perform(client, " ADA@Example.com")
    assert found == shopify.get_customer.perform(client, number)
    assert shopify.find_customer.identifies({}, found).ids == {"shopify.customer": str(number)}


def test_an_address_that_the_shop_does_not_know_finds_nobody(shop, client):
    shop.happen("signup", ADA)
    assert shopify.find_customer.perform(client, "grace@example.com") is None
    assert not shopify.find_customer.identifies({}, None)


def test_what_is_no_address_is_not_looked_for(shop, client):
    with pytest.raises(Rejected, match="no e-mail address"):
        shopify.find_customer.perform(client, "+14155550123")
    assert not shop.calls


def test_a_customer_is_found_by_number_in_every_spelling(shop, client):
    number = shop.happen("signup", ADA | {"phone": "+14155550123"})["id"]
    found = shopify.find_customer_by_phone.perform(client, "+1 (415) 555-0123")
    assert found == shopify.get_customer.perform(client, number)
    assert shopify.find_customer_by_phone.perform(client, "+14155550199") is None


def test_what_is_no_number_is_not_looked_for(shop, client):
    with pytest.raises(Rejected, match="no number with its country code"):
        shopify.find_customer_by_phone.perform(client, "ada@example.com")
    assert not shop.calls


def test_an_order_tells_its_state_and_its_customer(shop, client):
    order = shop.happen("order", ADA | {"checkout_token": "c0ffee", "paid": False})
    assert shopify.get_order.perform(client, order["id"])["cancelled"] is False
    shop.happen("cancel", {})
    found = shopify.get_order.perform(client, order["id"])
    assert (found["paid"], found["cancelled"], found["cancel_reason"]) == (False, True, "customer")
    assert (found["financial_status"], found["fulfillment_status"]) == ("voided", "unfulfilled")
    assert (found["id"], found["checkout_token"], found["total"]) == (str(order["id"]), "c0ffee", "84.90")
    assert found["customer"] == shopify.get_customer.perform(client, found["customer_id"])


def test_an_order_that_was_paid_and_refunded_is_still_paid_and_nothing_of_it_is_kept(shop, client):
    assert shopify.get_order.perform(client, shop.happen("order", ADA | {"paid": False})["id"])["kept"] == "0.00"
    order = shop.happen("order", ADA)
    assert shopify.get_order.perform(client, order["id"])["kept"] == "84.90"
    shop.happen("cancel", {})
    found = shopify.get_order.perform(client, order["id"])
    assert found["kept"] == "0.00"
    assert (found["paid"], found["cancelled"], found["financial_status"]) == (True, True, "refunded")


def test_records_tell_whom_they_are_about(shop, client):
    order = shop.happen("order", ADA)
    for action, given in ((shopify.get_order, order["id"]), (shopify.get_customer, order["customer"]["id"])):
        person = action.identifies({}, action.perform(client, given))
        assert (person.email, person.phone) == ("ada@example.com", "+14155550123")
        assert person.ids == {"shopify.customer": str(order["customer"]["id"])}


def test_orders_of_a_person_since_a_time_newest_first(shop, client):
    for day in ("18", "19", "20"):
        shop.happen("order", ADA | {"at": f"2026-11-{day}T10:00:00Z"})
    shop.happen("order", {"email": "grace@example.com", "at": "2026-11-20T11:00:00Z"})
    since = datetime(2026, 11, 19, 10, 0, 0, 900_000, UTC)  # Shopify tells whole seconds
    by_mail = shopify.orders_of.perform(client, email="ADA@example.com", since=since)
    assert [order["created_at"][8:10] for order in by_mail] == ["20", "19"]
    by_id = shopify.orders_of.perform(client, customer_id=by_mail[0]["customer_id"], since=since)
    assert by_id == by_mail
    both = shopify.orders_of.perform(client, customer_id=by_mail[0]["customer_id"], email="g@example.com", since=since)
    assert both == by_mail


def test_orders_of_a_busy_person_come_over_several_pages(shop, client):
    for _ in range(51):
        shop.happen("order", ADA)
    assert len(shopify.orders_of.perform(client, email="ada@example.com", since=LONG_AGO)) == 51
    assert len(shop.calls) == 2


def test_an_apostrophe_in_an_address_ends_no_search(shop, client):
    shop.happen("order", ADA | {"email": "o'brien@example.com"})
    assert len(shopify.orders_of.perform(client, email="o'brien@example.com", since=LONG_AGO)) == 1


def test_orders_of_nobody_are_rejected(client):
    with pytest.raises(Rejected, match="Whose orders"):
        shopify.orders_of.perform(client, since=LONG_AGO)


def test_tags_are_added_once_and_taken_away(shop, client):
    number = shop.happen("signup", ADA)["id"]
    for _ in range(2):
        found = shopify.add_customer_tags.perform(client, number, ["regular", "vip"])
        assert found == {"id": str(number), "tags": ["regular", "vip"]}
    assert shopify.remove_customer_tags.perform(client, number, "vip")["tags"] == ["regular"]


@pytest.mark.parametrize(("channel", "key"), [("email", "email_consent"), ("sms", "sms_consent")])
def test_consent_is_written_down_with_its_time(shop, client, channel, key):
    number, at = shop.happen("signup", ADA)["id"], datetime(2026, 11, 20, 10, tzinfo=UTC)
    for given, state in ((True, "subscribed"), (False, "unsubscribed")):
        found = shopify.update_marketing_consent.perform(client, number, channel, given, at)
        assert found[key] == {"given": given, "state": state, "at": "2026-11-20T10:00:00Z"}


def test_a_yes_that_is_written_late_does_not_outdo_a_later_no(shop, client):
    number, yes = shop.happen("signup", ADA)["id"], datetime(2026, 11, 20, 10, tzinfo=UTC)
    shop.happen("consent", {"customer_id": number, "given": False, "at": "2026-11-20T10:00:01Z"})
    found = shopify.update_marketing_consent.perform(client, number, "email", True, yes)
    assert found["email_consent"] == {"given": False, "state": "unsubscribed", "at": "2026-11-20T10:00:01Z"}
    found = shopify.update_marketing_consent.perform(client, number, "email", True, yes + timedelta(seconds=2))
    assert found["email_consent"]["given"] is True


def test_a_no_is_written_however_late(shop, client):
    number = shop.happen("signup", ADA | {"email_consent": True})["id"]
    found = shopify.update_marketing_consent.perform(client, number, "email", False, LONG_AGO)
    assert found["email_consent"]["given"] is False


def test_consent_to_an_unknown_channel_is_rejected_before_any_call(shop, client):
    with pytest.raises(Rejected, match="channel"):
        shopify.update_marketing_consent.perform(client, 7, "fax", True, LONG_AGO)
    assert not shop.calls


def test_what_shopify_refuses_names_the_field_and_the_reason(shop, client):
    number = shop.happen("signup", {"email": "ada@example.com"})["id"]
    with pytest.raises(Rejected, match="input.smsMarketingConsent: A phone number is required") as error:
        shopify.update_marketing_consent.perform(client, number, "sms", True, LONG_AGO)
    assert error.value.code == "INVALID"
    with pytest.raises(Rejected, match="in the future"):
        shopify.update_marketing_consent.perform(client, number, "email", True, in_seconds(3600))


def test_a_discount_code_is_made_once(shop, client):
    inputs = {"percentage": 12.5, "starts_at": LONG_AGO, "usage_limit": 1}
    made = shopify.create_discount_code.perform(client, "BACK-7F3A", **inputs)
    assert (made["code"], made["percentage"], made["status"], made["usage_limit"]) == ("BACK-7F3A", 12.5, "active", 1)
    with pytest.raises(Rejected, match="must be unique") as error:
        shopify.create_discount_code.perform(client, "back-7f3a", **inputs)
    assert error.value.code == "TAKEN"


def test_a_discount_code_may_be_for_one_customer_and_end(shop, client, server):
    number = shop.happen("signup", ADA)["id"]
    ends = in_seconds(86_400)
    made = shopify.create_discount_code.perform(
        client, "ADA-1", 10, starts_at=in_seconds(3600), ends_at=ends, customer_id=number, title="For Ada"
    )
    assert (made["title"], made["status"]) == ("For Ada", "scheduled")
    assert datetime.fromisoformat(made["ends_at"]) == ends.replace(microsecond=0)
    sent = server.exchanges[-1].request_body["variables"]["discount"]
    assert sent["context"] == {"customers": {"add": [f"gid://shopify/Customer/{number}"]}}


@pytest.mark.parametrize("nobody", ["", 0])
def test_a_code_for_a_customer_who_is_not_known_is_never_a_code_for_everyone(shop, client, nobody):
    with pytest.raises(Rejected):
        shopify.create_discount_code.perform(client, "ADA-2", 10, starts_at=LONG_AGO, customer_id=nobody)
    assert not shop.books["discounts"]


def looked_back(client, since, **inputs):
    """What the engine learns when it asks whether this code was made since then."""
    action = shopify.create_discount_code
    filled = action(**inputs).inputs
    step = Waiting((1, 0), action, filled, b"", None, 1, 1, 0, 0, None, (1, action.name, b""), None)
    (outcome,) = look_back(step, since, Caller(client, (), lambda seen: None))
    assert isinstance(outcome.result, Found), outcome
    return [values.read(answer.written) for answer in outcome.result.answers]


def test_after_an_unknown_outcome_the_code_is_read_back(shop, client):
    inputs: dict[str, Any] = {"code": "BACK-1", "percentage": 15, "starts_at": LONG_AGO}
    started = in_seconds(0)
    assert looked_back(client, started, **inputs) == []
    shop.add_fault({"kind": "drop_after"})
    with pytest.raises(OutcomeUnknown):
        shopify.create_discount_code.perform(client, **inputs)
    (found,) = looked_back(client, started, **inputs)
    assert (found["code"], found["percentage"]) == ("BACK-1", 15)


def test_a_code_that_is_older_or_worth_something_else_is_not_ours(shop, client):
    inputs: dict[str, Any] = {"code": "BACK-1", "percentage": 15, "starts_at": LONG_AGO}
    shopify.create_discount_code.perform(client, **inputs)
    assert len(looked_back(client, in_seconds(0), **inputs)) == 1
    assert looked_back(client, in_seconds(60), **inputs) == []
    assert looked_back(client, in_seconds(0), **inputs | {"percentage": 20}) == []


def test_a_line_is_added_to_an_orders_note_once(shop, client):
    number = shop.happen("order", ADA)["id"]
    assert shopify.add_order_note.perform(client, number, "Called back") == {"id": str(number), "note": "Called back"}
    for _ in range(2):
        assert shopify.add_order_note.perform(client, number, "Wants grey")["note"] == "Called back\nWants grey"


def test_an_empty_line_changes_no_note(shop, client):
    number = shop.happen("order", ADA)["id"]
    with pytest.raises(Rejected, match="empty"):
        shopify.add_order_note.perform(client, number, " \n")
    assert shop.books["orders"][number]["note"] is None


def test_notes_added_at_the_same_time_are_all_kept(shop, client):
    from concurrent.futures import ThreadPoolExecutor

    number = shop.happen("order", ADA)["id"]
    lines = [f"line {n}" for n in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda line: shopify.add_order_note.perform(client, number, line), lines))
    assert sorted(shop.books["orders"][number]["note"].splitlines()) == lines


def test_customers_are_gone_through_fifty_at_a_time_with_their_last_order(shop, client):
    for number in range(52):
        shop.happen("signup", {"email": f"p{number}@example.com"})
    shop.happen("order", ADA | {"total": "12.50", "at": "2026-11-18T10:00:00Z"})
    shop.happen("order", ADA | {"total": "7.50", "at": "2026-11-20T10:00:00Z"})
    first = shopify.customers.perform(client)
    second = shopify.customers.perform(client, cursor=first.next)
    items = [*first.items, *second.items]
    assert (len(first.items), second.next) == (50, None)
    assert len({item.key for item in items}) == len(items) == len(shop.books["customers"])
    told = {item.person.email: item.data for item in items}
    assert told["p7@example.com"]["last_order_at"] is None
    ada = told["ada@example.com"]
    assert (ada["orders_count"], ada["total_spent"], ada["last_order_at"]) == (2, "20.00", "2026-11-20T10:00:00Z")
    known = shopify.get_customer.perform(client, ada["id"])
    assert ada == known | {"last_order_at": "2026-11-20T10:00:00Z"}
