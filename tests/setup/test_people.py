"""People and privacy: looking somebody up without keeping who, giving out, erasing, and what services asked for."""

from __future__ import annotations

import json
import re

import pytest
import sqlalchemy as sa

from hub import schema, tasks, values
from hub.event import Consent, Event, Person
from hub.events import packed
from hub.ids import new_id
from hub.people import Word
from hub.setup import people
from hub.timing import to_datetime
from tests.setup.access.conftest import joined, signed_in
from tests.setup.conftest import DAY, World
from tests.setup.reading import heading, part, text_of
from tests.setup.test_safety import NASTY

ADA, NUMBER = "ada@example.com", "+14155550100"
PEOPLE = "/w/1/people"


@pytest.fixture(autouse=True)
def _signed_in(world: World) -> None:
    world.sign_in()


def known(
    world: World, email: str | None = ADA, phone: str | None = None, note: str = "a gift", **values: object
) -> int:
    """An event about somebody who said yes to texts, and its run; gives the run's id."""
    hub, now = world.hub, world.clock.now()
    run_id = world.run({"action": "twilio.send_sms"}, **values)
    with hub.database.write() as connection:
        (person_id,) = hub.people.resolve(connection, world.workspace, [Person(email, phone)])
        assert person_id is not None
        table = schema.event
        event_id = connection.execute(sa.select(schema.run.c.event_id).where(schema.run.c.id == run_id)).scalar_one()
        event = Event("1", "shopify.order.created", to_datetime(now), {"note": note}, Person(email, phone), id=event_id)
        sealer = hub.people.sealer(connection, world.workspace, person_id)
        assert sealer is not None
        content = sealer.seal(packed(event), f"event {event_id}")
        about = {"person_id": person_id, "content": content}
        connection.execute(sa.update(table).where(table.c.id == event_id).values(about))
        mine = {"person_id": person_id}
        connection.execute(sa.update(schema.run).where(schema.run.c.id == run_id).values(mine))
        address = phone or NUMBER
        word = Word(Consent("sms", address, True, to_datetime(now)), "shopify.customer.created", now, False)
        hub.people.record_consents(connection, world.workspace, [word])
    return run_id


def found(world: World, text: str = ADA) -> str:
    """The address of the page about somebody."""
    answer = world.send(f"{PEOPLE}/find", person=text)
    assert answer.status_code == 303
    return answer.headers["Location"]


def everything_kept(world: World) -> bytes:
    """All that lies in the database, as bytes."""
    kept = b""
    with world.hub.database.read() as connection:
        for table in schema.metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                kept += b" ".join(x if isinstance(x, bytes) else str(x).encode() for x in row)
    return kept


@pytest.mark.parametrize("typed", ["ada@example.com", "  Ada@Example.COM "])
def test_somebody_is_found_however_the_address_is_spelled_and_it_is_kept_nowhere(world: World, typed: str) -> None:
    run_id = known(world)
    path = found(world, typed)
    assert re.fullmatch(r"/w/1/people/e[0-9a-f]{32}", path)
    page = world.open(path).text
    assert f"run-{run_id}" in page
    assert "example.com" not in page.lower() and b"example.com" not in everything_kept(world).lower()
    assert "example" not in str(world.browser.get_cookie("session"))


def test_somebody_is_found_by_number_with_what_they_agreed_to(world: World) -> None:
    known(world, None, NUMBER)
    page = world.open(found(world, "+1 (415) 555-0100")).text
    says = "Messages by Their word Since Where it came from Text messages ✓ Yes 12:00 UTC Shopify: a customer is new"
    assert says in text_of(page)


@pytest.mark.parametrize("path", [f"{PEOPLE}/find", "/w/1/activity/find"])
@pytest.mark.parametrize("typed", ["nobody", "415 555 0100", NASTY])
def test_what_is_neither_is_said_beside_the_field_and_stays_there(world: World, path: str, typed: str) -> None:
    answer = world.send(path, person=typed)
    assert answer.status_code == 400
    assert "This is neither." in part(answer.text, "person-help")
    assert "<img" not in answer.text and "data-live" not in part(answer.text, "content")
    if typed != NASTY:
        assert f'value="{typed}"' in answer.text


def test_who_is_unknown_is_said_so(world: World) -> None:
    page = world.open(found(world, "nobody@example.com")).text
    assert "Nothing is known about this address." in text_of(page)
    assert world.open(f"{PEOPLE}/x123").status_code == 404


def test_a_number_that_several_share_tells_neither_what_the_other_said(world: World) -> None:
    known(world, ADA, NUMBER)
    known(world, "bob@example.com")
    with world.hub.database.write() as connection:
        world.hub.people.link(
            connection, world.workspace, [(ids_of(world, "bob@example.com").pop(), Person(None, NUMBER))]
        )
    path = found(world, NUMBER)
    page = text_of(world.open(path).text)
    assert "Several people have this number." in page and "Everybody who has this number is erased." in page
    answer = world.send(f"{path}/export")
    assert "Several people are known by this number." in text_of(world.open(answer.headers["Location"]).text)


def ids_of(world: World, text: str) -> set[int]:
    with world.hub.database.read() as connection:
        return world.hub.people.find(connection, world.workspace, text)[1]


def test_what_is_kept_can_be_downloaded_and_that_is_written_down(world: World) -> None:
    known(world)
    answer = world.send(f"{found(world)}/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="what-is-kept.json"'
    told = json.loads(answer.data)
    assert told["events"][0]["person"]["email"] == ADA and told["events"][0]["data"] == {"note": "a gift"}
    shown = text_of(world.open("/w/1/changes").text)
    assert "downloaded what is kept about a person" in shown and "ada" not in shown.lower()


def test_what_is_kept_can_be_opened_and_stays_text(world: World) -> None:
    known(world, note=NASTY)
    page = world.send(f"{found(world)}/open").text
    assert f"Known as {ADA} ." in text_of(page)
    assert "alert(1)" in page and "<img" not in page
    assert re.findall(r"<script[^>]*>", page) == ['<script src="/assets/live.js" defer>']
    assert "opened what is kept" in text_of(world.open("/w/1/changes").text)


def test_staff_see_what_happened_and_open_nothing(world: World) -> None:
    known(world)
    path = found(world)
    staff = signed_in(world, joined(world, "staff"))
    page = staff.get(path).text
    assert "Thank people for their order" in page and "Erase" not in text_of(page) and 'id="export"' not in page
    for act in ("open", "export", "erase"):
        assert staff.send(f"{path}/{act}", word="erase").status_code == 403
    assert tasks.latest(world.hub, world.workspace, 5) == []


def test_erasing_needs_the_word_and_says_first_what_it_does(world: World) -> None:
    known(world, state="waiting")
    path = found(world)
    says = text_of(world.open(path).text)
    assert "1 of the runs above is under way and will end. It cannot be undone." in says
    for word in ("", "yes", "erased"):
        answer = world.send(f"{path}/erase", word=word)
        assert answer.status_code == 400
        assert ("Type the word erase." in answer.text) == bool(word)
    assert tasks.latest(world.hub, world.workspace, 5) == []


def test_an_erasure_ends_with_a_receipt(world: World) -> None:
    known(world, state="waiting")
    path = found(world)
    receipt = world.send(f"{path}/erase", word=" Erase ").headers["Location"]
    assert "◐ Under way" in text_of(world.open(receipt).text)
    assert "Stop" not in text_of(world.open(receipt).text)
    tasks.go_on(world.hub)
    page = world.open(receipt).text
    number = receipt.rpartition("/")[2]
    assert heading(page) == "Receipt of an erasure"
    says = f"Receipt number {number} Asked for 12:00 UTC Done 12:00 UTC Events 1 Runs 1 (1 under way was ended)"
    assert says in text_of(page) and "Backups are erased as well" in text_of(page)
    assert number in text_of(world.open(PEOPLE).text)
    assert f"receipt {number}" in text_of(world.open("/w/1/changes").text)
    assert ids_of(world, ADA) == set()
    after = text_of(world.open(path).text)
    assert "Whoever had it was erased on 12:00 UTC" in after and "No run is about them." in after


def test_how_long_things_are_kept_can_be_changed(world: World) -> None:
    assert world.send(f"{PEOPLE}/keep", days="7").status_code == 303
    assert world.hub.workspaces.get(1).retention_days == 7
    assert 'value="7"' in world.open(PEOPLE).text
    for wrong in ("-1", "x", "", "99999"):
        answer = world.send(f"{PEOPLE}/keep", days=wrong)
        assert answer.status_code == 400 and 'id="days-wrong"' in answer.text
    assert world.hub.workspaces.get(1).retention_days == 7
    staff = signed_in(world, joined(world, "staff"))
    assert staff.send(f"{PEOPLE}/keep", days="1").status_code == 403


def request(world: World, kind: str, state: str, document: object = None, workspace_id: int = 1) -> int:
    request_id = new_id()
    sealer = world.hub.workspaces.get(workspace_id).sealer
    sealed = sealer.seal(values.write(document), f"privacy request {request_id}") if document else None
    row = {"id": request_id, "workspace_id": workspace_id, "connection_id": ACCOUNT, "kind": kind, "state": state}
    world.insert(schema.privacy_request, row | {"at": world.clock.now() - DAY, "document": sealed})
    return request_id


ACCOUNT = "shop"


def test_what_customers_asked_for_is_told_with_its_state_and_what_to_do(world: World) -> None:
    world.connection(id=ACCOUNT)
    request(world, "erase", "done")
    request(world, "export", "open")
    ready = request(world, "export", "ready", {"events": []})
    shown = text_of(world.open(PEOPLE).text)
    for says in (
        "A customer asks what is kept about them ▲ Needs you Shopify, 21 Nov, 12:00 UTC , to be answered by 21 Dec",
        "A customer asks what is kept about them ◐ Under way",
        "A customer asks to be erased ✓ Done",
    ):
        assert says in shown
    answer = world.send(f"{PEOPLE}/requests/{ready}")
    assert json.loads(answer.data) == {"events": []}
    assert f'filename="request-{ready}.json"' in answer.headers["Content-Disposition"]
    assert "downloaded the answer to a request" in text_of(world.open("/w/1/changes").text)


def test_others_requests_and_people_are_left_out(world: World) -> None:
    known(world)
    other = world.hub.workspaces.add("Bike Repair Nord")
    theirs = request(world, "export", "ready", {"events": []}, other.id)
    owner = signed_in(world, joined(world, "owner"))
    assert owner.send(f"{PEOPLE}/requests/{theirs}").status_code == 404
    assert "Nobody asked so far." in text_of(owner.get(PEOPLE).text)
    mine = people.named(world.hub, world.workspace, ADA)
    assert people.known(world.hub, other, mine).is_known is False
    assert "Nothing is known" in text_of(world.open(f"/w/{other.id}/people/{mine}").text)
