"""People: one person under many names, each with a key of their own, and the last word on what they agreed to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub import Consent, Person, schema
from hub.errors import NotFound
from hub.people import Word
from hub.timing import to_ms
from tests.carriers import ByThreads, Carrier
from tests.world import World

EMAIL, PHONE, ID = "ada@example.com", "+14155550100", {"shop.customer": "706405506930370084"}
EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def carrier() -> Carrier:
    """Nobody is woken here: one carrier is enough."""
    return ByThreads()


def met(world: World, *persons: Person) -> list[int | None]:
    with world.hub.database.write() as connection:
        return world.hub.people.resolve(connection, world.workspace, persons)


def found(world: World, text: str) -> set[int]:
    with world.hub.database.read() as connection:
        return world.hub.people.find(connection, world.workspace, text)[1]


def test_one_is_known_again_by_any_name(world: World) -> None:
    (first,) = met(world, Person(EMAIL, PHONE, ID))
    assert met(world, Person(EMAIL), Person(phone=PHONE), Person(ids=ID)) == [first] * 3


@pytest.mark.parametrize("spelling", ["Ada@Example.COM", " ada@example.com "])
def test_an_address_is_the_same_in_every_spelling(world: World, spelling: str) -> None:
    assert met(world, Person(EMAIL)) == met(world, Person(spelling))


@pytest.mark.parametrize("text", [EMAIL, PHONE, "+1 (415) 555-0100", "ADA@example.com"])
def test_somebody_is_found_as_people_write_addresses_and_numbers(world: World, text: str) -> None:
    (person_id,) = met(world, Person(EMAIL, PHONE))
    assert found(world, text) == {person_id}


@pytest.mark.parametrize("text", ["Ada", "", "555-0100", "@"])
def test_what_is_neither_an_address_nor_a_number_is_nobody(world: World, text: str) -> None:
    with pytest.raises(NotFound, match="country code"):
        found(world, text)


def test_who_has_no_name_is_nobody_and_makes_none(world: World) -> None:
    assert met(world, Person()) == [None]
    assert world.rows(schema.person) == []


def test_people_met_together_are_one_if_they_share_a_name(world: World) -> None:
    first, second, third = met(world, Person(EMAIL), Person("bob@example.com"), Person(EMAIL, PHONE))
    assert first == third != second
    assert found(world, PHONE) == {first}


def test_the_address_counts_before_the_number_and_the_number_before_an_id(world: World) -> None:
    by_email, by_phone, by_id = met(world, Person(EMAIL), Person(phone=PHONE), Person(ids=ID))
    assert met(world, Person(ids=ID)) == [by_id]
    assert met(world, Person(None, PHONE, ID)) == [by_phone]
    assert met(world, Person(EMAIL, PHONE, ID)) == [by_email]


def test_a_name_that_is_found_out_later_leads_to_the_same_person(world: World) -> None:
    (person_id,) = met(world, Person(ids=ID))
    assert person_id is not None
    with world.hub.database.write() as connection:
        world.hub.people.link(connection, world.workspace, [(person_id, Person(EMAIL, ids=ID))])
    assert met(world, Person(EMAIL)) == [person_id]


def test_nothing_is_remembered_of_somebody_who_is_not_there(world: World) -> None:
    with world.hub.database.write() as connection:
        world.hub.people.link(connection, world.workspace, [(12345, Person(EMAIL))])
    assert world.rows(schema.identity) == []


def test_each_person_has_a_key_and_the_business_has_one_for_nobody(world: World) -> None:
    first, second = met(world, Person(EMAIL), Person("bob@example.com"))
    with world.hub.database.read() as connection:
        sealers = world.hub.people.sealers(connection, world.workspace, [first, second, None, 12345])
    assert sealers[None] is world.workspace.sealer
    assert sealers[12345] is None
    assert len({id(sealer) for sealer in sealers.values()}) == 4


def test_a_key_is_the_same_in_every_process_and_of_no_use_in_another_business(world: World) -> None:
    (person_id,) = met(world, Person(EMAIL))
    with world.hub.database.read() as connection:
        ours = world.hub.people.sealer(connection, world.workspace, person_id)
    world.hub.people.forget()
    elsewhere = world.hub.workspaces.add("Another Bakery")
    with world.hub.database.read() as connection:
        again = world.hub.people.sealer(connection, world.workspace, person_id)
        assert world.hub.people.sealer(connection, elsewhere, person_id) is None
    assert ours is not None and again is not None and again is not ours
    assert again.open(ours.seal(b"kept", "x"), "x") == b"kept"


def test_names_are_kept_as_hashes_that_tell_nobody(world: World) -> None:
    met(world, Person(EMAIL, PHONE, ID))
    for row in world.rows(schema.identity):
        assert len(row.hash) == 16
    assert len(world.rows(schema.identity)) == 3


# ---- what they agreed to


def say(world: World, *said: tuple[Consent, str]) -> None:
    """What a provider dates itself, and which comes at once."""
    came_at = to_ms(LATE + timedelta(seconds=1))
    words = [Word(*one, came_at, sends=False) for one in said]
    with world.hub.database.write() as connection:
        world.hub.people.record_consents(connection, world.workspace, words)


def word(world: World, channel: str = "email", address: str = EMAIL) -> bool | None:
    with world.hub.database.read() as connection:
        told = world.hub.people.consents(connection, world.workspace, channel, [address])  # type: ignore[arg-type]
    return told[address].given if address in told else None


def test_who_said_nothing_said_nothing(world: World) -> None:
    assert word(world) is None


@pytest.mark.parametrize("together", [True, False])
def test_the_latest_word_counts_whenever_it_arrives(world: World, together: bool) -> None:
    late, early = Consent("email", EMAIL, False, LATE), Consent("email", EMAIL, True, EARLY)
    if together:
        say(world, (late, "a.b"), (early, "a.c"))
    else:
        say(world, (late, "a.b"))
        say(world, (early, "a.c"))
    assert word(world) is False


@pytest.mark.parametrize("first", [True, False])
def test_at_the_same_instant_a_no_counts(world: World, first: bool) -> None:
    for given in (first, not first):
        say(world, (Consent("email", EMAIL, given, LATE), "a.b"))
    assert word(world) is False


def test_a_later_yes_takes_a_no_back(world: World) -> None:
    say(world, (Consent("sms", PHONE, False, EARLY), "a.b"), (Consent("sms", PHONE, True, LATE), "a.c"))
    assert word(world, "sms", PHONE) is True
    assert word(world, "email", EMAIL) is None


def test_a_stop_counts_as_one_though_a_later_no_to_marketing_came_before_it(world: World) -> None:
    came_at = to_ms(LATE + timedelta(seconds=1))
    mild, stop = Consent("sms", PHONE, False, LATE), Consent("sms", PHONE, False, EARLY)
    with world.hub.database.write() as connection:
        words = [Word(mild, "shop.told", came_at, sends=False), Word(stop, "texts.stopped", came_at, sends=True)]
        world.hub.people.record_consents(connection, world.workspace, words)
    (row,) = world.rows(schema.consent)
    assert (row.given, row.source, row.at) == (False, "texts.stopped", to_ms(LATE))


@pytest.mark.parametrize("spelling", ["+1 415 555 0100", "+1 (415) 555-0100"])
def test_a_word_is_found_under_every_spelling_of_the_number(world: World, spelling: str) -> None:
    say(world, (Consent("sms", spelling, False, EARLY), "a.b"))
    assert word(world, "sms", PHONE) is False
