"""What listings and a run's story say, to whom, and what they leave out."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta

import pytest

from hub import Event, NotAuthorized, Rejected, ServiceDown, Steps, history, outcomes, recipe, sleep, wait_for
from hub.errors import NotFound
from tests import telling
from tests.world import World, happen


def wants_data(event: Event) -> bool:
    """The event says something."""
    return bool(event.data)


@recipe(on=telling.happened, title="Work", filters=[wants_data])
def worker(event: Event) -> Steps:
    """Does, sleeps, waits and sends."""
    yield telling.do("a secret of ada@example.com")
    yield sleep(hours=1)
    yield wait_for(telling.ended, timeout=timedelta(hours=1))
    try:
        yield telling.send("+14155550123", "hello", purpose="transactional")
    except Rejected:
        return "refused"
    return None


@pytest.fixture
def working(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.turn_on(monkeypatch, worker)
    return world


def steps(world: World) -> list[tuple[str, str, str]]:
    (run,) = history.runs(world.workspace, world.hub)
    return [(s.action, s.state, s.outcome) for s in history.story(world.workspace, world.hub, run.id).steps]


def test_listings_are_newest_first_and_as_long_as_asked_for(working: World) -> None:
    for key in "123":
        happen(working, key=key, n=key)
    for listing in (history.deliveries, history.events, history.runs):
        ids = [line.id for line in listing(working.workspace, working.hub)]
        assert len(ids) == 3
        assert ids == sorted(ids, reverse=True)
        assert [line.id for line in listing(working.workspace, working.hub, limit=2)] == ids[:2]


def test_listings_show_one_state_when_asked(working: World) -> None:
    happen(working, n=1)
    happen(working, kind="bad", key="2")
    assert [d.state for d in history.deliveries(working.workspace, working.hub)] == ["unreadable", "read"]
    (line,) = history.deliveries(working.workspace, working.hub, state="unreadable")
    assert (line.reason, line.kept, line.connector) == ("The event is bad.", True, "telling")
    assert history.runs(working.workspace, working.hub, state="held") == []
    assert history.count_runs(working.workspace, working.hub, "waiting") == 1
    assert history.count_unreadable(working.workspace, working.hub) == 1


def test_nothing_of_a_workspace_is_seen_from_another(working: World) -> None:
    happen(working, n=1)
    happen(working, kind="bad", key="2")
    (run,) = history.runs(working.workspace, working.hub)
    other = working.hub.workspaces.add("Other")
    for listing in (history.deliveries, history.events, history.runs):
        assert listing(other, working.hub) == []
    assert history.count_runs(other, working.hub, "waiting") == history.count_unreadable(other, working.hub) == 0
    assert history.recipes_ever_on(other, working.hub) == set()
    with pytest.raises(NotFound):
        history.story(other, working.hub, run.id)


def test_an_event_tells_what_it_started_and_why_others_did_not_start(working: World) -> None:
    happen(working, n=1)
    happen(working, key="2")
    skipped, started = history.events(working.workspace, working.hub)
    (run,) = history.runs(working.workspace, working.hub)
    assert started.started == (("worker", run.id),)
    assert started.skipped == {}
    assert skipped.started == ()
    assert skipped.skipped == {"worker": "Not so: The event says something."}


def test_each_step_says_what_came_of_it_or_what_it_waits_for(working: World) -> None:
    happen(working, n=1)
    assert steps(working) == [
        ("telling.do", "done", "Done."),
        ("sleep", "waiting", "Until 2026-11-22 13:00:00 UTC."),
    ]
    working.pass_time(timedelta(hours=1))
    assert steps(working)[1:] == [
        ("sleep", "done", "The time came."),
        ("wait_for", "waiting", "Until it happens, or 2026-11-22 14:00:00 UTC."),
    ]
    telling.provider.answer = lambda name, inputs: Rejected("There is no such number.")
    happen(working, kind="ended", key="2")
    assert steps(working)[2:] == [
        ("wait_for", "done", "It came: telling.ended."),
        ("telling.send", "refused", "There is no such number."),
    ]
    (run,) = history.runs(working.workspace, working.hub)
    assert (run.state, run.reason, run.event_type) == ("done", "refused", "telling.happened")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (ServiceDown("The service is away."), "Tried again at 2026-11-22 12:00:0"),
        (NotAuthorized("The login ended."), "Waits until the account is connected again. The login ended."),
    ],
)
def test_a_step_that_cannot_leave_says_why(working: World, answer: Exception, says: str) -> None:
    telling.provider.answer = lambda name, inputs: answer
    happen(working, n=1)
    ((_, state, outcome),) = steps(working)
    assert state == "waiting"
    assert outcome.startswith(says)
    assert str(answer) in outcome


def test_a_story_tells_nothing_personal_unless_it_is_opened(working: World) -> None:
    happen(working, word="canary")
    (run,) = history.runs(working.workspace, working.hub)
    closed = json.dumps(asdict(history.story(working.workspace, working.hub, run.id)))
    assert "canary" not in closed and "ada@" not in closed
    opened = history.story(working.workspace, working.hub, run.id, opened=True)
    assert opened.data == {"word": "canary"}
    assert opened.steps[0].inputs == {"what": "a secret of ada@example.com"}
    assert "canary" not in repr(opened) and "ada@" not in repr(opened)


def test_an_erased_persons_story_has_nothing_left_to_open(working: World) -> None:
    happen(working, word="canary")
    (run,) = history.runs(working.workspace, working.hub)
    working.hub.privacy.erase(working.workspace, "ada@example.com")
    story = history.story(working.workspace, working.hub, run.id, opened=True)
    assert story.data is None
    assert [step.inputs for step in story.steps] == [None, None]


def test_an_action_that_is_not_here_any_more_keeps_its_name(world: World) -> None:
    assert outcomes.title_of("telling.do") == "Do it"
    assert outcomes.title_of("telling.gone") == "telling.gone"
    assert outcomes.title_of("gone.gone") == "gone.gone"
