"""What came of a step, in words: its action's name for people, and one sentence that tells nobody's data."""

from __future__ import annotations

from typing import Any

from . import registry
from .connections import NEEDS_LOGIN, OFF
from .errors import HubError
from .step import ASK, CHOOSE, COMPLAINT_CLOSED, COMPLAINT_OPENED, NOW, SLEEP, SLEEP_UNTIL, WAIT_FOR
from .timing import to_the_second

_OWN_TITLES = {
    SLEEP: "Wait",
    SLEEP_UNTIL: "Wait",
    WAIT_FOR: "Wait for something to happen",
    NOW: "Look at the clock",
    ASK: "Ask a person",
    CHOOSE: "Choose one of several ways",
    COMPLAINT_OPENED: "Note that they complain",
    COMPLAINT_CLOSED: "Note that a complaint is settled",
}


def title_of(action: str) -> str:
    """What an action is called for people; its own name if it is not here any more."""
    try:
        return _OWN_TITLES.get(action) or registry.action(action).title
    except HubError:
        return action


def outcome(row: Any, now: int) -> str:
    """What came of a step, or what it waits for. `row` is the step's, with the state, `account_reason` and
    `paused_until` of its connection, and the type of the event that answered it."""
    if row.state == "done":
        return _done(row)
    if row.state == "dropped":
        return "Dropped: the run ended before."
    if row.state == "claimed":
        return f"It may have happened, so the service is asked. {row.reason}" if row.reason else "It is on its way."
    if row.state == "waiting":
        return _waiting(row, now)
    return row.reason or f"{row.state.capitalize()}."


def _done(row: Any) -> str:
    if row.action == WAIT_FOR:
        return f"It came: {row.answered_by}." if row.event_id else "It did not come in time."
    if row.action in (SLEEP, SLEEP_UNTIL):
        return "The time came."
    if row.action == ASK:
        return row.reason or "Nobody answered in time."
    if row.action == CHOOSE and row.reason:
        return str(row.reason)
    if row.action in (COMPLAINT_OPENED, COMPLAINT_CLOSED):
        return "Noted."
    return "Done." if row.attempts <= 1 else f"Done at attempt {row.attempts}."


def _waiting(row: Any, now: int) -> str:
    if row.connection_id is None:
        before = {WAIT_FOR: "it happens, or ", ASK: "somebody answers, or "}.get(row.action, "")
        return f"Until {before}{_at(row.due_at)}."
    if row.account_state == NEEDS_LOGIN:
        return f"Waits until the account is connected again. {row.account_reason or ''}".rstrip()
    if row.account_state == OFF:
        return "Waits: the account is disconnected."
    if row.paused_until is not None and row.paused_until > now:
        return f"Waits: the service takes no calls just now, and is tried again at {_at(row.paused_until)}."
    if row.held_until is not None and row.held_until == row.due_at and row.due_at > now:
        return f"{row.reason or 'It waits.'} It is looked at again at {_at(row.due_at)}."
    if row.due_at is not None and row.due_at > now:
        return f"Tried again at {_at(row.due_at)}. {row.reason or ''}".rstrip()
    return "Waits for its turn."


def _at(ms: int) -> str:
    return f"{to_the_second(ms)} UTC"
