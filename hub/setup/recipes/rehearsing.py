"""A rehearsal on a page: the branches to choose from, as sentences, and its timeline in the drawing of all others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ... import registry
from ...action import Action
from ...errors import HubError
from ...event import Event
from ...recipe import Recipe
from ...rehearsal import Entry, Rehearsed
from ...rehearsal.branches import Branch, branches, starts
from ...rehearsal.scripts import Performance, Script, perform
from ...step import OWN
from ...timing import to_datetime, to_ms
from .. import words
from ..language import _, ngettext
from ..measures import listed, money
from ..timeline import Line
from ..words import ZONE, Said, State
from .preview import cost_of
from .sentences import BEGIN, GAP, STEP
from .way import stood_in

HAPPENS = State("done", "▸", "")
LEFT_OUT = State("over", "○", "")


@dataclass(frozen=True)
class Choice:
    """Something to choose: what names it in the address, and what it says."""

    key: str
    says: str
    is_chosen: bool


@dataclass(frozen=True)
class Shown:
    """A rehearsal as its page shows it. `trouble` says why there is none."""

    starts: tuple[Choice, ...]
    choices: tuple[Choice, ...]
    lines: tuple[Line, ...] = ()
    sum: str = ""
    zone: str = ""
    trouble: str | None = None


def rehearsed(
    recipe: Recipe, settings: Mapping[str, Any], zone: ZoneInfo | None, now: int, start: str | None, branch: str | None
) -> Shown:
    """Plays a recipe with these settings, from the start and on the branch of these names, else the first ones."""
    try:
        return _rehearsed(recipe, stood_in(recipe, settings), zone, now, start, branch)
    except (HubError, LookupError) as error:
        return Shown((), (), trouble=words.reason(str(error)))


def _rehearsed(
    recipe: Recipe, settings: Mapping[str, Any], zone: ZoneInfo | None, now: int, start: str | None, branch: str | None
) -> Shown:
    at = to_datetime(now // 1000 * 1000)
    examples = [replace(event, at=at) for event in starts(recipe)]
    if not examples:
        return Shown((), (), trouble=_("No example of what starts it meets its conditions."))
    begins = next((event for event in examples if event.type == start), examples[0])
    script = Script(zone=zone)
    usual = perform(recipe, settings, begins, script).run
    found = branches(recipe, begins, script, usual)
    chosen = next((one for one in found if one.key == branch), found[0])
    done = perform(recipe, settings, begins, chosen.script, usual)
    waits = any(step.action in OWN for step in done.run.steps) or len(found) > 1
    return Shown(
        tuple(Choice(e.type, words.upper_first(words.happening(e.type)), e is begins) for e in examples),
        tuple(Choice(one.key, _says(one, waits), one is chosen) for one in found),
        tuple(_lines(done, now)),
        _sum([done.run, *done.others]),
        str(_zone_of(done) or ""),
    )


def _says(branch: Branch, waits: bool) -> str:
    if branch.kind == "happens":
        span = words.span(round(branch.after.total_seconds() * 1000))
        event = words.upper_first(words.happening(branch.what))
        return _("%(event)s after %(span)s", event=event, span=span)
    if branch.kind == "refused":
        return _("“%(action)s” is refused", action=words.action(branch.what))
    if branch.kind == "not_agreed":
        return _("They did not agree to messages")
    return _("Nothing else happens") if waits else _("All goes well")


# ---- the timeline


def _zone_of(done: Performance) -> Any:
    return done.run.timeline[0].at.tzinfo if done.run.timeline else None


def _lines(done: Performance, now: int) -> Iterator[Line]:
    zone = _zone_of(done)
    before = ZONE.set(zone if isinstance(zone, ZoneInfo) else ZONE.get())
    try:
        yield _event(done.start, BEGIN, now)
        for run in (done.run, *done.others):
            yield from _run(run, done.later if run is done.run else (), now)
    finally:
        ZONE.reset(before)


def _run(run: Rehearsed, later: Sequence[Event], now: int) -> Iterator[Line]:
    rest = sorted(later, key=lambda event: event.at)
    for entry in run.timeline:
        while rest and rest[0].at < entry.at:
            yield _event(rest.pop(0), HAPPENS, now)
        yield _line(entry, now)
    yield from (_event(event, HAPPENS, now) for event in rest)
    if run.state != "skipped":
        state, reason = words.run_state(run.state), words.reason(run.says)
        yield Line(state, (str(state.says),), (reason,) if reason else (), is_told=False)


def _event(event: Event, state: State, now: int) -> Line:
    says, tool = words.upper_first(words.happening(event.type)), words.tool(event.type.partition(".")[0])
    return Line(state, (says,), tool=tool, at=words.moment(to_ms(event.at), now), is_told=False)


def _line(entry: Entry, now: int) -> Line:
    at = words.moment(to_ms(entry.at), now)
    if entry.action in OWN:
        return Line(GAP, (entry.says,), _said(entry.details), at=at, gap=True, is_told=False)
    said = entry.details if entry.text is None else f"“{entry.text}”"
    state, tool = (STEP if entry.outcome == "would happen" else LEFT_OUT), words.tool(entry.action.partition(".")[0])
    return Line(state, (entry.says,), _said(said, _cost(entry), _reason(entry)), tool, at, is_told=False)


def _said(*sentences: str | None) -> Said:
    text = " ".join(sentence for sentence in sentences if sentence)
    return (text,) if text else ()


def _cost(entry: Entry) -> str:
    if entry.segments is None:
        return ""
    parts = ngettext("%(num)s part", "%(num)s parts", entry.segments)
    return _("%(parts)s, about %(cost)s.", parts=parts, cost=entry.cost) if entry.cost else f"{parts}."


def _reason(entry: Entry) -> str:
    said = words.reason(entry.reason) or ""
    return _("Left out: %(reason)s", reason=said) if entry.outcome == "skipped" else said


def _sum(runs: Sequence[Rehearsed]) -> str:
    """How many messages leave, and what they cost together as far as that is known; and how many a service writes."""
    done = [entry for run in runs for entry in run.timeline if entry.outcome == "would happen"]
    actions = {entry.action: registry.action(entry.action) for entry in done if entry.action not in OWN}
    sent = [entry for entry in done if entry.to is not None]
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in sent:
        cost = cost_of(actions[entry.action], entry.text) if entry.text is not None else None
        if cost is not None and cost.amount is not None:
            sums[cost.currency] += cost.amount
    begun = Counter(actions[e.action].connector.title for e in done if e.action in actions and _starts(actions, e))
    written = [
        ngettext(
            "%(num)s message that %(service)s writes", "%(num)s messages that %(service)s writes", n, service=service
        )
        for service, n in begun.items()
    ]
    own = ngettext("%(num)s message", "%(num)s messages", len(sent))
    if costs := " + ".join(money(amount, currency) for currency, amount in sums.items()):
        own = _("%(messages)s for about %(cost)s", messages=own, cost=costs)
    told = [*([own] if sent else []), *written]
    return _("What leaves: %(messages)s.", messages=listed(told)) if told else _("No message leaves.")


def _starts(actions: Mapping[str, Action[Any, Any]], entry: Entry) -> bool:
    return bool(actions[entry.action].starts_messages)
