"""A trail in words: one line per step, waits as gaps, and what happens only sometimes beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ... import registry
from ...action import Action
from ...errors import HubError, Rejected
from ...recipe import Recipe
from ...step import CHOOSE, SLEEP_UNTIL, WAIT_FOR, Step
from .. import words
from ..timeline import Line
from ..words import State
from . import trail as trails
from .preview import cost_of
from .trail import Node, Trail

BEGIN = State("done", "●", "Begins")
STEP = State("planned", "●", "Is done")
GAP = State("planned", "○", "Waits")
ONLY_IF = State("planned", "◇", "Only if")
BESIDE = State("over", "↳", "Otherwise")
END = State("over", "■", "Ends")
CHOICE = State("planned", "◇", "By chance")


def lines(trail: Trail, recipe: Recipe, depth: int = 0) -> Iterator[Line]:
    for node in trail.nodes:
        if node.lasts is not None:
            yield from _gap(node, recipe, depth)
        elif node.step.action == CHOOSE:
            yield from _choice(node, recipe, depth)
        else:
            yield from _done(node, recipe, depth)
    if depth == 0 or trail.how not in (trails.ON, trails.AGAIN):
        yield _end(trail, depth)


def _done(node: Node, recipe: Recipe, depth: int) -> Iterator[Line]:
    action = action_of(node.step)
    if guard := _guard(node.step, action):
        yield Line(ONLY_IF, (guard,), is_told=False, depth=depth)
    ends = [when for when, other in node.others if _ends_at_once(other)]
    outcome, says = _said(node.step, action), words.action(node.step.action)
    if ends:
        says = f"{says}: goes on {_condition(node, action, ends)}"
    tool, place = words.tool(node.step.action.partition(".")[0]), (node.calls, node.step.action)
    state = ONLY_IF if ends else STEP
    yield Line(state, (says,), (outcome,) if outcome else (), tool, is_told=False, depth=depth, place=place)
    for when, other in _merged(node.others):
        yield from _beside(f"If {when}:", other, recipe, depth + 1)


def _choice(node: Node, recipe: Recipe, depth: int) -> Iterator[Line]:
    """A test: its options, and each way besides that of the first one, which is drawn on."""
    options = node.step.inputs["options"]
    says = f"Test “{node.step.inputs['test']}”: each person gets one of {len(options)} by chance, always the same"
    said = " · ".join(f"{name}: “{what}”" if isinstance(what, str) else name for name, what in options.items())
    yield Line(CHOICE, (says,), (said,), is_told=False, depth=depth)
    drawn_on = next(iter(options))
    if node.others:
        yield Line(BESIDE, (f"Drawn on with {drawn_on}",), is_told=False, depth=depth + 1)
    for when, other in node.others:
        yield from _beside(f"If {when}:", other, recipe, depth + 1)


def _condition(node: Node, action: Action[Any, Any] | None, ends: list[str]) -> str:
    """When it goes on as drawn: where any other answer ends it, that is said without a no."""
    examples = action.examples(**node.step.inputs) if action is not None and action.examples is not None else []
    return f"if {examples[0][0]}" if len(ends) == len(examples) - 1 else f"unless {_either(ends)}"


def _gap(node: Node, recipe: Recipe, depth: int) -> Iterator[Line]:
    """A wait, with what ends it. One that only looks what happened meanwhile takes no time, and is drawn only if
    something follows from it."""
    if not node.lasts and not any(other.how not in (trails.AGAIN, trails.ON) for _, other in node.others):
        return
    says, outcome = _wait(node), []
    for _, other in node.others:
        if other.how == trails.AGAIN and not other.nodes:
            outcome.append(f"Begins anew if {_awaited(node)}.")
        elif _ends_at_once(other):
            outcome.append("Ends if it does not happen." if node.happens else f"Ends if {_awaited(node)}.")
    stops = _any([match.as_data() for match in recipe.stop_when])
    if stops and node.lasts:
        outcome.append(f"Ends if {stops}.")
    place = (node.calls, node.step.action)
    yield Line(GAP, (says,), (" ".join(outcome),) if outcome else (), gap=True, is_told=False, depth=depth, place=place)
    for _, other in _merged(node.others):
        if other.how != trails.AGAIN or other.nodes:
            yield from _beside(_NOT if node.happens else f"If {_awaited(node)}:", other, recipe, depth + 1)


_NOT = "If it does not happen:"


def _beside(when: str, other: Trail, recipe: Recipe, depth: int) -> Iterator[Line]:
    yield Line(BESIDE, (when,), is_told=False, depth=depth)
    yield from lines(other, recipe, depth)
    if other.how in (trails.ON, trails.AGAIN):
        says = "Then on as below" if other.how == trails.ON else "Then the wait begins anew"
        yield Line(BESIDE, (says,), is_told=False, depth=depth)


def _wait(node: Node) -> str:
    length = span(node.lasts or timedelta(0))
    if node.happens:
        return f"Wait until {_awaited(node)}, {length} at most"
    if not node.lasts:
        return "Look what happened meanwhile"
    if node.step.action == SLEEP_UNTIL:
        return f"Wait until a set time, {length} in this example"
    return f"Wait {length}"


def _end(trail: Trail, depth: int) -> Line:
    says, outcome = "It is done", trail.says
    if depth:
        says = "It ends"
    if trail.how == trails.MORE:
        says, outcome = "It goes on like this", "What comes later is not drawn."
    elif trail.how == trails.UNFORESEEN:
        asked = words.action(trail.says or "")
        says, outcome = "From here on it depends", f"on what comes of “{asked}”. That cannot be known beforehand."
    elif trail.how == trails.BROKEN:
        says, outcome = "What follows cannot be drawn", "It depends on more than an example tells."
    return Line(END, (says,), (outcome,) if outcome else (), is_told=False, depth=depth)


def _ends_at_once(other: Trail) -> bool:
    return other.how == trails.OVER and not other.nodes


# ---- messages


def action_of(step: Step) -> Action[Any, Any] | None:
    try:
        return registry.action(step.action)
    except HubError:
        return None


def _guard(step: Step, action: Action[Any, Any] | None) -> str | None:
    """What is looked at right before a message leaves."""
    if action is None or action.channel is None:
        return None
    if step.inputs.get("purpose") == "transactional":
        return f"Only if they did not opt out of {_CHANNELS[action.channel]}"
    return f"Only if they agreed to {_CHANNELS[action.channel]}"


_LONG_LINK, _LINK = re.compile(r"(https?://[^\s/]+/)\S{12,}"), r"\1…"
_CHANNELS = {"sms": "text messages", "email": "e-mails"}


def _said(step: Step, action: Action[Any, Any] | None) -> str:
    """What a step does in particular; a message as the example has it, and what it costs."""
    if action is None:
        return ""
    if action.details is not None:
        return action.details(**step.inputs)
    if action.channel is None or not isinstance(step.inputs.get("text"), str):
        return ""
    said = f"“{_LONG_LINK.sub(_LINK, step.inputs['text'])}”"
    try:
        cost = cost_of(action, step.inputs["text"])
    except Rejected as refusal:
        return f"{said} {refusal}"
    return f"{said} {cost.says}" if cost else said


# ---- words


def _awaited(node: Node) -> str:
    return _any(node.step.inputs["any"]) if node.step.action == WAIT_FOR else ""


def _any(matches: Sequence[Mapping[str, Any]]) -> str:
    """What happens, with the values that narrow it as far as they are words: "… changes (unsubscribed)"."""
    said = []
    for match in matches:
        named = [value for value in match["where"].values() if isinstance(value, str) and _WORD.fullmatch(value)]
        said.append(words.happening(match["type"]) + (f" ({', '.join(named)})" if named else ""))
    return ", or ".join(dict.fromkeys(said))


_WORD = re.compile(r"[a-z_ ]+")


def _merged(others: Sequence[tuple[str, Trail]]) -> list[tuple[str, Trail]]:
    """The trails beside a step that do not end at once; those that are alike, once."""
    found: list[tuple[str, Trail]] = []
    for when, other in others:
        if _ends_at_once(other):
            continue
        alike = next((index for index, (_, known) in enumerate(found) if known == other), None)
        if alike is None:
            found.append((when, other))
        else:
            found[alike] = (f"{found[alike][0]}, or if {when}", other)
    return found


def _either(said: list[str]) -> str:
    return ", or ".join(said)


def span(length: timedelta) -> str:
    return words.span(round(length.total_seconds() * 1000))
