"""`hub questions` and `hub answer`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub import Event, Steps, ask_person, recipe
from tests import telling
from tests.cli.conftest import Command, refused, told
from tests.world import World, happen


@recipe(on=telling.happened, title="Refund")
def refund(event: Event) -> Steps:
    """Asks whether to refund."""
    said = yield ask_person("Refund order 1042?", choices=["Yes", "No"], timeout=timedelta(days=1), default="No")
    yield telling.do(said)


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    world.turn_on(monkeypatch, refund)
    happen(world)
    return world.runs[0]


def test_a_question_is_listed_and_answered(hub: Command, world: World, run: Any) -> None:
    (listed,) = told(hub("questions", "--json"))
    assert (listed["run"], listed["question"], listed["choices"]) == (str(run.id), "Refund order 1042?", ["Yes", "No"])
    assert listed["about"] == "ada@example.com"
    shown = hub("questions").stdout
    assert "Refund order 1042?" in shown and "Answer with one of: Yes, No; without one it is No." in shown
    assert "Until somebody answers, or" in hub("run", str(run.id)).stdout
    assert "Choose one of: Yes, No." in refused(hub("answer", str(run.id), "perhaps"))
    assert "Answered." in hub("answer", str(run.id), "Yes").stdout
    world.pass_time(timedelta(days=3650))  # a command has the machine's time
    assert [inputs["what"] for _, inputs in telling.provider.done] == ["Yes"]
    assert "Answered by a person." in hub("run", str(run.id)).stdout
    assert "No question waits" in hub("questions").stdout
    assert "no such question" in refused(hub("answer", str(run.id), "Yes"))
