"""Replaying a run: its recipe from the start, answered from the journal, to the first step that is not answered.

Pure: no input or output, no clock, no chance. `hub/README.md`, "How a run works", shows one replay line by line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from . import values
from .errors import ActionFailed, HubError, NotSent, RecipeChanged, ReplayFailed, StepNotYielded
from .step import CHOOSE, Step, Steps, Together, made_steps

MOST_STEPS = 10_000
"""A run that asked for this many is held: a loop without an end asks for ever more."""


@dataclass(frozen=True)
class Entry:
    """One line of a journal: what was asked for, and the answer once it ended. `error` is thrown at the yield."""

    action: str
    fingerprint: bytes
    ended: bool
    answer: Any = None
    error: ActionFailed | None = None


@dataclass(frozen=True)
class Asked:
    """A step as it is written down."""

    position: int
    step: Step
    inputs: bytes
    fingerprint: bytes


@dataclass(frozen=True)
class Waiting:
    """The run waits for answers; `asked` are the steps that it asks for now, none if it asked before."""

    asked: tuple[Asked, ...] = ()


@dataclass(frozen=True)
class Finished:
    """The recipe returned, with what it said about how it ended."""

    says: str | None


@dataclass(frozen=True)
class Failed:
    """The recipe raised: `reason` says what and where, without what was in it."""

    reason: str


@dataclass(frozen=True)
class Held:
    """The run cannot go on by itself."""

    error: ReplayFailed


Outcome = Waiting | Finished | Failed | Held


def replay(start: Callable[[], Steps], journal: Mapping[int, Entry]) -> Outcome:
    """Where a run stands: `start` makes the recipe's generator, `journal` has its entries by position."""
    steps = start()
    try:
        with made_steps() as made:
            return _replay(steps, journal, made)
    except ReplayFailed as error:
        return Held(error)
    finally:
        with suppress(Exception):
            steps.close()


def _replay(steps: Steps, journal: Mapping[int, Entry], made: list[Step]) -> Outcome:
    position, reply, error = 0, None, None
    while position < MOST_STEPS:
        made.clear()
        try:
            yielded: object = steps.throw(error) if error else steps.send(reply)
        except StopIteration as stop:
            _require_yielded(made, ())
            _require_end(journal, position, "is not asked for any more.")
            return _finished(stop.value)
        except ReplayFailed:
            raise
        except NotSent as refusal:  # the guards did their work, and the recipe has nothing to say about it
            return Finished(str(refusal))
        except (Exception, SystemExit) as raised:  # a recipe may even ask the process to exit
            return Failed(_what_happened(raised))
        asked = _asked(yielded, position)
        _require_yielded(made, [item.step for item in asked])
        entries = [journal.get(item.position) for item in asked]
        if asked and entries[0] is None:
            _require_end(journal, position, "and later ones were asked for in another grouping before.")
            return Waiting(asked)
        for item, entry in zip(asked, entries, strict=True):
            _require_same(item, entry)
        answered = [entry for entry in entries if entry is not None]
        if not all(entry.ended for entry in answered):
            return Waiting()
        error = next((entry.error for entry in answered if entry.error), None)
        answers = [_reply(item.step, entry) for item, entry in zip(asked, answered, strict=True)]
        reply = answers if isinstance(yielded, Together) else answers[0]
        position += len(asked)
    return Held(ReplayFailed(f"The run asked for {MOST_STEPS} steps. Its recipe may have a loop without an end."))


def _finished(says: object) -> Finished | Failed:
    try:
        return Finished(None if says is None else str(says))
    except Exception as raised:  # it may be any object
        return Failed(_what_happened(raised))


def _asked(yielded: object, position: int) -> tuple[Asked, ...]:
    if isinstance(yielded, Step):
        steps: Sequence[Step] = (yielded,)
    elif isinstance(yielded, Together):
        steps = yielded.steps
    else:
        raise ReplayFailed(
            f"The recipe yielded a {type(yielded).__name__}. It may yield steps, and several at once as together(…)."
        )
    asked = []
    for number, step in enumerate(steps, start=position):
        inputs = values.write(step.inputs)
        asked.append(Asked(number, step, inputs, values.fingerprint(step.action, _told_apart_by(step, inputs))))
    return tuple(asked)


def _told_apart_by(step: Step, inputs: bytes) -> bytes:
    """What must be the same when a step is asked for again. What the options of a choice say may change."""
    if step.action != CHOOSE:
        return inputs
    return values.write({"test": step.inputs["test"], "options": sorted(step.inputs["options"])})


def _reply(step: Step, entry: Entry) -> Any:
    """What a step gives the recipe. Of a choice the journal has the option's name."""
    return step.inputs["options"][entry.answer] if step.action == CHOOSE else entry.answer


def _require_yielded(made: Sequence[Step], yielded: Sequence[Step]) -> None:
    # By identity: two steps that ask for the same are equal, and one of them may be the forgotten one.
    for step in made:
        if not any(step is other for other in yielded):
            raise StepNotYielded(
                f"The recipe made the step {step.action} in line {step.line} and did not yield it, so it would never "
                f"happen. Write: yield {step.action}(…)"
            )


def _require_same(asked: Asked, entry: Entry | None) -> None:
    if entry is not None and entry.action == asked.step.action and entry.fingerprint == asked.fingerprint:
        return
    found = asked.step.action
    if entry is not None and entry.action == found:
        raise RecipeChanged(
            f"Step {asked.position + 1} is {found} with other inputs than before. A recipe must ask for the same when "
            "it is replayed: use only the event, its settings and answers of steps.",
            asked.position,
        )
    expected = entry.action if entry else "no step"
    raise RecipeChanged(f"Step {asked.position + 1} was {expected} before, and is {found} now.", asked.position)


def _require_end(journal: Mapping[int, Entry], position: int, otherwise: str) -> None:
    later = [number for number in journal if number >= position]
    if later:
        raise RecipeChanged(f"Step {min(later) + 1} {otherwise}", min(later))


def _what_happened(error: BaseException) -> str:
    """What a recipe raised, and in which line: never the message of an error that is not ours, which may tell data."""
    if isinstance(error, HubError):
        return str(error)
    line, trace = 0, error.__traceback__
    while trace is not None:
        line = _recipe_line(trace) or line
        trace = trace.tb_next
    return f"The recipe failed with {type(error).__name__} in line {line}."


def _recipe_line(trace: TracebackType) -> int | None:
    name = trace.tb_frame.f_globals.get("__name__", "")
    return None if name.startswith("hub.") else trace.tb_lineno
