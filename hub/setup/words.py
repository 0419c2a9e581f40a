"""What happens, in the words of whoever runs the business: sentences for steps, states, spans and times."""

from __future__ import annotations

import re
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from .. import registry
from ..errors import HubError
from ..step import WAIT_FOR
from ..timing import iso, to_datetime

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
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
    WORKING: State(WORKING, "●", "Working"),
    CATCHING_UP: State(CATCHING_UP, "◐", "Catching up"),
    NEEDS_YOU: State(NEEDS_YOU, "▲", "Needs you"),
    OFF: State(OFF, "○", "Off"),
}

RUN_STATES = {
    "running": State("going", "◐", "Under way"),
    "waiting": State("going", "◐", "Waiting"),
    "done": State("done", "✓", "Done"),
    "stopped": State("over", "○", "Stopped"),
    "failed": State("failed", "✕", "Went wrong"),
    "held": State(NEEDS_YOU, "▲", "Needs you"),
}

STEP_STATES = {
    "waiting": State("going", "◐", "Waits its turn"),
    "claimed": State("going", "◐", "On its way"),
    "done": State("done", "✓", "Done"),
    "refused": State("failed", "✕", "Not done"),
    "unknown": State(NEEDS_YOU, "▲", "Needs you"),
    "dropped": State("over", "○", "Not needed any more"),
}
_UNHEARD_OF = State("going", "◐", "Under way")


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
    suffix = "" if zone else " UTC"
    clock = f"{when:%H:%M}{suffix}"
    short = clock if when.date() == today.date() else f"{when.day} {when:%b}, {clock}"
    return Moment(iso(at) or "", short, f"{when.day} {when:%B %Y}, {when:%H:%M:%S} {name}", zone is not None)


def ago(at: int, now: int) -> str:
    """How long ago something was, roughly: "just now", "2 minutes ago"."""
    passed = now - at
    size, name = next(((size, name) for size, name in _UNITS if passed >= size), _UNITS[-1])
    return "just now" if passed < MINUTE else f"{counted(passed // size, name)} ago"


def span(milliseconds: int) -> str:
    """A span as people set it: "3 days", "1 hour 30 minutes"."""
    # What is measured between two moments of the engine is a little off what somebody set.
    unit = MINUTE if milliseconds > 10 * MINUTE else SECOND
    left = (max(0, milliseconds) + unit // 2) // unit * unit
    if not left:
        return "a moment"
    said = []
    for size, name in _UNITS:
        # People say "14 days"; weeks are for whole ones, from a month on.
        if name == "week" and (left % size or left < 4 * size):
            continue
        count, left = divmod(left, size)
        if count:
            said.append(counted(count, name))
    return " ".join(said[:2])


def counted(count: int, noun: str) -> str:
    """A number with its noun: "1 recipe", "3 recipes"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def tool(connector: str) -> Tool:
    """The service of a connector. One that is not installed any more keeps its name."""
    with suppress(HubError):
        return Tool(registry.connector(connector).title)
    return Tool(connector.replace("_", " ").title())


def action(name: str) -> str:
    """What an action does, as a sentence: "Send a text message"."""
    with suppress(HubError):
        return registry.action(name).title
    return name.partition(".")[2].replace("_", " ").capitalize() or name


def happening(kind: str) -> str:
    """What happened, by the type of an event: "an order is placed"."""
    with suppress(HubError):
        found = registry.connector(kind.partition(".")[0]).triggers.get(kind)
        if found is not None:
            return found.title
    return "something happens" if kind == "unknown" else kind.replace(".", ": ", 1).replace(".", " ")


def any_of(kinds: list[str]) -> str:
    """Several kinds of events: "an order is placed, or an order is paid"."""
    said = list(dict.fromkeys(happening(kind) for kind in kinds))
    return ", or ".join(said) or "something happens"


def wait(action: str, kinds: list[str], milliseconds: int | None) -> str:
    """A wait, by its step's action, the types of events that it is for, and its length: "Wait 2 days", "Wait until an
    order is placed, 3 days at most"."""
    length = span(milliseconds) if milliseconds is not None else None
    if action == WAIT_FOR:
        return f"Wait until {any_of(kinds)}" + (f", {length} at most" if length else "")
    return f"Wait {length}" if length else "Wait"


def came(kind: str | None) -> str:
    """How a wait for something ended: by the type of the event that came, or none."""
    return f"It happened: {happening(kind)}." if kind else "It did not happen."


def question(text: str) -> str:
    """What somebody of the business is asked."""
    return f"Ask somebody of yours: “{text}”"


def answered(answer: str | None, *, by_somebody: bool) -> str:
    """How a question to somebody of the business ended."""
    if by_somebody:
        return f"They said “{answer}”."
    return f"Nobody answered in time, so it is “{answer}”." if answer else "Nobody answered in time."


def recipe(name: str) -> str:
    """A recipe's title. One that is not installed any more keeps its name."""
    with suppress(HubError):
        return registry.recipe(name).title
    return name.replace("_", " ").capitalize()


def reason(text: str | None) -> str | None:
    """Why something is as it is, with types of events in words: "Ended because an order is cancelled."."""
    if text is None:
        return None
    ended = re.fullmatch(r"Ended by ([\w.]+)\.", text)
    return f"Ended because {happening(ended[1])}." if ended else text


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]
