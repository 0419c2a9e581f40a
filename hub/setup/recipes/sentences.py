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
from ...step import ASK, CHOOSE, COMPLAINT_CLOSED, COMPLAINT_OPENED, SLEEP_UNTIL, WAIT_FOR, Step
from .. import words
from ..language import _, lazy
from ..retold import OURS, told
from ..timeline import Line
from ..words import State
from . import trail as trails
from .preview import cost_of
from .trail import Node, Trail

BEGIN = State("done", "●", lazy("Begins"))
STEP = State("planned", "●", lazy("Is done"))
GAP = State("planned", "○", lazy("Waits"))
ONLY_IF = State("planned", "◇", lazy("Only if"))
BESIDE = State("over", "↳", lazy("Otherwise"))
END = State("over", "■", lazy("Ends"))
CHOICE = State("planned", "◇", lazy("By chance"))


def lines(trail: Trail, recipe: Recipe, depth: int = 0) -> Iterator[Line]:
    for node in trail.nodes:
        if node.lasts is not None:
            yield from _gap(node, recipe, depth)
        elif node.step.action == CHOOSE:
            yield from _choice(node, recipe, depth)
        else:
            yield from _done(node, recipe, depth)
    if depth == 0 or trail.how not in (trails.ON, trails.AGAIN):
        yield _end(trail, recipe, depth)


def _done(node: Node, recipe: Recipe, depth: int) -> Iterator[Line]:
    action = action_of(node.step)
    if guard := _guard(node.step, action):
        yield Line(ONLY_IF, (guard,), is_told=False, depth=depth)
    others = [(_answer(action, when), other) for when, other in node.others]
    ends = [when for when, other in others if _ends_at_once(other)]
    outcome, says = _said(node.step, action), words.action(node.step.action)
    tool: words.Tool | None = words.tool(node.step.action.partition(".")[0])
    if node.step.action == ASK:
        says, tool = words.question(node.step.inputs["question"]), None
    if ends:
        says = _condition(says, node, action, ends)
    place = (node.calls, node.step.action)
    state = ONLY_IF if ends else STEP
    yield Line(state, (says,), (outcome,) if outcome else (), tool, is_told=False, depth=depth, place=place)
    for when, other in _merged(others):
        yield from _beside(_("If %(answer)s:", answer=when), other, recipe, depth + 1)


def _choice(node: Node, recipe: Recipe, depth: int) -> Iterator[Line]:
    """A test: its options, and each way besides that of the first one, which is drawn on."""
    options = node.step.inputs["options"]
    about = {"test": node.step.inputs["test"], "count": len(options)}
    says = _("Test “%(test)s”: each person gets one of %(count)s by chance, always the same", **about)
    said = " · ".join(f"{name}: “{what}”" if isinstance(what, str) else name for name, what in options.items())
    yield Line(CHOICE, (says,), (said,), is_told=False, depth=depth)
    drawn_on = next(iter(options))
    if node.others:
        yield Line(BESIDE, (_("Drawn on with %(option)s", option=drawn_on),), is_told=False, depth=depth + 1)
    for when, other in node.others:
        yield from _beside(_("If %(answer)s:", answer=when), other, recipe, depth + 1)


def _answer(action: Action[Any, Any] | None, when: str) -> str:
    """When an action answers so, in words of its connector; or somebody who is asked, in ours."""
    return told(when, OURS[0] if action is None else action.connector.package, words.CLAUSE)


def _condition(says: str, node: Node, action: Action[Any, Any] | None, ends: list[str]) -> str:
    """When it goes on as drawn: where any other answer ends it, that is said without a no."""
    examples = action.examples(**node.step.inputs) if action is not None and action.examples is not None else []
    if len(ends) == len(examples) - 1:
        return _("%(action)s: goes on if %(answer)s", action=says, answer=_answer(action, examples[0][0]))
    return _("%(action)s: goes on unless %(answer)s", action=says, answer=words.either(ends))


def _gap(node: Node, recipe: Recipe, depth: int) -> Iterator[Line]:
    """A wait, with what ends it. One that only looks what happened meanwhile takes no time, and is drawn only if
    something follows from it."""
    if not node.lasts and not any(other.how not in (trails.AGAIN, trails.ON) for _when, other in node.others):
        return
    says, outcome = _wait(node), []
    for _when, other in node.others:
        if other.how == trails.AGAIN and not other.nodes:
            outcome.append(_("Begins anew if %(event)s.", event=_awaited(node)))
        elif _ends_at_once(other):
            ends = _("Ends if %(event)s.", event=_awaited(node))
            outcome.append(_("Ends if it does not happen.") if node.happens else ends)
    stops = _any([match.as_data() for match in recipe.stop_when])
    if stops and node.lasts:
        outcome.append(_("Ends if %(event)s.", event=stops))
    place = (node.calls, node.step.action)
    yield Line(GAP, (says,), (" ".join(outcome),) if outcome else (), gap=True, is_told=False, depth=depth, place=place)
    for _when, other in _merged(node.others):
        if other.how != trails.AGAIN or other.nodes:
            when = _("If it does not happen:") if node.happens else _("If %(event)s:", event=_awaited(node))
            yield from _beside(when, other, recipe, depth + 1)


def _beside(when: str, other: Trail, recipe: Recipe, depth: int) -> Iterator[Line]:
    yield Line(BESIDE, (when,), is_told=False, depth=depth)
    yield from lines(other, recipe, depth)
    if other.how in (trails.ON, trails.AGAIN):
        says = _("Then on as below") if other.how == trails.ON else _("Then the wait begins anew")
        yield Line(BESIDE, (says,), is_told=False, depth=depth)


def _wait(node: Node) -> str:
    length = span(node.lasts or timedelta(0))
    if node.happens:
        return _("Wait until %(event)s, %(span)s at most", event=_awaited(node), span=length)
    if node.step.action in (COMPLAINT_OPENED, COMPLAINT_CLOSED):
        return words.action(node.step.action)
    if not node.lasts:
        return _("Look what happened meanwhile")
    if node.step.action == SLEEP_UNTIL:
        return _("Wait until a set time, %(span)s in this example", span=length)
    return _("Wait %(span)s", span=length)


def _end(trail: Trail, recipe: Recipe, depth: int) -> Line:
    says, outcome = _("It is done"), told(trail.says or "", recipe.function.__module__)
    if depth:
        says = _("It ends")
    if trail.how == trails.MORE:
        says, outcome = _("It goes on like this"), _("What comes later is not drawn.")
    elif trail.how == trails.UNFORESEEN:
        asked = words.action(trail.says or "")
        says = _("From here on it depends")
        outcome = _("on what comes of “%(action)s”. That cannot be known beforehand.", action=asked)
    elif trail.how == trails.BROKEN:
        says, outcome = _("What follows cannot be drawn"), _("It depends on more than an example tells.")
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
    is_text = action.channel == "sms"
    if step.inputs.get("purpose") == "transactional":
        opted = _("Only if they did not opt out of e-mails")
        return _("Only if they did not opt out of text messages") if is_text else opted
    return _("Only if they agreed to text messages") if is_text else _("Only if they agreed to e-mails")


_LONG_LINK, _LINK = re.compile(r"(https?://[^\s/]+/)\S{12,}"), r"\1…"


def _said(step: Step, action: Action[Any, Any] | None) -> str:
    """What a step does in particular; a message as the example has it, and what it costs."""
    if action is None:
        return ""
    if action.details is not None:
        return told(action.details(**step.inputs), action.connector.package)
    if action.channel is None or not isinstance(step.inputs.get("text"), str):
        return ""
    said = f"“{_LONG_LINK.sub(_LINK, step.inputs['text'])}”"
    try:
        cost = cost_of(action, step.inputs["text"])
    except Rejected as refusal:
        return f"{said} {told(refusal)}"
    return f"{said} {cost.says}" if cost else said


# ---- words


def _awaited(node: Node) -> str:
    return _any(node.step.inputs["any"]) if node.step.action == WAIT_FOR else ""


def _any(matches: Sequence[Mapping[str, Any]]) -> str:
    """What happens, with the values that narrow it as far as they are words: "… changes (unsubscribed)"."""
    said = []
    for match in matches:
        named = [value for value in match["where"].values() if isinstance(value, str) and _WORD.fullmatch(value)]
        event = words.happening(match["type"], words.CLAUSE)
        said.append(f"{event} ({', '.join(named)})" if named else event)
    return words.either(said)


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
            found[alike] = (_("%(one)s, or if %(other)s", one=found[alike][0], other=when), other)
    return found


def span(length: timedelta) -> str:
    return words.span(round(length.total_seconds() * 1000))
