"""The contract passes for a connector that keeps it, and each promise fails for one that breaks it."""

import importlib
import itertools
import shutil
from pathlib import Path

import pytest

from hub.testing import CHECKS, contract
from tests.hub import acme

ACME = Path(acme.__file__).parent
numbers = itertools.count()


@pytest.mark.parametrize("check", contract(acme.connector), ids=str)
def test_acme_keeps_the_contract(check):
    check()


@pytest.fixture
def changed(tmp_path, monkeypatch):
    """Makes another Acme whose code, or a file of whose samples, says something else."""

    def make(old, new, file="__init__.py"):
        folder = tmp_path / f"acme_changed_{next(numbers)}"
        shutil.copytree(ACME, folder, ignore=shutil.ignore_patterns("__pycache__"))
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        return importlib.import_module(folder.name).connector

    return make


BROKEN = {
    "the_declaration_is_complete": [("@connector.check\n", "")],
    "everything_has_a_name_and_words_for_people": [
        ('"acme",', '"Acme",'),
        ('about="Takes orders."', 'about=" "'),
        ('"order.created", title="an order comes in"', '"order.created", title=""'),
        ('trigger("order.created"', 'trigger("OrderCreated"'),
        ('"""Adds a tag."""', "pass"),
        ('Field("shop", "Shop"', 'Field("shop", ""'),
    ],
    "a_recipe_finds_everything_in_the_package": [
        ("for call in calls]\n", "for call in calls]\n\n\ndel order_created\n"),
        ("for call in calls]\n", "for call in calls]\n\n\nadd_tag = None\n"),
    ],
    "every_action_takes_plain_data": [
        ('tag: str = "customer"', "tag: object = print"),
        ("purpose: str) ->", "purpose: str, **more: str) ->"),
        ('batched(by=["tag"]', 'batched(by=["list"]'),
        ("limit=3", "limit=0"),
    ],
    "every_limit_lets_calls_through": [("calls=10", "calls=0"), ("calls=10", "per=0.0")],
    "every_example_is_an_answer_in_words": [
        ("for call in calls]\n", "for call in calls]\n\n\nadd_tag.answering(lambda **_: [])\n"),
        ("for call in calls]\n", 'for call in calls]\n\n\nadd_tag.answering(lambda **_: [("", {})])\n'),
        ("for call in calls]\n", 'for call in calls]\n\n\nadd_tag.answering(lambda **_: [("it is", {1, 2})])\n'),
    ],
    "every_sample_tells_an_event_of_its_type": [('"paid": order_paid.type', '"paid": order_created.type')],
    "the_providers_payload_is_kept_whole": [
        ("tzinfo=UTC), data,", 'tzinfo=UTC), data | {"lines": []},'),
        ("tzinfo=UTC), data,", 'tzinfo=UTC), data | {"id": 2},'),
    ],
    "every_event_is_well_formed": [
        ("addresses.email(data", "str(data"),
        (", tzinfo=UTC), data", "), data"),
        (' str(data["id"])}', ' data["id"]}'),
        ("f\"{kind}:{data['id']}\"", '""'),
        ("tzinfo=UTC), data,", 'tzinfo=UTC), data | {"at": datetime(2026, 1, 1)},'),
        ("kind, datetime", '"acme.order.lost", datetime'),
    ],
    "the_same_delivery_has_the_same_keys_each_time": [
        ('f"{kind}:', 'f"{delivery.received_at}:'),
        ('return [delivery.headers["x-acme-id"]]', 'return [""]'),
        ("    yield Event(", "    for _ in range(2):\n     yield Event("),
    ],
    "something_unheard_of_becomes_an_unknown_event": [
        ('TYPES.get(delivery.headers.get("x-acme-topic", ""), UNKNOWN)', 'TYPES[delivery.headers["x-acme-topic"]]'),
    ],
    "an_odd_payload_is_read_or_refused_but_breaks_nothing": [
        ('isinstance(data.get("email"), str)', "True"),
        ("not isinstance(data, dict) or ", ""),
    ],
    "an_unsigned_delivery_is_refused": [("from webhooks.signatures import hmac_header", "hmac_header = __OPEN__")],
    "a_forged_delivery_is_refused_whatever_its_headers_hold": [
        ("from webhooks.signatures import hmac_header", "hmac_header = __NAIVE__"),
        ("from webhooks.signatures import hmac_header", "hmac_header = __CHATTY__"),
        ("from webhooks.signatures import hmac_header", "hmac_header = __FRAGILE__"),
    ],
    "without_a_secret_nothing_is_accepted": [
        ("from webhooks.signatures import hmac_header", "hmac_header = __OPEN__"),
        ("from webhooks.signatures import hmac_header", "hmac_header = __NAIVE__"),
    ],
    "a_lost_login_is_told_as_such": [
        ('raise refusal(answer.status_code, "Acme says no")', 'return ""'),
        ('raise refusal(answer.status_code, "Acme says no")', 'raise ValueError("no")'),
        ('"Acme says no")', 'f"Acme says no to {client.session.headers}")'),
        ('"""A login at Acme."""', "__repr__ = lambda self: str(self.session.headers)"),
    ],
    "an_answer_that_makes_no_sense_is_no_success": [
        ("except (ValueError, KeyError, TypeError):", "except ZeroDivisionError:"),
        ('return str(answer.json()["name"])', "return answer.text"),
    ],
    "a_login_by_oauth_makes_a_client_without_keys": [
        ("webhook_secret: Sequence[str] = ()", "webhook_secret: Sequence[str]"),
    ],
    "a_service_that_is_not_there_is_tried_later": [
        ('answer = client.session.get("/account")', 'raise refusal(500, "none")'),
    ],
}

# Verifiers that a hurried author might write.
VERIFIERS = {
    "__OPEN__": "lambda *names, fields: lambda delivery, secrets: None",
    "__NAIVE__": """lambda *names, fields: lambda delivery, secrets: _naive(delivery)


def _naive(delivery):
    from hub.errors import SignatureMissing

    if "x-acme-signature" not in delivery.headers:
        raise SignatureMissing
""",
    "__CHATTY__": """lambda *names, fields: lambda delivery, secrets: _chatty(delivery, secrets)


def _chatty(delivery, secrets):
    from hub.errors import SignatureWrong

    raise SignatureWrong(f"{delivery.headers.get('x-acme-signature')} is not made with {secrets['webhook_secret']}")
""",
    "__FRAGILE__": """lambda *names, fields: lambda delivery, secrets: _fragile(delivery)


def _fragile(delivery):
    from hub.errors import SignatureWrong

    delivery.headers["x-acme-signature"].encode("ascii")
    raise SignatureWrong
""",
}


@pytest.mark.parametrize(
    ("promise", "old", "new"), [(name, *pair) for name, pairs in BROKEN.items() for pair in pairs], ids=lambda v: v[:40]
)
def test_a_broken_promise_is_found(changed, promise, old, new):
    for name, text in VERIFIERS.items():
        new = new.replace(name, text)
    connector = changed(old, new)
    check = next(check for check in contract(connector) if check.promise.__name__ == promise)
    with pytest.raises(AssertionError):
        check()


def test_a_name_twice_in_a_sample_or_a_sample_for_nothing_is_found(changed):
    promise = "every_sample_file_is_used_and_repeats_no_name"
    connector = changed('"id": 1,', '"id": 1, "id": 1,', "samples/order_paid.json")
    with pytest.raises(AssertionError, match=r"order_paid\.json: has 'id' twice"):
        next(check for check in contract(connector) if check.promise.__name__ == promise)()
    connector = changed('sample="order_paid.json"', 'sample="order_created.json"')
    with pytest.raises(AssertionError, match=r"order_paid\.json: no trigger uses it"):
        next(check for check in contract(connector) if check.promise.__name__ == promise)()


def test_every_promise_is_broken_by_some_test():
    assert {check.__name__ for check in CHECKS} == {*BROKEN, "every_sample_file_is_used_and_repeats_no_name"}


def test_what_is_wrong_is_said_in_sentences_that_name_the_place(changed):
    connector = changed("addresses.email(data", "str(data")
    with pytest.raises(AssertionError) as caught:
        next(c for c in contract(connector) if c.promise.__name__ == "every_event_is_well_formed")()
    assert str(caught.value).splitlines() == [
        "acme.order.created: person.email is not in one spelling: use hub.addresses.email",
        "acme.order.paid: person.email is not in one spelling: use hub.addresses.email",
    ]
