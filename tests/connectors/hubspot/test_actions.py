"""HubSpot's actions on the account, contacts and lists, over a real socket against the practice service."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connectors import hubspot
from connectors.hubspot import memberships, wording
from hub import NotAuthorized, RateLimited, Rejected, TryLater
from hub.errors import ActionFailed
from hub.quota import Observation, observing
from tests.connectors.hubspot.calls import many, upserts


def paths(server):
    return [exchange.path for exchange in server.exchanges]


# ---- the account


def test_check_names_the_account(client):
    assert hubspot.check(client) == "HubSpot account 62515"


def test_a_wrong_token_is_a_lost_login_and_is_told_to_nobody(server):
    client = hubspot.connect(access_token="pat-wrong-token", base_url=server.base_url + "/")
    with pytest.raises(NotAuthorized) as caught:
        hubspot.check(client)
    assert caught.value.status == 401
    assert "pat-wrong-token" not in f"{caught.value!r} {client!r}"


def test_the_limits_in_the_answers_headers_are_passed_on(client):
    seen = []
    with observing(seen.append):
        hubspot.check(client)
    assert seen == [Observation(calls=100, per=10.0, remaining=99)]


def test_the_days_limit_is_left_to_hubspot_as_no_answer_tells_when_the_day_ends(client, service):
    assert hubspot.connector.limit.daily is None
    service.daily = 1
    hubspot.check(client)
    with pytest.raises(RateLimited) as caught:
        hubspot.check(client)
    assert caught.value.after == 900


# ---- contacts


def test_a_contact_is_created_and_then_updated(client, service):
    step = {"properties": {"lifecyclestage": "lead"}, "first_name": "Ada", "phone": "+14155550100"}
    first = hubspot.upsert_contact.perform(client, " Ada@Example.com ", **step)
    again = hubspot.upsert_contact.perform(client, "ada@example.com", {"lifecyclestage": "customer"})
    assert first == {"id": again["id"], "email": "ada@example.com", "created": True}
    assert again["created"] is False
    held = service.books["objects"]["contacts"][first["id"]]["properties"]
    assert {"firstname": "Ada", "phone": "+14155550100", "lifecyclestage": "customer"}.items() <= held.items()


def test_the_answer_identifies_the_person(client):
    step = hubspot.upsert_contact("ada@example.com")
    answer = hubspot.upsert_contact.perform(client, **step.inputs)
    person = hubspot.upsert_contact.identifies(step.inputs, answer)
    assert (person.email, person.ids) == ("ada@example.com", {"hubspot.contact": answer["id"]})


def test_a_hundred_contacts_go_in_one_call_and_each_gets_its_own_answer(client, server):
    emails = [f"person{number}@example.com" for number in range(100)]
    answers = upserts(client, *emails)
    assert [answer["email"] for answer in answers] == emails
    assert len({answer["id"] for answer in answers}) == 100
    assert paths(server) == ["/crm/v3/objects/contacts/batch/upsert"]
    assert [a["id"] for a in upserts(client, *reversed(emails))] == [a["id"] for a in reversed(answers)]


def test_one_address_twice_in_a_batch_is_written_twice_in_order(client, server, service):
    answers = many(
        hubspot.upsert_contact,
        client,
        {"email": "ada@example.com", "first_name": "Old"},
        {"email": "bob@example.com"},
        {"email": "ADA@example.com", "first_name": "New"},
    )
    assert [answer["created"] for answer in answers] == [True, True, False]
    assert answers[0]["id"] == answers[2]["id"]
    assert service.books["objects"]["contacts"][answers[0]["id"]]["properties"]["firstname"] == "New"
    assert len(server.exchanges) == 2


def test_a_later_change_waits_while_the_earlier_one_is_not_settled(client, server, service):
    service.add_fault({"kind": "status", "status": 429})
    calls = [{"email": "ada@example.com", "first_name": name} for name in ("Old", "New")]
    first, second = many(hubspot.upsert_contact, client, *calls)
    assert isinstance(first, RateLimited)
    assert type(second) is TryLater
    assert len(server.exchanges) == 1
    assert not service.books["objects"]["contacts"]


def test_a_member_that_fails_beside_others_gets_its_own_error(client, service):
    service.add_fault({"kind": "partial"})
    outcomes = upserts(client, "a@example.com", "b@example.com", "c@example.com", "d@example.com")
    assert [type(outcome) for outcome in outcomes] == [dict, Rejected, dict, Rejected]
    assert outcomes[1].code == "VALIDATION_ERROR"


def test_a_faulty_member_is_refused_while_the_others_are_done_in_the_same_call(client, server):
    calls = [{"email": f"person{number}@example.com"} for number in range(8)]
    calls[5]["properties"] = {"no_such_property": "x"}
    outcomes = many(hubspot.upsert_contact, client, *calls)
    assert [isinstance(outcome, dict) for outcome in outcomes] == [True] * 5 + [False] + [True] * 2
    assert isinstance(outcomes[5], Rejected)
    assert "no_such_property" in str(outcomes[5])
    assert len(server.exchanges) == 1


def test_an_address_that_is_none_is_refused_without_a_call_and_the_others_go(client, server):
    outcomes = upserts(client, "nobody", "ada@example.com")
    assert isinstance(outcomes[0], Rejected)
    assert outcomes[1]["created"] is True
    assert len(server.exchanges) == 1
    assert "nobody" not in str(outcomes[0])


@pytest.mark.parametrize("action", [hubspot.upsert_contact, hubspot.set_properties, hubspot.get_contact])
def test_one_by_one_and_together_give_the_same_outcomes(action, client, service, contact_id):
    def calls():
        common = {} if action is hubspot.get_contact else {"properties": {"lastname": "Lovelace"}}
        return [{"email": email, **common} for email in ("ada@example.com", "x", "nobody@example.com")]

    def alone(call):
        try:
            return action.perform(client, **call)
        except ActionFailed as error:
            return type(error)

    def forget():
        service.books["emails"].pop("nobody@example.com", None)

    singles = [alone(call) for call in calls()]
    forget()
    together = [item if not isinstance(item, ActionFailed) else type(item) for item in many(action, client, *calls())]
    assert [_without_id(item) for item in singles] == [_without_id(item) for item in together]


def _without_id(outcome):
    return {**outcome, "id": "…"} if isinstance(outcome, dict) else outcome


def test_properties_are_set_by_id_or_by_address_and_none_clears(client, service, contact_id):
    values = {"lifecyclestage": "customer", "firstname": None}
    assert hubspot.set_properties.perform(client, values, contact_id=int(contact_id)) == {"id": contact_id}
    assert hubspot.set_properties.perform(client, {"city": "London"}, email="ADA@example.com") == {"id": contact_id}
    held = service.books["objects"]["contacts"][contact_id]["properties"]
    assert (held["lifecyclestage"], held["firstname"], held["city"]) == ("customer", "", "London")


def test_properties_set_by_address_look_the_contacts_up_first_as_hubspot_updates_by_id_alone(
    client, server, service, contact_id
):
    server.exchanges.clear()
    calls = [
        {"properties": {"city": "Bath"}, "email": "ada@example.com"},
        {"properties": {"city": "York"}, "contact_id": contact_id},
        {"properties": {"city": "Hull"}, "email": "nobody@example.com"},
    ]
    outcomes = many(hubspot.set_properties, client, *calls)
    assert outcomes[:2] == [{"id": contact_id}] * 2
    assert (type(outcomes[2]), outcomes[2].code) == (Rejected, "OBJECT_NOT_FOUND")
    assert [path.rpartition("/")[2] for path in paths(server)] == ["read", "update", "update"]
    (held,) = service.books["objects"]["contacts"].values()
    assert held["properties"]["city"] == "York"  # the later of the two, though they name the contact differently


def test_setting_properties_of_an_unknown_contact_is_refused_for_that_one_alone(client, contact_id):
    outcomes = many(
        hubspot.set_properties,
        client,
        {"properties": {"city": "Bath"}, "contact_id": "404"},
        {"properties": {"city": "Bath"}, "contact_id": contact_id},
        {"properties": {"city": "Bath"}, "email": "nobody@example.com"},
    )
    assert isinstance(outcomes[0], Rejected)
    assert outcomes[1] == {"id": contact_id}
    assert isinstance(outcomes[2], Rejected)


@pytest.mark.parametrize("names", [{}, {"contact_id": 1, "email": "ada@example.com"}])
def test_a_contact_must_be_named_by_one_of_the_two(client, server, names):
    for action, more in ((hubspot.get_contact, {}), (hubspot.set_properties, {"properties": {}})):
        with pytest.raises(Rejected, match="only by one of them"):
            action.perform(client, **names, **more)
    assert not server.exchanges


@pytest.mark.parametrize("given", ["", "ada@example.com", "12a", "-1", "٣", 1.5, True])
def test_what_is_no_contacts_id_is_rejected_before_any_call(client, server, given):
    for step in (
        hubspot.get_contact(given),
        hubspot.set_properties({"city": "Bath"}, contact_id=given),
        hubspot.add_to_list("9", given),
        hubspot.remove_from_list("9", given),
        hubspot.add_note(given, "Hello"),
    ):
        with pytest.raises(Rejected, match="not the id of a HubSpot contact"):
            hubspot.connector.actions[step.action].perform(client, **step.inputs)
    assert not server.exchanges


def test_a_contact_is_looked_up_by_id_and_by_address(client, contact_id):
    found = {"id": contact_id, "email": "ada@example.com", "properties": {"firstname": "Ada", "city": None}}
    wanted = ["firstname", "city"]
    assert hubspot.get_contact.perform(client, contact_id, properties=wanted) == found
    assert hubspot.get_contact.perform(client, int(contact_id), properties=wanted) == found
    assert hubspot.get_contact.perform(client, email="Ada@example.com", properties=wanted) == found
    assert hubspot.get_contact.perform(client, email="nobody@example.com") is None
    assert hubspot.get_contact.perform(client, "404") is None


def test_looking_up_many_takes_one_call_for_ids_and_one_for_addresses(client, server, contact_id):
    server.exchanges.clear()
    calls = [
        {"contact_id": contact_id},
        {"email": "ada@example.com"},
        {"contact_id": "404"},
        {"contact_id": contact_id},
    ]
    answers = many(hubspot.get_contact, client, *calls)
    assert [answer and answer["id"] for answer in answers] == [contact_id, contact_id, None, contact_id]
    assert len(server.exchanges) == 2


def test_no_address_of_a_person_ever_stands_in_a_url(client, server, contact_id):
    hubspot.get_contact.perform(client, email="ada@example.com")
    hubspot.set_properties.perform(client, {"city": "Bath"}, email="ada@example.com")
    assert not [exchange for exchange in server.exchanges if "ada" in f"{exchange.path}{exchange.query}"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (Decimal("9.90"), "9.90"),
        (["a", "b"], "a;b"),
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC), "2026-11-22T12:00:00.000Z"),
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC).date(), "2026-11-22"),
    ],
)
def test_values_are_written_as_hubspot_wants_them(value, text):
    assert wording.text_of(value) == text


# ---- lists


def test_contacts_are_added_to_a_list_and_removed_in_one_call_each(client, server, service, contact_id):
    calls = [{"list_id": "9", "contact_id": number} for number in (contact_id, "404", contact_id)]
    added = many(hubspot.add_to_list, client, *calls)
    assert [added[0], type(added[1]), added[2]] == [{"changed": True}, Rejected, {"changed": True}]
    assert list(service.books["lists"]["9"]["members"]) == [contact_id]
    assert hubspot.add_to_list.perform(client, 9, int(contact_id)) == {"changed": False}
    assert hubspot.remove_from_list.perform(client, 9, contact_id) == {"changed": True}
    assert hubspot.remove_from_list.perform(client, 9, contact_id) == {"changed": False}
    assert paths(server).count("/crm/v3/lists/9/memberships/add") == 2


def test_what_is_no_contacts_id_costs_the_others_of_a_list_nothing(client, contact_id):
    calls = [{"list_id": "9", "contact_id": number} for number in ("ada", contact_id)]
    outcomes = many(hubspot.add_to_list, client, *calls)
    assert [type(outcomes[0]), outcomes[1]] == [Rejected, {"changed": True}]


def test_a_contact_that_is_gone_is_on_no_list(client):
    assert hubspot.remove_from_list.perform(client, "9", "404") == {"changed": False}


def test_an_unknown_list_is_refused(client, contact_id):
    with pytest.raises(Rejected):
        hubspot.add_to_list.perform(client, "404", contact_id)


def test_static_lists_are_there_to_choose_from(client, service, monkeypatch):
    made = {"processingType": "SNAPSHOT", "members": {}}
    service.books["lists"] |= {
        "10": made | {"name": "Guests"},
        "11": made | {"name": "All", "processingType": "DYNAMIC"},
    }
    monkeypatch.setattr(memberships, "MOST", 1)
    chosen = hubspot.connector.choosable["list"].function(client)
    assert list(chosen) == [("9", "Newsletter"), ("10", "Guests")]


# ---- going through all contacts


def test_contacts_are_gone_through_a_hundred_at_a_time(client, service):
    upserts(client, *(f"p{number}@example.com" for number in range(105)), properties={"lifecyclestage": "lead"})
    before = len(service.books["objects"]["contacts"])
    first = hubspot.contacts.perform(client, ["lifecyclestage"])
    second = hubspot.contacts.perform(client, ["lifecyclestage"], cursor=first.next)
    items = [*first.items, *second.items]
    assert (len(first.items), second.next, len({item.key for item in items})) == (100, None, before)
    found = {item.person.email: item for item in items}
    assert found["p104@example.com"].data["properties"]["lifecyclestage"] == "lead"
    assert found["p104@example.com"].person.ids == {"hubspot.contact": found["p104@example.com"].key}
