"""The timeline of a rehearsal: each thing that would be done, is waited for, or is left out, in words."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from .. import registry
from ..action import Action
from ..errors import HubError, Rejected
from ..event import Event, Person, Place
from ..guards.places import whereabouts
from ..setup import words
from ..setup.measures import money
from ..setup.recipes.preview import cost_of
from ..step import ASK, CHOOSE, COMPLAINT_CLOSED, COMPLAINT_OPENED, NOW, OWN, WAIT_FOR
from ..timing import to_datetime, to_ms
from .reading import Journal, Line

HAPPENS, SKIPPED, WAITS = "would happen", "skipped", "waits"
Outcome = Literal["would happen", "skipped", "waits"]


@dataclass(frozen=True)
class Entry:
    """One thing in a rehearsal. Two are equal if the same comes of the same at the same time.

    at        when, to the second, in the time zone of whom it is about
    action    an action's name, `sleep`, `wait_for` …; of an event that starts nothing its type
    says      what it is, as a sentence
    outcome   would happen · skipped (`reason` says why) · waits
    reason    why it is skipped, or what it waits for that does not come
    details   what it is in particular; of a wait how it ends
    to, text  of a message: the address and what it says, in so many `segments`, which cost about so much
    """

    at: datetime
    action: str
    says: str
    outcome: Outcome
    reason: str | None = None
    details: str | None = None
    to: str | None = None
    text: str | None = None
    segments: int | None = None
    cost: str | None = None

    def as_data(self) -> dict[str, Any]:
        """What of it there is, for JSON: `at` in ISO 8601 with its offset."""
        found = {name: value for name, value in vars(self).items() if value is not None}
        return found | {"at": self.at.isoformat()}


def entries(journal: Journal, zone: ZoneInfo) -> tuple[Entry, ...]:
    """The timeline of a run."""
    shown = [line for line in journal.lines if line.step.action != NOW]
    return tuple(_wait(journal, line, zone) if _is_wait(line) else _done(journal, line, zone) for line in shown)


def not_started(event: Event, reason: str, zone: ZoneInfo) -> Entry:
    """That an event starts nothing."""
    says = words.upper_first(words.happening(event.type))
    return Entry(_at(to_ms(event.at), zone), event.type, says, "skipped", reason)


def _is_wait(line: Line) -> bool:
    return line.step.action in OWN - {CHOOSE, COMPLAINT_OPENED, COMPLAINT_CLOSED}


def _wait(journal: Journal, line: Line, zone: ZoneInfo) -> Entry:
    row, kinds = line.row, [match["type"] for match in line.step.inputs.get("any", ())]
    says = words.wait(row.action, kinds, row.due_at - row.asked_at)
    details = None
    if row.action == ASK:
        says = words.question(line.step.inputs["question"])
    if row.state == "dropped":
        details = words.reason(journal.run.reason)
    elif row.state == "done" and row.action == ASK:
        details = words.answered(line.entry.answer, by_somebody=row.reason is not None)
    elif row.state == "done" and row.action == WAIT_FOR:
        answer = line.entry.answer
        details = words.came(answer.type if isinstance(answer, Event) else None)
    return Entry(_at(row.asked_at, zone), row.action, says, "waits", details=details)


def _done(journal: Journal, line: Line, zone: ZoneInfo) -> Entry:
    row = line.row
    says = (row.reason or "").rstrip(".") if row.action == CHOOSE else words.action(row.action)
    if row.state == "done":
        outcome: Outcome = "would happen"
        reason = None
        if row.attempts > 1:
            says = f"{says} (at attempt {row.attempts})"
    elif row.state in ("refused", "dropped"):
        outcome, reason = "skipped", row.reason or words.reason(journal.run.reason)
    else:
        outcome, reason = "waits", row.reason or "It waits for a person."
    at = _at(row.asked_at if row.ended_at is None else row.ended_at, zone)
    return Entry(at, row.action, says, outcome, reason, **_particulars(line))


def _particulars(line: Line) -> dict[str, Any]:
    """What a step does in particular; of a message what it says, to whom and for how much."""
    inputs, found = line.step.inputs, dict[str, Any]()
    with suppress(HubError):
        action = registry.action(line.step.action)
        if action.channel is not None:
            found |= _message(action, inputs)
        elif action.details is not None:
            found["details"] = action.details(**inputs) or None
    return found


def _message(action: Action[Any, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    assert action.recipient is not None
    text = inputs.get("text")
    found = {"to": inputs.get(action.recipient), "text": text if isinstance(text, str) else None}
    with suppress(Rejected):
        if isinstance(text, str) and (cost := cost_of(action, text)):
            found["segments"] = cost.parts
            found["cost"] = money(cost.amount, cost.currency) if cost.amount is not None else None
    return found


# ---- time


def zone_of(person: Person, place: Place | None, otherwise: ZoneInfo | None) -> ZoneInfo:
    """The time zone that somebody lives in, by the best source that is known, as the guards have it: their own zone,
    their address, their number, else the business's, else UTC."""
    known = whereabouts("sms", place, person.phone or "", otherwise.key if otherwise else None)
    zones = known.sources[0]
    return otherwise if otherwise is not None and otherwise.key in zones else ZoneInfo(zones[0])


def _at(ms: int, zone: ZoneInfo) -> datetime:
    return to_datetime(ms).replace(microsecond=0, tzinfo=UTC).astimezone(zone)
