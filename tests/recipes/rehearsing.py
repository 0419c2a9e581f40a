"""What tests of recipes look at in a rehearsal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from connectors import mailchimp, twilio
from hub.testing import Rehearsed


def mails(run: Rehearsed) -> list[str]:
    """The names of the events that e-mails leave by."""
    return [step.inputs["name"] for step in run.of(mailchimp.add_event)]


def mailed_at(run: Rehearsed) -> list[tuple[str, datetime]]:
    """The same with when they left."""
    left = [entry.at for entry in run.timeline if entry.action == mailchimp.add_event.name]
    return list(zip(mails(run), left, strict=True))


def texts(run: Rehearsed) -> list[tuple[datetime, str | None]]:
    """The texts that left, and when by the clock of whoever gets them."""
    sent = [entry for entry in run.timeline if entry.action == twilio.send_sms.name]
    return [(entry.at, entry.text) for entry in sent if entry.outcome == "would happen"]


def one_after_another(answers: Iterable[Any]) -> Callable[..., Any]:
    """An action that answers so, each time with the next; the last one holds on."""
    left = list(answers)
    return lambda **_: left.pop(0) if len(left) > 1 else left[0]
