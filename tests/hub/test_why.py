"""Why somebody did or did not get what a recipe does: every reason, from what was recorded."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub import Event, Steps, complaint_opened, pausing, recipe, sleep
from hub.errors import NotFound
from hub.guards.brake import FIRST
from hub.why import Why
from hub.why import why as found_out
from tests import telling
from tests.world import World, happen, tell

ADA = "ada@example.com"


def is_asked_for(event: Event) -> bool:
    """It was asked for."""
    return not event.data.get("unasked")


@recipe(on=telling.happened, title="Greet", filters=[is_asked_for], once_per="id", stop_when=telling.ended)
def greet(event: Event) -> Steps:
    """Greets whoever something happened to."""
    if event.data.get("complains"):
        yield complaint_opened()
    yield telling.mail(event.person.email or "", "Hello")
    if event.data.get("sleeps"):
        yield sleep(days=1)
    return "greeted"


def asked(world: World, who: str = ADA, name: str = "greet") -> Why:
    return found_out(world.hub, world.workspace, world.hub.people.name_of(world.workspace, who), name)


@pytest.fixture
def on(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.turn_on(monkeypatch, greet)
    return world


def test_who_got_it_got_it(on: World) -> None:
    happen(on)
    assert asked(on).says == "Have it mailed: Done. greeted"
    (answer,) = asked(on).answers
    assert (answer.state, answer.run_id) == ("done", on.runs[0].id)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"unasked": True}, "Not so: It was asked for."),
        ({"complains": True}, "Have it mailed: It waits as they have an open complaint."),
        ({"sleeps": True}, "Have it mailed: Done. Wait: Until"),
    ],
)
def test_what_was_recorded_is_told(on: World, told: dict, says: str) -> None:
    happen(on, **told)
    assert asked(on).says.startswith(says)


def test_a_cool_down_is_told_and_the_run_before_it(on: World) -> None:
    happen(on, key="1", id="a")
    happen(on, key="2", id="a")
    said = [answer.says for answer in asked(on).answers]
    assert said == ["It started for this already, and starts once.", "Have it mailed: Done. greeted"]


def test_an_exit_is_told(on: World) -> None:
    happen(on, sleeps=True)
    happen(on, "ended", "2")
    assert asked(on).says == "Have it mailed: Done. Ended by telling.ended."


def test_consent_hours_and_caps_are_told(on: World) -> None:
    on.hear(key="0", email="bea@example.com")
    no = {"channel": "email", "address": ADA, "given": False}
    (account,) = on.hub.connections.list(on.workspace)
    on.deliver(account, tell(events=[{"type": "ended", "id": "no", "email": ADA, "consents": [no]}]))
    on.settle()
    on.clock.advance(timedelta(seconds=1))
    happen(on)
    found = asked(on)
    assert found.says == "Have it mailed: Not sent: they said no to marketing on this channel."
    assert found.meanwhile == ("They said no to marketing by e-mail.",)
    happen(on, key="2", email="bea@example.com")
    assert "they got a marketing e-mail less than 16 hours before" in asked(on, "bea@example.com").says
    on.pass_time(timedelta(hours=10))  # 22:00 UTC
    happen(on, key="3", email="cat@example.com")
    assert asked(on, "cat@example.com").says.startswith("Have it mailed: It waits for 8:00 their time.")


def test_the_brake_and_a_pause_are_told(on: World) -> None:
    for number in range(FIRST + 1):
        on.hear(key=f"many {number}", email=f"{number}@example.com")
    on.settle()
    found = asked(on, f"{FIRST}@example.com")
    assert found.says.startswith("Have it mailed: It waits until somebody says whether so many should leave.")
    assert found.meanwhile == ("The recipe sends unusually much, and waits for somebody's answer.",)
    pausing.pause(on.hub, on.workspace)
    assert "All sending is paused." in asked(on, f"{FIRST}@example.com").meanwhile


def test_whom_nobody_knows_and_to_whom_nothing_happened_is_told(on: World) -> None:
    assert asked(on).says == "Nobody is known by this name: nothing that came in was about them."
    happen(on, "ended")
    assert asked(on).says == ("Nothing happened to them that starts it (telling.happened), as far as it is kept.")


def test_a_recipe_that_was_off_never_on_or_listens_elsewhere_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.use(monkeypatch, greet)
    first = world.connect("telling", account="a")
    assert asked(world).says == "The recipe was never on."
    world.hear(key="before", account=first)
    world.settle()
    world.clock.advance(timedelta(seconds=1))
    world.enable("greet")
    second = world.connect("telling", account="b")
    world.hear(key="elsewhere", account=second)
    world.settle()
    world.clock.advance(timedelta(seconds=1))
    world.hub.enabled.disable(world.workspace, "greet")
    world.clock.advance(timedelta(seconds=1))
    world.hear(key="after", account=first)
    world.settle()
    assert [answer.says for answer in asked(world).answers] == [
        "The recipe was not on when it came in.",
        "It came from an account that the recipe does not listen to.",
        "The recipe was not on when it came in.",
    ]
    with pytest.raises(NotFound, match="There is no recipe 'dance'"):
        asked(world, name="dance")
