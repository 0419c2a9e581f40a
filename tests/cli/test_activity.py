"""Listings, one run's story, and what a person does about it, on the command line."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest

from hub import Event, OutcomeUnknown, Rejected, Steps, recipe, sleep
from tests import telling
from tests.cli.conftest import Command, refused, told
from tests.world import World, happen


def wants_data(event: Event) -> bool:
    """The event says something."""
    return bool(event.data)


@recipe(on=telling.happened, title="Ring", filters=[wants_data])
def ringer(event: Event) -> Steps:
    """Rings, and sleeps."""
    yield telling.ring("a bell for ada@example.com")
    yield sleep(days=3650)
    return None


@pytest.fixture
def ringing(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.turn_on(monkeypatch, ringer)
    return world


def only_run(hub: Command) -> dict[str, Any]:
    (found,) = told(hub("runs", "--json"))
    return found


def is_utc(text: str) -> bool:
    return text.endswith("Z") and datetime.fromisoformat(text).utcoffset() is not None


def test_a_run_from_its_event_to_its_steps(hub: Command, ringing: World) -> None:
    happen(ringing, order="canary")
    line = only_run(hub)
    assert re.fullmatch(r"\d+", line["id"])
    assert (line["recipe"], line["state"], line["ended_at"]) == ("ringer", "waiting", None)
    assert (line["event_type"], line["reason"]) == ("telling.happened", None)
    assert is_utc(line["started_at"]) and is_utc(line["due_at"])
    story = told(hub("run", line["id"], "--json"))
    assert {name: story[name] for name in line} == line
    assert story["event"]["type"] == "telling.happened" and is_utc(story["event"]["received_at"])
    first, second = story["steps"]
    assert (first["position"], first["action"], first["state"], first["attempts"]) == (0, "telling.ring", "done", 1)
    assert (first["outcome"], first["at"]) == ("Done.", first["ended_at"])
    assert (second["action"], second["state"], second["at"]) == ("sleep", "waiting", second["asked_at"])
    shown = hub("run", line["id"])
    assert "Do it once (telling.ring)" in shown.stdout and "Done." in shown.stdout
    assert "canary" not in shown.output and "ada@" not in shown.output


def test_what_was_said_is_shown_only_when_it_is_opened(hub: Command, ringing: World) -> None:
    happen(ringing, order="canary")
    run_id = only_run(hub)["id"]
    assert "canary" not in hub("run", run_id, "--json").stdout
    opened = told(hub("run", run_id, "--json", "--open"))
    assert opened["event"]["data"] == {"order": "canary"}
    assert opened["steps"][0]["inputs"] == {"what": "a bell for ada@example.com"}
    assert "a bell for ada@example.com" in hub("run", run_id, "--open").stdout


def test_of_what_was_said_by_somebody_erased_it_is_told_that_it_is_gone(hub: Command, ringing: World) -> None:
    happen(ringing, order="canary")
    run_id = only_run(hub)["id"]
    hub("erase", "ada@example.com")
    shown = hub("run", run_id, "--open").stdout
    assert shown.count("(gone: its time was over, or its person was erased)") == 3
    assert "None" not in shown and "canary" not in shown


def test_events_say_what_they_led_to(hub: Command, ringing: World) -> None:
    happen(ringing, order=1)
    happen(ringing, key="2")
    second, first = told(hub("events", "--json"))
    assert first["started"] == [{"recipe": "ringer", "run": only_run(hub)["id"]}]
    assert second["skipped"] == {"ringer": "Not so: The event says something."}
    assert "not ringer: Not so: The event says something." in hub("events").stdout


def test_listings_take_a_state_and_a_limit(hub: Command, ringing: World) -> None:
    for key in "123":
        happen(ringing, key=key, n=1)
    happen(ringing, kind="bad", key="4")
    assert len(told(hub("runs", "--json", "--limit", 2))) == 2
    assert told(hub("runs", "--json", "--state", "held")) == []
    (unread,) = told(hub("deliveries", "--json", "--state", "unreadable"))
    assert (unread["reason"], unread["events"], unread["kept"]) == ("The event is bad.", 0, True)
    assert len(told(hub("events", "--json", "--state", "taken"))) == 3
    assert "The event is bad." in hub("deliveries").stdout
    assert hub("deliveries").stdout.endswith("have it read again: hub replay ID\n")
    assert "hub replay" not in hub("deliveries", "--state", "read").stdout


def test_a_held_run_says_how_to_go_on_and_goes_on(hub: Command, ringing: World) -> None:
    telling.provider.answer = lambda name, inputs: OutcomeUnknown()
    happen(ringing, order=1)
    run_id = only_run(hub)["id"]
    shown = hub("run", run_id).stdout
    assert f"hub retry {run_id}" in shown and "▲ held" in shown
    assert hub("retry", run_id).stdout == f"The run goes on and tries 1 step again. See: hub run {run_id}\n"
    assert only_run(hub)["state"] == "running"
    assert "The run is running." in refused(hub("retry", run_id))


def test_a_failed_run_says_how_to_try_it_again(hub: Command, ringing: World) -> None:
    telling.provider.answer = lambda name, inputs: Rejected("There is no such bell.")
    happen(ringing, order=1)
    run_id = only_run(hub)["id"]
    shown = hub("run", run_id).stdout
    assert "✕ failed" in shown and "There is no such bell." in shown
    assert shown.endswith(f"If the reason is gone, try it again: hub retry {run_id}\n")


def test_a_cancelled_run_is_over(hub: Command, ringing: World) -> None:
    happen(ringing, order=1)
    run_id = only_run(hub)["id"]
    assert hub("cancel", run_id).stdout == "The run is cancelled. 1 step that waited will not happen.\n"
    line = only_run(hub)
    assert (line["state"], line["reason"]) == ("stopped", "Cancelled.")
    assert "stopped already" in refused(hub("cancel", run_id))


def test_replaying_an_event_says_what_started_or_why_not(hub: Command, ringing: World) -> None:
    happen(ringing, order=1)
    event_id = told(hub("events", "--json"))[0]["id"]
    run_id = only_run(hub)["id"]
    assert hub("replay", event_id).stdout == (
        f"ringer did not start. It ran for this event already: run {run_id} is waiting.\n"
    )
    hub("cancel", run_id)
    (started,) = told(hub("replay", event_id, "--json"))["started"]
    assert started["run"] == told(hub("runs", "--json"))[0]["id"] != run_id
    hub("disable", "ringer")
    assert hub("replay", event_id).stdout == "No recipe that is on starts with this event. See: hub recipes\n"


def test_replaying_an_unreadable_delivery_has_it_read_again(hub: Command, ringing: World) -> None:
    happen(ringing, kind="bad")
    delivery_id = told(hub("deliveries", "--json"))[0]["id"]
    assert told(hub("replay", delivery_id, "--json"))["read_again"] is True
    assert told(hub("deliveries", "--json"))[0]["state"] == "new"
    assert "about to be read" in refused(hub("replay", delivery_id))


def test_an_id_needs_no_workspace_and_is_refused_in_another(hub: Command, ringing: World) -> None:
    happen(ringing, order=1)
    run_id = only_run(hub)["id"]
    hub("workspace", "add", "Other")
    assert told(hub("run", run_id, "--json"))["id"] == run_id
    for command in ("run", "retry", "cancel"):
        assert refused(hub(command, run_id, "-w", "Other")) == "There is no such run. See: hub runs"


def test_text_from_outside_cannot_speak_to_the_terminal(hub: Command, ringing: World) -> None:
    happen(ringing, order="\x1b[2Jgone")
    shown = hub("run", only_run(hub)["id"], "--open").stdout
    assert "\x1b" not in shown and "gone" in shown


def test_a_refusal_with_text_from_outside_cannot_speak_to_the_terminal_either(
    hub: Command, ringing: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(client: object) -> str:
        raise Rejected("\x1b[2J\x9b2Jno")

    monkeypatch.setitem(telling.connector._functions, "check", refuses)
    assert refused(hub("connect", "telling", "account=b")) == "[2J 2Jno"


def test_an_accounts_name_cannot_speak_to_the_terminal_and_scripts_get_it_whole(
    hub: Command, ringing: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(telling.connector._functions, "check", lambda client: "Bells \x9b2J")
    for words in (["connect", "telling", "account=b"], ["connections"], ["connections", "--json"], ["check"]):
        shown = hub(*words).stdout
        assert "Bells" in shown and "\x9b" not in shown
    assert "Bells \x9b2J" in [item["label"] for item in told(hub("connections", "--json"))]


def test_half_a_character_from_outside_is_printed_for_people_and_scripts(hub: Command, ringing: World) -> None:
    happen(ringing, order="\ud83d")
    run_id = only_run(hub)["id"]
    assert told(hub("run", run_id, "--open", "--json"))["event"]["data"] == {"order": "\ud83d"}
    assert hub("run", run_id, "--open").exit_code == 0
