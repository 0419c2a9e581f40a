"""A call whose outcome is unknown: nothing is lost, and a message leaves once. On the way of each kind of action."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import pytest

from hub import NotAuthorized, OutcomeUnknown, RateLimited, Rejected, ServiceDown, Step, schema
from hub.connections import NEEDS_LOGIN
from hub.outbox import Poke, record
from hub.runs import retry
from tests import telling
from tests.hub.outbox.desk import ON_SQLITE, Desk, Slow
from tests.servers import until
from tests.threads import in_a_thread


def text(words: str = "Hello Ada") -> Step:
    return telling.send("+14155550100", words, purpose="transactional")


def lost(name: str, inputs: dict[str, Any]) -> Any:
    """The call happened, and its answer was lost."""
    return OutcomeUnknown("The service did not answer.")


def never_came(name: str, inputs: dict[str, Any]) -> Any:
    """The call was lost on its way."""
    return OutcomeUnknown("The service did not answer.")


class Died(Exception):
    """Stands for the end of a process: whoever comes next finds only what is in the database."""


def die_before_the_call(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*args: Any) -> None:
        raise Died

    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr("hub.outbox.flight.Flight.send", dies)
        desk.drain()


def die_after_the_call(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(hub: Any, lease: Any, connection: Any, todo: record.Round) -> Any:
        if todo.outcomes:
            raise Died
        return record.write_round(hub, lease, connection, todo)

    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr("hub.outbox.holder.write_round", dies)
        desk.drain()


def go_wrong(desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Has done what waits, and something goes wrong with the call; whoever comes next finds everything well."""
    if where == "lost":
        desk.provider.after = lost
        desk.drain()
    elif where == "never_came":
        desk.provider.answer = never_came
        desk.drain()
    else:
        {"before": die_before_the_call, "after": die_after_the_call}[where](desk, monkeypatch)
    desk.provider.after = lambda name, inputs: None
    desk.provider.answer = lambda name, inputs: {}


def settle(desk: Desk) -> None:
    desk.drain()
    for _ in range(6):
        desk.later(seconds=10)


@pytest.mark.parametrize("step", [telling.do("it"), telling.gather("it"), telling.pay("it")], ids=repr)
@pytest.mark.parametrize("where", ["lost", "never_came", "before", "after"])
def test_what_may_be_repeated_is_done_and_under_one_key(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, step: Step, where: str
) -> None:
    run = desk.put(step)
    go_wrong(desk, monkeypatch, where)
    settle(desk)
    assert desk.of(run).state == "done"
    assert desk.of(run).attempts == 2
    assert desk.did and set(desk.did) == {"it"}
    assert len({inputs.get("key") for _, inputs in desk.provider.done}) == 1


def test_two_steps_have_two_keys(desk: Desk) -> None:
    desk.put(telling.pay("it"), telling.pay("it"))
    desk.put(telling.pay("it"))
    desk.drain()
    assert len({inputs["key"] for _, inputs in desk.provider.done}) == 3


@pytest.mark.parametrize("where", ["lost", "never_came", "before", "after"])
def test_a_message_leaves_once_whatever_happens_to_its_call(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    run = desk.put(text())
    go_wrong(desk, monkeypatch, where)
    assert desk.of(run).state == "claimed"
    settle(desk)
    assert desk.did == ["Hello Ada"]
    assert desk.of(run).state == "done"
    assert desk.of(run).answer["number"] == 0


@pytest.mark.parametrize("happened", [0, 1, 2])
def test_two_runs_that_send_the_same_words_to_the_same_number_are_told_apart(desk: Desk, happened: int) -> None:
    both, places = Barrier(2), iter(range(2))

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        both.wait(10)  # else the first one's failure would keep back the second
        return {} if next(places) < happened else never_came(name, inputs)

    desk.provider.answer, desk.provider.after = answer, lost
    runs = desk.put_all([[text()], [text()]])
    desk.drain()
    assert len(desk.did) == happened
    desk.provider.answer, desk.provider.after = lambda name, inputs: {}, lambda name, inputs: None
    settle(desk)
    assert desk.did == ["Hello Ada"] * 2
    assert sorted(desk.of(run).answer["number"] for run in runs) == [0, 1]


def test_an_earlier_message_of_the_same_words_is_not_taken_for_this_one(desk: Desk) -> None:
    first = desk.put(text())
    desk.drain()
    desk.provider.answer = never_came
    second = desk.put(text())
    desk.drain()
    desk.provider.answer = lambda name, inputs: {}
    settle(desk)
    assert desk.did == ["Hello Ada"] * 2
    assert [desk.of(run).answer["number"] for run in (first, second)] == [0, 1]


@pytest.fixture
def busy_holder(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A holder that works in a thread. Gives what waits until it has looked at everything that waits once more."""
    monkeypatch.setattr(telling.send, "settle", timedelta(0))
    desk.hub.linger_seconds = 1.0
    poke, ends, numbers = Poke(), Event(), iter(range(100))

    def looked() -> None:
        marker = desk.put(telling.do(f"marker {next(numbers)}"))
        poke.look()
        until(lambda: desk.of(marker).state == "done")

    with in_a_thread(lambda: desk.drain(poke=poke, stopping=ends.is_set)):
        yield looked
        ends.set()
        poke.look()


@ON_SQLITE
def test_while_a_message_of_the_same_words_is_on_its_way_nothing_is_asked_about_the_other(
    desk: Desk, busy_holder: Callable[[], None]
) -> None:
    goes_on, texts = Event(), iter(range(100))

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        if name == "send" and next(texts) == 0:
            assert goes_on.wait(10)
        elif name == "send" and not goes_on.is_set():
            return OutcomeUnknown("lost on its way")
        return {}

    desk.provider.answer = answer
    slow = desk.put(text())
    busy_holder()
    quick = desk.put(text())
    busy_holder()
    until(lambda: desk.of(quick).reason == "lost on its way")
    busy_holder()
    busy_holder()
    assert desk.provider.looked == 0
    goes_on.set()
    until(lambda: desk.of(quick).state == "done")
    assert desk.did.count("Hello Ada") == 2
    assert desk.of(slow).answer["number"] != desk.of(quick).answer["number"]


@ON_SQLITE
def test_while_it_is_asked_whether_a_message_left_no_other_one_of_the_same_words_leaves(
    desk: Desk, busy_holder: Callable[[], None]
) -> None:
    asked, goes_on = Event(), Event()

    def looks() -> None:
        asked.set()
        assert goes_on.wait(10)

    desk.provider.answer = lambda name, inputs: OutcomeUnknown() if name == "send" and not asked.is_set() else {}
    desk.provider.looks = looks
    first = desk.put(text())
    busy_holder()
    assert asked.wait(10)
    second = desk.put(text())
    busy_holder()
    busy_holder()
    assert desk.of(second).state == "waiting"
    goes_on.set()
    until(lambda: desk.of(first).state == "done")
    desk.world.clock.advance(5)
    until(lambda: desk.of(second).state == "done")
    assert desk.did.count("Hello Ada") == 2


@pytest.mark.parametrize(
    "failure", [OutcomeUnknown("no answer"), ServiceDown(), RateLimited(), RateLimited(after=60.0)]
)
def test_looking_back_that_fails_itself_is_tried_again_and_the_message_is_not(desk: Desk, failure: Exception) -> None:
    desk.provider.after, desk.provider.looks = lost, lambda: failure
    run = desk.put(text())
    desk.drain()
    settle(desk)
    assert desk.of(run).state == "claimed"
    assert desk.provider.looked >= 1
    desk.provider.looks = lambda: None
    desk.later(minutes=15)
    assert (desk.of(run).state, desk.did) == ("done", ["Hello Ada"])


def test_looking_back_that_is_refused_holds_the_run_for_a_person(desk: Desk) -> None:
    desk.provider.after, desk.provider.looks = lost, lambda: Rejected("Not for +1 415 555 0100")
    run = desk.put(text())
    settle(desk)
    assert (desk.of(run).state, desk.of(run).run_state) == ("unknown", "held")
    assert desk.of(run).reason == "Whether it happened could not be asked: Not for …"


def test_looking_back_gives_up_after_three_days_and_asks_a_person(desk: Desk) -> None:
    desk.provider.after, desk.provider.looks = lost, lambda: OutcomeUnknown("no answer")
    run = desk.put(text())
    settle(desk)
    desk.later(days=3)
    assert desk.of(run).state == "unknown"
    assert desk.of(run).reason == "Whether it happened was asked for three days. The last answer: no answer"


def test_a_login_that_is_lost_while_looking_back_is_asked_for_and_then_it_goes_on(desk: Desk) -> None:
    desk.provider.after, desk.provider.looks = lost, lambda: NotAuthorized("The token is not valid.")
    run = desk.put(text())
    settle(desk)
    assert (desk.account.state, desk.account.reason) == (NEEDS_LOGIN, "The token is not valid.")
    assert desk.of(run).state == "claimed"
    desk.provider.looks = lambda: None
    desk.world.clock.advance(1.0)
    desk.world.connect("telling", account="a")
    settle(desk)
    assert (desk.of(run).state, desk.did) == ("done", ["Hello Ada"])


def test_an_answer_that_cannot_be_told_from_others_is_nobodys(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling.send, "find", lambda client, since, **inputs: [{"sid": "SM1"}])
    desk.provider.after = lost
    run = desk.put(text())
    settle(desk)
    assert desk.of(run).state == "unknown"
    assert desk.of(run).reason == "telling.send found an answer without 'number'."
    assert desk.did == ["Hello Ada"]


@pytest.mark.parametrize("where", ["lost", "before", "after"])
def test_what_nobody_can_find_out_is_held_for_a_person_with_the_reason(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    run = desk.put(telling.ring("it"))
    go_wrong(desk, monkeypatch, where)
    settle(desk)
    became = desk.of(run)
    assert (became.state, became.run_state) == ("unknown", "held")
    assert became.reason is not None and became.reason.endswith(
        "Look at the provider whether it happened, then retry or cancel."
    )
    assert len(desk.did) == (0 if where == "before" else 1)


def test_what_certainly_did_not_happen_is_tried_again_even_if_it_may_happen_only_once(desk: Desk) -> None:
    desk.provider.answer = lambda name, inputs: ServiceDown()
    run = desk.put(telling.ring("it"))
    desk.drain()
    desk.provider.answer = lambda name, inputs: {}
    settle(desk)
    assert (desk.of(run).state, desk.did) == ("done", ["it"])


def test_a_step_that_a_person_has_asked_about_again_is_seen_by_a_holder_that_is_busy(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.outbox.holder.LOOK_SECONDS", 0.01)
    desk.provider.after, desk.provider.looks = lost, lambda: Rejected("no")
    run = desk.put(text())
    settle(desk)
    assert desk.of(run).state == "unknown"
    desk.provider.looks, desk.provider.after = lambda: None, lambda name, inputs: None
    slow = desk.provider.answer = Slow()
    desk.put(telling.do("slow"))
    with in_a_thread(desk.drain):
        slow.until_called()
        retry(desk.world.workspace, desk.hub, run)
        until(lambda: desk.world.clock.advance(0.05) or desk.of(run).state == "done")
        slow.go_on()
    assert desk.did == ["Hello Ada", "slow"]


def test_the_provider_is_asked_from_before_the_call_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    since = []
    find = telling.send.find
    assert find is not None

    def finds(client: Any, at: Any, **inputs: Any) -> Any:
        since.append(at)
        return find(client, at, **inputs)

    monkeypatch.setattr(telling.send, "find", finds)
    desk.provider.after = lost
    desk.put(text())
    left = desk.world.clock.now()
    desk.drain()
    desk.later(hours=5)
    assert [round(at.timestamp() * 1000) for at in since] == [left - 2 * 3_600_000]
    assert desk.world.rows(schema.step)[0].state == "done"
