"""A declaration is checked as a whole, and what it declares makes steps, samples and matches."""

import json
import re
from datetime import timedelta

import pytest

from connectors import hubspot, mailchimp, shopify
from hub import Connector, Field, Limit, Match, OAuth, Step
from hub.errors import ConnectorInvalid
from hub.trigger import read_sample
from tests.hub import acme


def declared(*fields, **more):
    given = {"title": "T", "about": "A.", "limit": Limit(), "verify": lambda delivery, secrets: None} | more
    return Connector("other", fields=fields, **given)


def test_a_complete_declaration_has_no_faults():
    assert acme.connector.faults() == []
    acme.connector.validate()


def test_every_fault_is_told_at_once():
    connector = declared(Field("token", "Token", secret=True), Field("made", "Made", secret=True, generated=True))
    connector.trigger("thing.happened", title="a thing happens", sample="none.json")

    @connector.action(repeat="readback", title="Send", channel="sms", recipient="too")
    def send(client, to):
        pass

    @connector.action(repeat="keyed", title="Note")
    def note(client):
        """Notes."""

    assert connector.faults() == [
        "other: no function is marked @connector.connect",
        "other: no function is marked @connector.check",
        "other: no function is marked @connector.events",
        "other: the secret field 'token' says nowhere where to find it (help)",
        "other.thing.happened: its sample none.json is not in samples/",
        "other.send: has no docstring",
        "other.send: is declared readback, but nothing is marked @send.readback",
        "other.send: sends a message, but `recipient` names none of its inputs",
        "other.send: sends a message, but takes no `purpose`",
        "other.note: is declared keyed, but takes no `key`",
    ]
    with pytest.raises(ConnectorInvalid, match=r"no function.*; .*takes no `key`\.$"):
        connector.validate()


def test_calling_an_action_makes_a_step_with_every_input_by_name():
    step = acme.send_note("a@example.com", text="Hi", purpose="transactional")
    assert step == Step("acme.send_note", {"to": "a@example.com", "text": "Hi", "purpose": "transactional"})
    assert acme.add_tag("a@example.com").inputs == {"to": "a@example.com", "tag": "customer"}


@pytest.mark.parametrize(
    "call",
    [
        lambda: acme.send_note("a@example.com"),
        lambda: acme.send_note("a@example.com", "Hi", purpose="p", colour="red"),
        lambda: acme.add_tag("a@example.com", key="the engine's"),
    ],
)
def test_a_wrong_input_is_told_where_it_was_written(call):
    with pytest.raises(TypeError):
        call()


def test_the_engine_performs_an_action_with_the_client_first():
    assert acme.add_tag.perform(None, "a", key="run:1") == "a customer run:1"
    assert acme.add_tag.takes_key


def test_a_batched_action_says_what_may_go_together():
    assert (acme.add_tag.batch_by, acme.add_tag.batch_limit) == (("tag",), 3)
    assert acme.add_tag.many is acme.add_tags
    assert acme.send_note.many is None
    assert acme.send_note.batch_limit == 1


def test_a_trigger_can_be_narrowed():
    assert acme.order_created.type == "acme.order.created"
    match = acme.order_created.matching(same=["a", "b.c"], where={"paid": True})
    assert match == Match(acme.order_created, ("a", "b.c"), {"paid": True})
    assert match.as_data() == {"type": "acme.order.created", "same": ["a", "b.c"], "where": {"paid": True}}
    assert acme.order_created.as_data() == {"type": "acme.order.created", "same": [], "where": {}}


def test_a_trigger_shows_the_event_of_its_sample():
    event = acme.order_paid.sample
    assert (event.type, event.data["id"], event.person.email) == ("acme.order.paid", 1, "ada@example.com")


def test_a_sample_of_something_else_is_told_as_a_fault(monkeypatch):
    monkeypatch.setitem(acme.TYPES, "paid", "acme.order.created")
    with pytest.raises(ConnectorInvalid, match=r"order_paid\.json tells no event of this type"):
        _ = acme.order_paid.sample


def test_a_sample_becomes_a_delivery_with_a_json_body_or_a_form(tmp_path):
    file = tmp_path / "sample.json"
    file.write_text(json.dumps({"headers": {"X-Topic": "t"}, "body": {"name": "Ada ✓"}}), encoding="utf-8")
    assert read_sample(file).json == {"name": "Ada ✓"}
    assert read_sample(file).headers == {"content-type": "application/json", "x-topic": "t"}
    file.write_text(json.dumps({"form": {"data[name]": "Ada & ✓"}}, ensure_ascii=False), encoding="utf-8")
    assert read_sample(file).form == {"data[name]": "Ada & ✓"}
    assert read_sample(file).headers == {"content-type": "application/x-www-form-urlencoded"}


def test_functions_are_found_under_the_name_they_are_declared_with():
    assert acme.connector.function("check") is acme.check
    assert acme.connector.function("subscribe") is None
    assert list(acme.connector.triggers) == ["acme.order.created", "acme.order.paid"]
    assert list(acme.connector.actions) == ["acme.send_note", "acme.add_tag"]


def test_a_connector_knows_its_folder_and_package():
    assert acme.connector.package == "tests.hub.acme"
    assert (acme.connector.folder / "samples" / "order_paid.json").is_file()


def test_neither_connector_nor_action_shows_more_than_its_name():
    assert repr(acme.connector) == "Connector(acme)"
    assert repr(acme.send_note) == "Action(acme.send_note)"
    assert acme.send_note.settle == timedelta(seconds=5)


# ---- logging in by OAuth


def oauth_faults(**oauth):
    """The faults of a connector with this OAuth."""
    whole = {
        "authorize": "https://acme.example/authorize",
        "token": "https://acme.example/token",
        "practice": ("an app", "its secret"),
        "keeps": "token",
    }
    made = Connector(
        "acme",
        title="Acme",
        about="Takes orders.",
        fields=[
            Field("token", "Token", help="There.", secret=True),
            Field("shop", "Shop"),
            Field("note", "Note", required=False),
        ],
        verify=lambda delivery, secrets: None,
        limit=Limit(calls=1),
        oauth=OAuth(**whole | oauth),
    )
    return [fault for fault in made.faults() if "OAuth" in fault]


def test_an_oauth_declaration_that_is_whole_has_no_faults():
    assert oauth_faults() == []
    assert oauth_faults(authorize="https://{shop}/yes", token="https://{shop}/token", prepare=lambda given: given) == []


@pytest.mark.parametrize(
    ("oauth", "fault"),
    [
        ({"authorize": "http://acme.example/authorize"}, "authorize is no whole https address"),
        ({"token": "https://acme.example"}, "token is no whole https address"),
        ({"token": "https://{shop}/token"}, "made of what somebody fills in, and nothing checks that"),
        ({"authorize": "https://{note}/yes", "prepare": dict}, r"made of \['note'\], which nobody fills in"),
        ({"keeps": "shop"}, "keeps 'shop', which is no secret field"),
        ({"signs": "nothing"}, "signs 'nothing', which is no secret field"),
        ({"instead_of": ["key"]}, "instead of 'key', which is no field"),
        ({"practice": ("", "")}, "names no app of the practice service"),
    ],
)
def test_every_fault_of_an_oauth_declaration_is_told(oauth, fault):
    (told,) = oauth_faults(**oauth)
    assert re.search(fault, told)


def test_a_login_asks_for_what_it_does_not_bring():
    asked = {
        item.name: [field.name for field in item.oauth.asks(item.fields)]
        for item in (hubspot.connector, mailchimp.connector, shopify.connector)
        if item.oauth
    }
    assert asked == {"hubspot": [], "mailchimp": [], "shopify": ["shop"]}
