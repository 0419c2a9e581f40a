"""Where somebody is: by their own zone, then their address, then their number, then the business."""

from __future__ import annotations

import pytest

from hub import Place
from hub.guards.places import _PROVINCES as PROVINCES
from hub.guards.places import whereabouts
from hub.timing import known_zones

BERLIN = "Europe/Berlin"
NUMBER = "+12125550100"


@pytest.mark.parametrize(
    ("place", "number", "sources"),
    [
        (Place("Europe/Rome", "US", "CA"), NUMBER, ["Europe/Rome", "America/Los_Angeles", "America/New_York", BERLIN]),
        (Place(None, "US", "CA"), NUMBER, ["America/Los_Angeles", "America/New_York", BERLIN]),
        (Place(None, "FR", None), NUMBER, ["Europe/Paris", "America/New_York", BERLIN]),
        (Place("Nowhere/Else"), NUMBER, ["America/New_York", BERLIN]),
        (Place(None, "US", None), "", [BERLIN]),  # which of its zones, nobody knows
        (Place(None, "KZ", None), "", [BERLIN]),  # shares its calling code with a country of many zones
        (None, NUMBER, ["America/New_York", BERLIN]),
        (None, "+447700900123", ["Europe/Guernsey", BERLIN]),  # a number that nobody has: by its country
        (None, "no number", [BERLIN]),
    ],
)
def test_the_best_source_comes_first(place: Place | None, number: str, sources: list[str]) -> None:
    assert [zones[0] for zones in whereabouts("sms", place, number, BERLIN).sources] == sources


def test_a_province_in_two_zones_has_both() -> None:
    found = whereabouts("email", Place(None, "US", "TN"), "ada@example.com", None)
    assert found.sources[0] == ("America/New_York", "America/Chicago")


def test_an_e_mail_has_no_number_and_a_business_that_said_nothing_lives_by_utc() -> None:
    found = whereabouts("email", None, "ada@example.com", None)
    assert (found.sources, found.countries) == ((("UTC",),), ())


def test_the_law_of_the_address_and_of_the_number_may_both_hold() -> None:
    assert whereabouts("sms", Place(None, "fr"), NUMBER, BERLIN).countries == ("FR", "US")


def test_every_zone_of_the_tables_exists() -> None:
    assert {zone for zones in PROVINCES.values() for zone in zones} <= known_zones()


def test_every_state_of_the_united_states_has_a_zone() -> None:
    states = {state for states in PROVINCES["US"].values() for state in states.split()}
    assert len(states) == 51  # and the District of Columbia
