"""`hub why`, `hub brake`, and the hours of `hub workspace set`."""

from __future__ import annotations

import pytest

from hub import Event, Steps, recipe
from hub.guards import brake, hours
from tests import telling
from tests.cli.conftest import Command, refused, told
from tests.world import World, happen


@recipe(on=telling.happened, title="Greet")
def greet(event: Event) -> Steps:
    """Greets whoever something happened to."""
    yield telling.mail(event.person.email or "", "Hello")
    return "greeted"


@pytest.fixture
def on(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.turn_on(monkeypatch, greet)
    return world


def test_why_is_told_in_words_and_as_a_document(hub: Command, on: World) -> None:
    happen(on)
    shown = hub("why", "ada@example.com", "greet").stdout
    assert "telling.happened: Have it mailed: Done. greeted (hub run " in shown
    found = told(hub("why", "ada@example.com", "greet", "--json"))
    assert (found["recipe"], found["meanwhile"]) == ("greet", [])
    (answer,) = found["answers"]
    assert (answer["run"], answer["state"]) == (str(on.runs[0].id), "done")
    assert "There is no recipe 'dance'" in refused(hub("why", "ada@example.com", "dance"))
    assert "Nobody is known by this name" in hub("why", "bea@example.com", "greet").stdout


def test_the_brake_asks_in_check_and_is_answered(hub: Command, on: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brake, "FIRST", 2)
    assert "nothing waits for you" in hub("brake", "list").stdout
    for number in range(5):
        on.hear(key=f"{number}", email=f"{number}@example.com")
    on.settle()
    (listed,) = told(hub("brake", "list", "--json"))
    assert (listed["recipe"], listed["waiting"], listed["usual"]) == ("greet", 3, 0)
    checked = hub("check")
    assert checked.exit_code == 1
    assert "“Greet” would send 3 more marketing messages" in checked.stdout
    assert "Answer with: hub brake go-on greet -w 'Crumb & Co.', or hub brake stop greet" in checked.stdout
    assert hub("brake", "go-on", "greet").stdout == "3 messages may leave.\n"
    assert "Nothing is asked about the recipe 'greet'." in refused(hub("brake", "stop", "greet"))


def test_stopping_them_by_command(hub: Command, on: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brake, "FIRST", 2)
    for number in range(3):
        on.hear(key=f"{number}", email=f"{number}@example.com")
    on.settle()
    assert hub("brake", "stop", "greet").stdout == "1 message will not leave.\n"


def test_a_workspaces_hours_are_set_within_what_is_allowed(hub: Command, world: World) -> None:
    says = "In 'Crumb & Co.', marketing leaves 10:00–19:00 by text message and 08:00–21:00 by e-mail.\n"
    assert hub("workspace", "set", "Crumb & Co.", "--sms-hours", "10-19").stdout == says
    (workspace,) = world.hub.workspaces.list()
    assert hours.read_hours(workspace.hours)["sms"] == hours.Hours(600, 1140)
    line = refused(hub("workspace", "set", "Crumb & Co.", "--email-hours", "7:00-20:00"))
    assert line == "They must lie within 08:00–21:00: nobody wants marketing by e-mail outside."
    zone = hub("workspace", "set", "Crumb & Co.", "--time-zone", "Europe/Berlin").stdout
    assert zone == "In 'Crumb & Co.', people live by the clock of Europe/Berlin.\n"
    assert hub("workspace", "set", "Crumb & Co.").exit_code == 2
