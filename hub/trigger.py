"""Triggers: what happens in a service, and how a recipe narrows it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from .delivery import Delivery
from .errors import ConnectorInvalid
from .event import Event

if TYPE_CHECKING:
    from .connector import Connector


@dataclass(frozen=True)
class Match:
    """A trigger, narrowed: `same` names payload fields that must equal those of the run's own event, `where`
    gives values they must have. A dotted name reaches inside: `"customer.id"`."""

    trigger: Trigger
    same: tuple[str, ...] = ()
    where: Mapping[str, Any] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return self.trigger.type

    @property
    def sample(self) -> Event:
        """The trigger's sample, whatever it is narrowed to. Raises ConnectorInvalid."""
        return self.trigger.sample

    def as_data(self) -> dict[str, Any]:
        return {"type": self.type, "same": list(self.same), "where": dict(self.where)}


@dataclass(frozen=True)
class Worth:
    """Where an event says what it is worth to the business: the payload's fields, by dotted names."""

    value: str
    currency: str = "currency"
    discounts: str | None = None


@dataclass(frozen=True)
class Trigger:
    """Something that happens in the service, and starts recipes. `title` completes "When …". With a `worth`, it is what
    a business hopes for: what the effect of recipes is measured by, unless they say something else."""

    connector: Connector = field(repr=False, compare=False)
    name: str
    title: str
    sample_file: str
    privacy: Literal["erase", "erase_all", "export"] | None = None
    worth: Worth | None = None

    @property
    def type(self) -> str:
        return f"{self.connector.name}.{self.name}"

    def matching(self, *, same: str | Sequence[str] = (), where: Mapping[str, Any] | None = None) -> Match:
        """This trigger, narrowed to events that share fields with the run's own, or have these values."""
        return Match(self, (same,) if isinstance(same, str) else tuple(same), dict(where or {}))

    def as_data(self) -> dict[str, Any]:
        return Match(self).as_data()

    @property
    def sample_delivery(self) -> Delivery:
        """The sample as a provider would post it, unsigned."""
        return read_sample(self.connector.folder / "samples" / self.sample_file)

    @property
    def sample(self) -> Event:
        """The event that the sample tells. Raises ConnectorInvalid if it tells none of this type."""
        for event in self.connector.read(self.sample_delivery):
            if event.type == self.type:
                return event
        raise ConnectorInvalid(f"{self.type}: its sample {self.sample_file} tells no event of this type.")


def read_sample(file: Path) -> Delivery:
    """A sample file as a delivery: `{"headers": {…}, "body": …}`, or `"form": {…}` in place of the body."""
    return read_delivery(json.loads(file.read_text(encoding="utf-8")))


def read_delivery(sample: Mapping[str, Any]) -> Delivery:
    """What a sample file holds, as a delivery. Raises KeyError."""
    if "form" in sample:
        body, kind = urlencode(sample["form"]).encode(), "application/x-www-form-urlencoded"
    else:
        body, kind = json.dumps(sample["body"]).encode(), "application/json"
    headers = {"content-type": kind} | {name.lower(): value for name, value in sample.get("headers", {}).items()}
    url = "https://hub.example/webhooks/sample/sample"
    return Delivery("POST", url, headers, body, datetime(2026, 11, 22, 12, 0, tzinfo=UTC))
