"""What happened in a connected service, in one shape for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

UNKNOWN = "unknown"
"""The type of an event that the connector does not know: kept, shown, and starts nothing."""

Channel = Literal["email", "sms"]


@dataclass(frozen=True, slots=True)
class Person:
    """Whom an event is about, in every way its provider names them.

    `phone` is in E.164; `ids` maps a kind of id to the id, `{"shopify.customer": "706405506930370084"}`.
    """

    email: str | None = None
    phone: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "Person(…)"

    def __bool__(self) -> bool:
        return bool(self.email or self.phone or self.ids)


@dataclass(frozen=True, slots=True)
class Consent:
    """That a person said yes or no to marketing on a channel, and when. `address` is the e-mail or E.164 number; `at`
    is the delivery's `received_at` where the provider does not tell when."""

    channel: Channel
    address: str
    given: bool
    at: datetime

    def __repr__(self) -> str:
        return f"Consent({self.channel}, given={self.given})"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person lives, for the hours in which they may be written to: a time zone as IANA names it
    ("Europe/Paris"), a country by ISO 3166 ("US"), a province by ISO 3166-2 without its country ("CA")."""

    time_zone: str | None = None
    country: str | None = None
    province: str | None = None

    def __repr__(self) -> str:
        return "Place(…)"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    key         what makes it unique within its connection: the provider's own event id where there is one
    type        a trigger's type, `shopify.order.created`, or `UNKNOWN`
    at          when it happened, by the provider's clock, in UTC
    data        the provider's own payload, parsed; nothing left out, nothing renamed
    person      whom it is about
    consents    what it says about consent to marketing
    echo        a fingerprint that equals the one of the action that may have caused the event, or None
    place       where the person lives, if it tells
    id          given when stored; None before
    """

    key: str
    type: str
    at: datetime
    data: Mapping[str, Any]
    person: Person = Person()
    consents: tuple[Consent, ...] = ()
    echo: str | None = None
    place: Place | None = None
    id: int | None = None

    def __repr__(self) -> str:
        return f"Event({self.type}, id={self.id})"
