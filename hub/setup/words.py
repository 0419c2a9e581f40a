"""What happens, in the words of whoever runs the business: sentences for steps, states, spans and times."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from zoneinfo import ZoneInfo

from .. import registry
from ..errors import HubError
from ..recipe import Recipe
from ..schedule import EACH
from ..step import ASK, OWN, WAIT_FOR
from ..timing import iso, to_datetime
from . import measures
from .language import _, lazy, pgettext
from .retold import told

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
CLAUSE = "clause"
"""Within a sentence, after "if", "when", "until" or "because": German has its verb at the end there."""
_UNITS = ((7 * DAY, "week"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))

WORKING, CATCHING_UP, NEEDS_YOU, OFF = "working", "catching-up", "needs-you", "off"
"""How something is. Each has a shape and words besides its colour."""


@dataclass(frozen=True)
class State:
    """How something is: `kind` names its colour, `shape` and `says` tell it without."""

    kind: str
    shape: str
    says: str


STATES = {
    WORKING: State(WORKING, "●", lazy("Working")),
    CATCHING_UP: State(CATCHING_UP, "◐", lazy("Catching up")),
    NEEDS_YOU: State(NEEDS_YOU, "▲", lazy("Needs you")),
    OFF: State(OFF, "○", lazy("Off")),
}

RUN_STATES = {
    "running": State("going", "◐", lazy("Under way")),
    "waiting": State("going", "◐", lazy("Waiting")),
    "done": State("done", "✓", lazy("Done")),
    "stopped": State("over", "○", lazy("Stopped")),
    "failed": State("failed", "✕", lazy("Went wrong")),
    "held": State(NEEDS_YOU, "▲", lazy("Needs you")),
}

STEP_STATES = {
    "waiting": State("going", "◐", lazy("Waits its turn")),
    "claimed": State("going", "◐", lazy("On its way")),
    "done": State("done", "✓", lazy("Done")),
    "refused": State("failed", "✕", lazy("Not done")),
    "unknown": State(NEEDS_YOU, "▲", lazy("Needs you")),
    "dropped": State("over", "○", lazy("Not needed any more")),
}
_UNHEARD_OF = State("going", "◐", lazy("Under way"))


def run_state(name: str) -> State:
    return RUN_STATES.get(name, _UNHEARD_OF)


def step_state(name: str) -> State:
    return STEP_STATES.get(name, _UNHEARD_OF)


@dataclass(frozen=True)
class Tool:
    """A service, as it is shown beside what it does: its name, and two letters of it in a square."""

    title: str

    @property
    def initials(self) -> str:
        return self.title[:2]


ZONE: ContextVar[ZoneInfo | None] = ContextVar("ZONE", default=None)
"""The time zone that moments are told in: that of the workspace whose page is made. None: in UTC, until the browser's
script puts them into the reader's own."""


@dataclass(frozen=True)
class Moment:
    """An instant for the page: `iso` for machines, `short` to read, `full` to be sure. `is_local`: told in the
    workspace's zone, and so for good."""

    iso: str
    short: str
    full: str
    is_local: bool = False


Said = tuple[str | Moment, ...]
"""A sentence with instants in it."""


def moment(at: int, now: int) -> Moment:
    zone = ZONE.get()
    when, today = to_datetime(at), to_datetime(now)
    name = "UTC"
    if zone is not None:
        when, today, name = when.astimezone(zone), today.astimezone(zone), zone.key
    short = measures.clock(when) if when.date() == today.date() else measures.day_and_clock(when)
    return Moment(
        iso(at) or "", short if zone else f"{short} UTC", f"{measures.in_full(when)} {name}", zone is not None
    )


def ago(at: int, now: int) -> str:
    """How long ago something was, roughly: "just now", "2 minutes ago"."""
    passed = now - at
    size = next((size for size, _name in _UNITS if passed >= size), SECOND)
    return _("just now") if passed < MINUTE else measures.ago(timedelta(milliseconds=passed // size * size))


def span(milliseconds: int) -> str:
    """A span as people set it: "3 days", "1 hour 30 minutes"."""
    # What is measured between two moments of the engine is a little off what somebody set.
    unit = MINUTE if milliseconds > 10 * MINUTE else SECOND
    left = (max(0, milliseconds) + unit // 2) // unit * unit
    if not left:
        return _("a moment")
    said = []
    for size, name in _UNITS:
        # People say "14 days"; weeks are for whole ones, from a month on.
        if name == "week" and (left % size or left < 4 * size):
            continue
        count, left = divmod(left, size)
        if count:
            said.append(measures.counted(count, name))
    return " ".join(said[:2])


def counted(count: int, noun: str) -> str:
    """A number with its noun, for the command line, which speaks English: "1 recipe", "3 recipes"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def tool(connector: str) -> Tool:
    """The service of a connector. One that is not installed any more keeps its name."""
    if connector == "schedule":
        return Tool(_("Clock"))
    with suppress(HubError):
        return Tool(registry.connector(connector).title)
    return Tool(connector.replace("_", " ").title())


def action(name: str) -> str:
    """What an action does, as a sentence: "Send a text message"."""
    with suppress(HubError):
        found = registry.action(name)
        return told(found.title, found.connector.package)
    if name in OWN:
        from ..outcomes import title_of  # what it is made of is too much for a command that only helps

        return told(title_of(name))
    return name.partition(".")[2].replace("_", " ").capitalize() or name


def happening(kind: str, within: str | None = None) -> str:
    """What happened, by the type of an event: "an order is placed". `within`: the context in which other languages say
    it differently, such as `CLAUSE`."""
    if kind.startswith("schedule."):
        return (
            pgettext("clause", "the time has come")
            if kind != EACH
            else pgettext("clause", "somebody is next on the list")
        )
    with suppress(HubError):
        connector = registry.connector(kind.partition(".")[0])
        found = connector.triggers.get(kind)
        if found is not None:
            return told(found.title, connector.package, within)
    return (
        pgettext("clause", "something happens") if kind == "unknown" else kind.replace(".", ": ", 1).replace(".", " ")
    )


def any_of(kinds: list[str]) -> str:
    """Several kinds of events, after "if", "when", "until" or "because": "an order is placed, or an order is paid"."""
    return either(happening(kind, CLAUSE) for kind in kinds) or pgettext("clause", "something happens")


def either(clauses: Iterable[str]) -> str:
    """One of several clauses, each told once."""
    found = list(dict.fromkeys(str(clause) for clause in clauses))
    return reduce(lambda one, other: _("%(one)s, or %(other)s", one=one, other=other), found) if found else ""


def wait(action: str, kinds: list[str], milliseconds: int | None) -> str:
    """A wait, by its step's action, the types of events that it is for, and its length: "Wait 2 days", "Wait until an
    order is placed, 3 days at most"."""
    length = span(milliseconds) if milliseconds is not None else None
    if action == ASK:
        return _("Wait for an answer of yours, %(span)s at most", span=length) if length else _("Wait for an answer")
    if action == WAIT_FOR and length:
        return _("Wait until %(event)s, %(span)s at most", event=any_of(kinds), span=length)
    if action == WAIT_FOR:
        return _("Wait until %(event)s", event=any_of(kinds))
    return _("Wait %(span)s", span=length) if length else _("Wait")


def came(kind: str | None) -> str:
    """How a wait for something ended: by the type of the event that came, or none."""
    return _("It happened: %(event)s.", event=happening(kind)) if kind else _("It did not happen.")


def question(text: str) -> str:
    """What somebody of the business is asked."""
    return _("Ask somebody of yours: “%(question)s”", question=text)


def answered(answer: str | None, *, by_somebody: bool) -> str:
    """How a question to somebody of the business ended."""
    if by_somebody:
        return _("They said “%(answer)s”.", answer=answer or "")
    if answer:
        return _("Nobody answered in time, so it is “%(answer)s”.", answer=answer)
    return _("Nobody answered in time.")


def recipe(name: str) -> str:
    """A recipe's title. One that is not installed any more keeps its name."""
    with suppress(HubError):
        return recipe_title(registry.recipe(name))
    return name.replace("_", " ").capitalize()


def recipe_title(found: Recipe) -> str:
    return told(found.title, found.function.__module__)


def reason(text: str | None) -> str | None:
    """Why something is as it is, with types of events in words: "Ended because an order is cancelled."."""
    if text is None:
        return None
    ended = re.fullmatch(r"Ended by ([\w.]+)\.", text)
    return _("Ended because %(event)s.", event=happening(ended[1], CLAUSE)) if ended else told(text)


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]
