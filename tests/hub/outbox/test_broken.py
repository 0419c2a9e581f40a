"""What is broken breaks alone: a connector's bug, a step of another release, an erased person, a database away."""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from hub import Person, Rejected, schema, values
from hub.connections import Connection
from hub.errors import SetupError
from hub.outbox import holder, holding
from tests import telling
from tests.hub.outbox.desk import ON_SQLITE, Desk, Slow
from tests.threads import in_a_thread


def change(desk: Desk, run: int, **row: Any) -> None:
    table = schema.step
    with desk.hub.database.write() as database:
        database.execute(sa.update(table).where(table.c.run_id == run).values(**row))


def buggy(name: str, inputs: dict[str, Any]) -> Any:
    if inputs["what"] == "ada@example.com":
        return KeyError("ada@example.com")
    return {}


@pytest.mark.parametrize("action", [telling.do, telling.gather])
def test_a_bug_in_a_connector_holds_the_run_tells_where_and_tells_nobodys_data(desk: Desk, action: Any) -> None:
    desk.provider.answer = buggy
    bad, good = desk.put_all([[action("ada@example.com")], [action("it")]])
    desk.drain()
    became = desk.of(bad)
    assert (became.state, became.run_state) == ("unknown", "held")
    assert became.reason is not None and became.reason.startswith("The connector failed with KeyError in ")
    assert "ada" not in became.reason
    assert desk.of(good).state == "done"


def test_a_connector_that_ends_the_process_ends_only_its_call(desk: Desk) -> None:
    desk.provider.answer = lambda name, inputs: SystemExit(3) if inputs["what"] == "bad" else {}
    bad, good = desk.put_all([[telling.do("bad")], [telling.do("good")]])
    desk.drain()
    assert desk.of(bad).state == "unknown"
    assert desk.of(good).state == "done"


@pytest.mark.parametrize("answer", [object(), {"at": {1, 2}}, float("nan"), b"raw"])
@pytest.mark.parametrize("action", [telling.do, telling.gather])
@ON_SQLITE
def test_an_answer_that_is_no_plain_data_holds_the_run(desk: Desk, action: Any, answer: Any) -> None:
    desk.provider.answer = lambda name, inputs: answer
    run = desk.put(action("it"))
    desk.drain()
    assert desk.of(run).state == "unknown"
    assert desk.of(run).reason == f"{action.name} gave an answer that is not plain data."


def fails(*args: Any) -> Any:
    raise IndexError("ada@example.com")


@pytest.mark.parametrize(
    "identifies",
    [
        fails,
        lambda inputs, answer: None,
        lambda inputs, answer: "Ada",
        lambda inputs, answer: Person(email=5),  # type: ignore[arg-type]
        lambda inputs, answer: Person(email="\ud83d@example.com"),
        lambda inputs, answer: Person(ids={"telling.member": "\ud83d"}),
        lambda inputs, answer: Person(ids={"telling.member": answer["missing"]}),
    ],
)
def test_whatever_an_answer_is_taken_to_tell_the_step_is_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, identifies: Callable[..., Any]
) -> None:
    monkeypatch.setattr(telling.name, "identifies", identifies)
    run = desk.put(telling.name("it"), person=desk.person("ada@example.com"))
    desk.drain()
    assert desk.of(run).state == "done"
    assert len(desk.did) == 1


def test_what_an_answer_tells_of_a_person_is_remembered(desk: Desk) -> None:
    person = desk.person("ada@example.com")
    desk.provider.answer = lambda name, inputs: {"member": "M7"}
    desk.put(telling.name("it"), person=person)
    desk.drain()
    with desk.hub.database.write() as database:
        found = desk.hub.people.resolve(database, desk.world.workspace, [Person(ids={"telling.member": "M7"})])
    assert found == [person]


@pytest.mark.parametrize("echo", [fails, lambda inputs: [3], lambda inputs: 7])
def test_a_step_whose_echo_cannot_be_told_is_refused_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, echo: Callable[..., Any]
) -> None:
    monkeypatch.setattr(telling.do, "echo", lambda inputs: echo(inputs) if inputs["what"] == "bad" else ["fine"])
    bad, good = desk.put_all([[telling.do("bad")], [telling.do("good")]])
    desk.drain()
    assert desk.of(bad).state == "refused"
    assert str(desk.of(bad).reason).startswith("Its inputs do not fit telling.do")
    assert desk.did == ["good"]
    assert desk.of(good).state == "done"


def test_an_action_that_is_not_here_any_more_is_refused_and_others_go_on(desk: Desk) -> None:
    gone, good = desk.put_all([[telling.do("gone")], [telling.do("good")]])
    change(desk, gone, action="telling.gone")
    desk.drain()
    became = desk.of(gone)
    assert (became.state, became.reason) == ("refused", "Telling has no action 'telling.gone'.")
    assert became.answer["message"] == became.reason and became.run_due  # the recipe is told
    assert desk.of(good).state == "done"


def test_an_action_that_is_not_here_any_more_and_may_have_happened_is_held_for_a_person(desk: Desk) -> None:
    gone, good = desk.put_all([[telling.ring("gone")], [telling.do("good")]])
    change(desk, gone, action="telling.gone", state="claimed", claimed_at=desk.world.clock.now())
    desk.drain()
    assert desk.of(gone).state == "unknown"
    assert desk.of(gone).reason == "Whether it happened cannot be found out: Telling has no action 'telling.gone'."
    assert (desk.account.state, desk.of(good).state) == ("ready", "done")


def test_inputs_that_cannot_be_opened_are_refused_and_others_go_on(desk: Desk) -> None:
    bad, good = desk.put_all([[telling.do("bad")], [telling.do("good")]])
    change(desk, bad, inputs=b"\x01" + bytes(40))
    desk.drain()
    assert desk.of(bad).state == "refused"
    assert str(desk.of(bad).answer["message"]).startswith("A sealed value could not be opened")
    assert desk.of(good).state == "done"


@pytest.mark.parametrize("missing", ["place", "purpose", "to"])
def test_a_step_of_a_release_whose_action_asked_for_less_holds_up_nobody(desk: Desk, missing: str) -> None:
    step = telling.gather("old") if missing == "place" else telling.send("+14155550100", "old", purpose="transactional")
    old, good = desk.put_all([[step], [telling.do("good")]])
    inputs = {name: value for name, value in step.inputs.items() if name != missing}
    sealed = desk.world.workspace.sealer.seal(values.write(inputs), f"step {old} 0 inputs")
    change(desk, old, inputs=sealed)
    desk.drain()
    assert desk.of(old).state == "refused"
    assert desk.of(good).state == "done"


def test_steps_of_somebody_who_was_erased_leave_no_more_and_nobody_is_called_again(desk: Desk) -> None:
    person = desk.person("ada@example.com")
    waiting = desk.put(telling.do("hers"), person=person)
    desk.hub.privacy.erase(desk.world.workspace, "ada@example.com")
    good = desk.put(telling.do("good"))
    desk.drain()
    assert desk.did == ["good"]
    assert (desk.of(waiting).state, desk.of(good).state) == ("dropped", "done")


def test_a_step_without_its_persons_key_is_dropped(desk: Desk) -> None:
    person = desk.person("ada@example.com")
    waiting, claimed = desk.put_all([[telling.do("hers")], [telling.ring("hers")]], person=person)
    change(desk, claimed, state="claimed", claimed_at=1)
    with desk.hub.database.write() as database:
        database.execute(sa.delete(schema.person))
    desk.hub.people.forget([person])
    desk.drain()
    assert desk.did == []
    assert [row.state for row in desk.world.rows(schema.step)] == ["dropped", "dropped"]
    assert claimed and waiting


def test_what_comes_back_of_somebody_who_was_erased_meanwhile_is_kept_nowhere(desk: Desk) -> None:
    slow = desk.provider.answer = Slow({"member": "M7"})
    person = desk.person("ada@example.com")
    desk.put(telling.name("hers"), person=person)
    with in_a_thread(desk.drain):
        slow.until_called()
        desk.hub.privacy.erase(desk.world.workspace, "ada@example.com")
        slow.go_on()
    (row,) = desk.world.rows(schema.step)
    assert (row.state, row.answer, row.inputs) == ("dropped", None, None)
    assert desk.world.rows(schema.identity, schema.identity.c.person_id == person) == []


def away() -> OperationalError:
    return OperationalError("away", None, Exception("the database is away"))


@pytest.mark.parametrize("where", ["write_round", "left_behind", "_Holder._is_over"])
@ON_SQLITE
def test_a_database_that_is_away_for_a_moment_loses_no_outcome(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    real = operator.attrgetter(where)(holder)
    failures = iter([None, away(), away(), None, away(), None, away(), away(), None, None, None])

    def sometimes(*args: Any) -> Any:
        if failure := next(failures, None):
            raise failure
        return real(*args)

    monkeypatch.setattr(holding, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(holder, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(f"hub.outbox.holder.{where}", sometimes)
    runs = desk.put_all([[telling.ring(n)] for n in range(12)])
    desk.drain()
    assert sorted(desk.did) == list(range(12))
    assert {desk.of(run).state for run in runs} == {"done"}
    assert {desk.of(run).attempts for run in runs} == {1}


@ON_SQLITE
def test_a_commit_whose_answer_was_lost_makes_no_call_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real, times = holder.write_round, iter(range(100))

    def forgetful(*args: Any) -> Any:
        done = real(*args)
        if next(times) % 2 == 0:
            raise away()
        return done

    monkeypatch.setattr(holding, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(holder, "write_round", forgetful)
    runs = desk.put_all([[telling.ring(n)] for n in range(6)])
    desk.drain()
    assert sorted(desk.did) == list(range(6))
    assert {desk.of(run).state for run in runs} == {"done"}


SECRET = "shpat_0123456789"


@pytest.mark.parametrize(
    "said",
    [
        "{name} is not known",
        "Cannot send to {number}: {name}",
        "ada.lovelace@example.com, ADA LOVELACE and ada lovelace",
        "GET /people/Ada%20Lovelace failed",
        '{{"name": "Ada Lovelace", "street": "12 St. James\\u0027s Sq\\u00fcare"}}',
        "The text begins with 'Dear Ada, your parcel with the blue hat' and is too long",
        "No token " + SECRET,
        "Order 12345678 and 77001",
        "Half \ud83d and \0 characters of Ada Lovelace",
    ],
)
@pytest.mark.parametrize("failure", [Rejected, SetupError])
def test_what_a_provider_says_is_kept_without_anybodys_data_or_secret(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, said: str, failure: Any
) -> None:
    monkeypatch.setattr(Connection, "told_to_nobody", [SECRET])
    inputs = {
        "name": "Ada Lovelace",
        "number": "+14155550100",
        "street": "12 St. James's Sqüare",
        "text": "Dear Ada, your parcel with the blue hat left the house today.",
        "order": 77001,
    }
    message = said.format(name=inputs["name"], number=inputs["number"])
    desk.provider.answer = lambda name, given: failure(message)
    with caplog.at_level(logging.DEBUG):
        run = desk.put(telling.do(inputs))
        desk.drain()
    # Without what RQ tells of its jobs: those have ids by chance.
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("rq")]
    told = f"{desk.of(run).reason} {logged} {[row.reason for row in desk.world.runs]}"
    for secret in ("ada", "lovelace", "555", "sqüare", "u00fc", "blue hat", "shpat", "12345", "77001", "\0"):
        assert secret not in told.lower()
    assert "…" in str(desk.of(run).reason)


def test_no_representation_of_a_step_tells_what_is_in_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    make = holder.calling.make

    def watched(*args: Any) -> Any:
        seen.append((args, made := make(*args)))
        return made

    monkeypatch.setattr(holder.calling, "make", watched)
    desk.put(telling.do("Ada Lovelace"))
    desk.drain()
    assert len(seen) == 1
    assert "Ada" not in repr(seen)
