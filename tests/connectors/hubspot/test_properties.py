"""Properties of a recipe's own: made once, and never mistaken for another's."""

import pytest

from connectors import hubspot
from hub import OutcomeUnknown, Rejected
from tests.connectors.hubspot.calls import many


def methods(server):
    return [exchange.method for exchange in server.exchanges]


@pytest.mark.parametrize(
    ("holds", "kind", "value", "written"),
    [
        ("text", "string", "by phone", "by phone"),
        ("number", "number", 3, "3"),
        ("date", "date", "2026-11-22", "2026-11-22"),
        ("datetime", "datetime", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"),
        ("yes_no", "bool", True, "true"),
    ],
)
def test_a_property_is_made_and_can_be_written_then(client, service, contact_id, holds, kind, value, written):
    with pytest.raises(Rejected, match="does not exist"):
        hubspot.set_properties.perform(client, {"of_ours": value}, contact_id=contact_id)
    step = hubspot.ensure_property("of_ours", "Of ours", holds=holds)
    assert hubspot.ensure_property.perform(client, **step.inputs) == {"name": "of_ours", "created": True}
    hubspot.set_properties.perform(client, {"of_ours": value}, contact_id=contact_id)
    assert service.books["properties"]["contacts"]["of_ours"]["type"] == kind
    assert service.books["objects"]["contacts"][contact_id]["properties"]["of_ours"] == written


def test_a_property_that_is_there_costs_one_look(client, server):
    hubspot.ensure_property.perform(client, "last_order", "Last order", holds="date")
    server.exchanges.clear()
    found = hubspot.ensure_property.perform(client, "last_order", "Another label", holds="date")
    assert (found["created"], methods(server)) == (False, ["GET"])


def test_many_that_need_the_same_property_ask_once(client, server):
    call = {"name": "last_order", "label": "Last order", "holds": "date"}
    answers = many(hubspot.ensure_property, client, call, call, call)
    assert [answer["created"] for answer in answers] == [True, False, False]
    assert methods(server) == ["GET", "POST"]


def test_a_property_that_holds_something_else_is_left_alone(client, service):
    with pytest.raises(Rejected, match="holds a string, not a date"):
        hubspot.ensure_property.perform(client, "city", "City", holds="date")
    assert service.books["properties"]["contacts"]["city"]["type"] == "string"


@pytest.mark.parametrize("call", [{"name": "Last order"}, {"name": "last_order", "holds": "colours"}])
def test_what_no_property_can_be_is_rejected(client, call):
    with pytest.raises(Rejected):
        hubspot.ensure_property.perform(client, **{"label": "Last order"} | call)


class Busy:
    """HubSpot where somebody else makes the property at the same time."""

    def __init__(self, theirs):
        self.looks = [Rejected("no", status=404), theirs]

    def call(self, method, path, body=None):
        if method == "POST":
            raise Rejected("It exists already.", status=409)
        look = self.looks.pop(0)
        if isinstance(look, Rejected):
            raise look
        return look


def test_a_property_that_somebody_else_makes_at_the_same_time_is_taken_as_it_is():
    answer = hubspot.ensure_property.perform(Busy({"type": "date"}), "last_order", "Last order", holds="date")
    assert answer == {"name": "last_order", "created": False}
    with pytest.raises(Rejected, match="holds a number"):
        hubspot.ensure_property.perform(Busy({"type": "number"}), "last_order", "Last order", holds="date")


@pytest.mark.parametrize("answer", [None, [], {}, {"type": 5}])
def test_an_answer_that_cannot_be_read_leaves_it_open(answer):
    with pytest.raises(OutcomeUnknown):
        hubspot.ensure_property.perform(type("Odd", (), {"call": lambda *_, **__: answer})(), "city", "City")


def test_what_may_be_chosen_holds_a_yes_or_no(client, service):
    hubspot.ensure_property.perform(client, "agreed", "Agreed to newsletters", holds="yes_no")
    hubspot.ensure_property.perform(client, "last_order", "Last order", holds="date")
    definitions = service.books["properties"]["contacts"]
    definitions["hidden_one"] = definitions["agreed"] | {"name": "hidden_one", "hidden": True}
    fixed = {"name": "fixed_one", "modificationMetadata": {"readOnlyValue": True}}
    definitions["fixed_one"] = definitions["agreed"] | fixed
    assert list(hubspot.yes_no_properties(client)) == [("agreed", "Agreed to newsletters")]
