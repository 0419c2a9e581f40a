"""One call to a provider, and what its outcome means for each step in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from .. import values
from ..action import Page
from ..errors import ActionFailed, HubError, OutcomeUnknown, Rejected
from ..event import Person
from ..quota import Observation, observing
from .steps import Call, Waiting
from .veil import veiled


@dataclass(frozen=True)
class Answered:
    """The call happened. `written`: the answer as it is kept; `key`: what no other answer of a readback action shares;
    `person`: whom it turned out to be about; `page`: what a listing told, of which the answer has the numbers alone."""

    written: bytes = field(repr=False)
    key: str | None = field(repr=False)
    person: Person | None
    page: Page | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ConnectorBroken:
    """The connector itself failed, in a way that says nothing about what happened at the provider."""


@dataclass(frozen=True)
class NotLeft:
    """It is certain that the call never left."""


@dataclass(frozen=True)
class Repeat:
    """The call may have left, and doing it again changes nothing that it did."""


@dataclass(frozen=True)
class Found:
    """What the provider knows of calls like one of unknown outcome, oldest first. Empty: it did not happen."""

    answers: tuple[Answered, ...]


@dataclass(frozen=True)
class NotAsked:
    """The provider did not say whether a call happened that left at `since` or later."""

    error: ActionFailed
    since: datetime


Result = Answered | ActionFailed | ConnectorBroken | NotLeft | Repeat | Found | NotAsked


@dataclass(frozen=True)
class Outcome:
    """What became of one step. `reason`: what went wrong, in words that tell nobody's data. `left_at`: when the call
    left that it is about, where it is not the one that was recorded before."""

    step: Waiting
    result: Result
    reason: str = ""
    left_at: int | None = None

    def at(self, left_at: int) -> Outcome:
        return replace(self, left_at=left_at)

    @property
    def is_settled(self) -> bool:
        """Whether it is known what became of the step, for good."""
        return isinstance(self.result, Answered | Rejected)

    @property
    def failure(self) -> ActionFailed | None:
        """What the provider answered, if it did not do what it was asked."""
        result = self.result.error if isinstance(self.result, NotAsked) else self.result
        return result if isinstance(result, ActionFailed) else None

    @property
    def trouble(self) -> Exception | None:
        """What the call met, be it the provider's doing or the connector's; None if it was answered."""
        return HubError(self.reason) if isinstance(self.result, ConnectorBroken) else self.failure


StandIn = Callable[[Waiting], Any]
"""Answers a step in place of its connector, or gives `LEAVES` where it does not."""

LEAVES = object()


@dataclass(frozen=True)
class Caller:
    """What calls are made with: the account's client, its secrets, and who is told what answers say about limits.
    `stand_in` is asked first, in a rehearsal."""

    client: Any = field(repr=False)
    secrets: Sequence[str] = field(repr=False)
    observer: Callable[[Observation], None] = field(repr=False)
    stand_in: StandIn | None = field(default=None, repr=False)


def idempotency_key(step: Waiting) -> str:
    """The key of a step for providers that honour one: the same each time the step is tried."""
    return hashlib.blake2b(f"{step.name[0]}:{step.name[1]}".encode(), digest_size=16).hexdigest()


def make(call: Call, caller: Caller) -> list[Outcome]:
    """Makes the call. Gives one outcome per step and raises nothing, whatever the connector does."""
    try:
        with observing(caller.observer):
            answers = _answers(call, caller)
        return [_outcome(step, answer, caller) for step, answer in zip(call.steps, answers, strict=True)]
    except BaseException as error:  # a library may even ask the process to exit; in a call's thread nobody hears it
        inputs = [step.inputs for step in call.steps]
        result, reason = _failure(error, inputs, caller)
        return [Outcome(step, result, reason) for step in call.steps]


def _answers(call: Call, caller: Caller) -> Sequence[Any]:
    """One answer per step, or the error in its place."""
    if caller.stand_in is None:
        return _made(call, caller.client)
    given = [_stood_in(step, caller.stand_in) for step in call.steps]
    left = Call(tuple(step for step, answer in zip(call.steps, given, strict=True) if answer is LEAVES))
    made = iter(_made(left, caller.client) if left.steps else ())
    return [next(made) if answer is LEAVES else answer for answer in given]


def _made(call: Call, client: Any) -> Sequence[Any]:
    return _many(call, client) if call.action.many else [_one(call.steps[0], client)]


def _stood_in(step: Waiting, stand_in: StandIn) -> Any:
    try:
        return stand_in(step)
    except Exception as error:
        return error


def _one(step: Waiting, client: Any) -> Any:
    extra = {"key": idempotency_key(step)} if step.action.takes_key else {}
    return step.action.perform(client, **step.inputs, **extra)


def _many(call: Call, client: Any) -> Sequence[Any]:
    assert call.action.many is not None
    answers = list(call.action.many(client, [dict(step.inputs) for step in call.steps]))
    if len(answers) != len(call.steps):
        raise OutcomeUnknown(
            f"{call.action.name} answered for {len(answers)} of {len(call.steps)} members of its batch."
        )
    return answers


def _outcome(step: Waiting, answer: Any, caller: Caller) -> Outcome:
    if isinstance(answer, BaseException):
        return Outcome(step, *_failure(answer, [step.inputs], caller))
    answered = _answered(step, answer)
    if answered is None:
        return Outcome(step, ConnectorBroken(), f"{step.action.name} gave an answer that is not plain data.")
    return Outcome(step, answered)


def _answered(step: Waiting, answer: Any) -> Answered | None:
    """The answer as it is recorded; None if it is no plain data."""
    if step.action.lists:
        if not isinstance(answer, Page):
            return None
        told = {"count": len(answer.items), "next": answer.next, "of": answer.of}
        return Answered(values.write(told), None, None, answer)
    try:
        written = values.write(answer)
    except Exception:
        return None
    key = answer.get(step.action.answer_key) if step.action.find and isinstance(answer, dict) else None
    return Answered(written, None if key is None else str(key), _told(step, answer))


def _told(step: Waiting, answer: Any) -> Person | None:
    """Whom the answer turned out to be about. The call is done whatever it tells: an answer of another shape, or one
    that the connector cannot read, tells nothing."""
    if step.action.identifies is None or step.person_id is None:
        return None
    try:
        person = step.action.identifies(step.inputs, answer)
        texts = [person.email or "", person.phone or "", *person.ids]
        return person if all(isinstance(text, str) for text in texts) else None
    except Exception:
        return None


def _failure(
    error: BaseException, inputs: Iterable[Mapping[str, Any]], caller: Caller
) -> tuple[ActionFailed | ConnectorBroken, str]:
    if isinstance(error, ActionFailed):
        return error, veiled(str(error), inputs, caller.secrets)
    if isinstance(error, HubError):
        return ConnectorBroken(), veiled(str(error), inputs, caller.secrets)
    return ConnectorBroken(), f"The connector failed with {type(error).__name__} in {_place(error)}."


def _place(error: BaseException) -> str:
    """Where it was raised. Never its message, which may tell somebody's data."""
    trace, line, module = error.__traceback__, 0, "its answer"
    while trace is not None:
        line, module = trace.tb_lineno, trace.tb_frame.f_globals.get("__name__", "?")
        trace = trace.tb_next
    return f"{module}, line {line}"


def look_back(step: Waiting, since: datetime, caller: Caller) -> list[Outcome]:
    """Asks the provider what it knows of calls like this one since then. Raises nothing."""
    assert step.action.find is not None
    try:
        with observing(caller.observer):
            answers = tuple(step.action.find(caller.client, since, **step.inputs))
        return [_found(step, answers)]
    except BaseException as error:
        result, reason = _failure(error, [step.inputs], caller)
        return [Outcome(step, NotAsked(result, since) if isinstance(result, ActionFailed) else result, reason)]


def _found(step: Waiting, answers: Sequence[Any]) -> Outcome:
    found = []
    for answer in answers:
        answered = _answered(step, answer)
        if answered is None or answered.key is None:
            # Without it nobody could tell this answer from another step's, and a message would leave twice.
            reason = f"{step.action.name} found an answer without {step.action.answer_key!r}."
            return Outcome(step, ConnectorBroken(), reason)
        found.append(answered)
    return Outcome(step, Found(tuple(found)))
