"""One call to a provider, and what its outcome means for each step in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .. import values
from ..errors import ActionFailed, HubError, OutcomeUnknown, Rejected, StepNotData
from ..quota import Observation, observing
from .backlog import Call, Waiting


@dataclass(frozen=True)
class ConnectorBroken:
    """The connector itself failed, in a way that says nothing about what happened at the provider."""

    reason: str


@dataclass(frozen=True)
class Found:
    """What the provider knows of calls like one of unknown outcome, oldest first. Empty: it did not happen."""

    answers: tuple[Any, ...]


Result = bytes | ActionFailed | ConnectorBroken | Found
"""A step's outcome: its written answer, what went wrong, or what looking back found."""


@dataclass(frozen=True)
class Outcome:
    """What became of one step. `answer` is the answer as it was given, for what reads more than its writing."""

    step: Waiting
    result: Result
    answer: Any = None


def idempotency_key(step: Waiting) -> str:
    """The key of a step for providers that honour one: the same each time the step is tried."""
    return hashlib.blake2b(f"{step.name[0]}:{step.name[1]}".encode(), digest_size=16).hexdigest()


def make(call: Call, client: Any, observer: Callable[[Observation], None]) -> list[Outcome]:
    """Makes the call. Gives one outcome per step and raises nothing, whatever the connector does."""
    with observing(observer):
        try:
            answers: Sequence[Any] = _many(call, client) if call.action.many else [_one(call.steps[0], client)]
        except ActionFailed as error:
            return [Outcome(step, error) for step in call.steps]
        except Exception as error:
            return [Outcome(step, _broken(error)) for step in call.steps]
    return [_outcome(step, answer) for step, answer in zip(call.steps, answers, strict=True)]


def _one(step: Waiting, client: Any) -> Any:
    extra = {"key": idempotency_key(step)} if step.action.takes_key else {}
    return step.action.perform(client, **step.inputs, **extra)


def _many(call: Call, client: Any) -> Sequence[Any]:
    assert call.action.many is not None
    answers = list(call.action.many(client, [step.inputs for step in call.steps]))
    if len(answers) != len(call.steps):
        raise OutcomeUnknown(
            f"{call.action.name} answered for {len(answers)} of {len(call.steps)} members of its batch."
        )
    return answers


def _outcome(step: Waiting, answer: Any) -> Outcome:
    if isinstance(answer, ActionFailed):
        return Outcome(step, answer)
    if isinstance(answer, Exception):
        return Outcome(step, _broken(answer))
    try:
        return Outcome(step, values.write(answer), answer)
    except StepNotData:
        return Outcome(step, ConnectorBroken(f"{step.action.name} gave an answer that is not plain data."))


def _broken(error: Exception) -> ConnectorBroken:
    if isinstance(error, HubError):
        return ConnectorBroken(str(error))
    trace, line, file = error.__traceback__, 0, ""
    while trace is not None:
        line, file = trace.tb_lineno, trace.tb_frame.f_globals.get("__name__", "")
        trace = trace.tb_next
    return ConnectorBroken(f"The connector failed with {type(error).__name__} in {file}, line {line}.")


def look_back(step: Waiting, since: datetime, client: Any, observer: Callable[[Observation], None]) -> list[Outcome]:
    """Asks the provider what it knows of calls like this one since then. Raises nothing."""
    assert step.action.find is not None
    with observing(observer):
        try:
            return [Outcome(step, Found(tuple(step.action.find(client, since, **step.inputs))))]
        except Rejected as error:
            return [Outcome(step, ConnectorBroken(f"Whether it happened could not be asked: {error}"))]
        except ActionFailed as error:
            return [Outcome(step, OutcomeUnknown(str(error), status=error.status))]
        except Exception as error:
            return [Outcome(step, _broken(error))]
