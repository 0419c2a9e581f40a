"""A message as the guards look at it, and what they may say: it waits, or it does not leave at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .. import addresses
from ..event import Channel

if TYPE_CHECKING:
    from ..action import Action
    from ..outbox.steps import Name, Waiting

USEFUL_FOR = timedelta(days=3)
"""How long a marketing message is worth sending where its recipe does not say: as long as a failed call is repeated."""

WORDS = {"email": "e-mail", "sms": "text message"}


@dataclass(frozen=True)
class Refusal:
    """The message does not leave, ever."""

    reason: str


@dataclass(frozen=True)
class Hold:
    """The message waits until then, in milliseconds since 1970, and is looked at again. `by`: "hours", "cap", "brake"
    or "complaint"."""

    until: int
    by: str
    reason: str


Verdict = Refusal | Hold


@dataclass(frozen=True)
class Message:
    """One message that is about to leave.

    recipient     the address in its one spelling; empty if there is none
    asks_itself   whether the provider keeps who may be written to, and writes to nobody else
    priority      the step's: the lowest leaves first
    useful_until  when it is of no use any more, in milliseconds since 1970; None: never
    """

    name: Name
    channel: Channel
    purpose: object
    recipient: str = field(repr=False)
    asks_itself: bool
    recipe: str
    person_id: int | None
    priority: int
    asked_at: int
    useful_until: int | None
    step: Waiting = field(repr=False)

    @property
    def is_marketing(self) -> bool:
        return self.purpose == "marketing"


def purpose_of(action: Action[Any, Any], inputs: Any) -> object:
    """What a message is for: as its step says, else as its action takes it to be."""
    return inputs.get("purpose", action.defaults.get("purpose"))


def messages_in(steps: Sequence[Waiting], recipes: dict[int, str]) -> Iterator[Message]:
    """Those of the steps that write to somebody, or have their provider do so."""
    for step in steps:
        channel = step.action.writes_by
        if channel is None:
            continue
        purpose = purpose_of(step.action, step.inputs)
        useful_for = step.inputs.get("useful_for")
        if not isinstance(useful_for, timedelta):
            useful_for = USEFUL_FOR if purpose == "marketing" else None
        yield Message(
            name=step.name,
            channel=channel,
            purpose=purpose,
            recipient=_recipient(channel, step),
            asks_itself=step.action.channel is None,
            recipe=recipes.get(step.name[0], ""),
            person_id=step.person_id,
            priority=step.priority,
            asked_at=step.asked_at,
            useful_until=None if useful_for is None else step.asked_at + round(useful_for.total_seconds() * 1000),
            step=step,
        )


def _recipient(channel: Channel, step: Waiting) -> str:
    assert step.action.recipient is not None
    text = str(step.inputs.get(step.action.recipient) or "").strip()
    normalised = addresses.phone(text) if channel == "sms" else addresses.email(text)
    return normalised or text
