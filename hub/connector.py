"""Declaring a connector: what a service is called, how to log in, what happens there, and what can be done.

A connector is one object made at import, checked as a whole: `connector = Connector("mailchimp", …)`, then
functions marked `@connector.connect`, `@connector.check`, `@connector.events`, `@connector.action`.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Concatenate, Generic, Literal, ParamSpec, TypeVar

from . import step
from .delivery import Delivery
from .errors import ConnectorInvalid
from .event import Channel, Event, Person

P = ParamSpec("P")
R = TypeVar("R")
Function = TypeVar("Function", bound=Callable[..., Any])

Secrets = Sequence[str]
Verifier = Callable[[Delivery, Mapping[str, Secrets]], None]
"""Returns if the delivery is genuine, else raises DeliveryRefused. Gets each secret field's values, newest first."""

Repeat = Literal["repeatable", "keyed", "readback", "once"]
"""What doing an action twice means:

repeatable  nothing: an upsert, a tag. It is simply repeated.
keyed       the provider honours an idempotency key; the action takes it as `key`.
readback    a function of the connector finds out whether it happened; it is asked before anything is repeated.
once        nobody can tell; a person decides.
"""


@dataclass(frozen=True)
class Field:
    """One thing to fill in when an account is connected.

    help      where to find it, as a sentence; obligatory for secrets
    secret    sealed, never shown again
    several   may hold several values at once, newest first, so that a secret can be exchanged without a gap
    generated made by the hub, not asked for
    """

    name: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True
    several: bool = False
    generated: bool = False


@dataclass(frozen=True)
class Limit:
    """What a provider allows per account: `calls` within any `per` seconds, `concurrent` at once, `daily` in a day.

    A call that counts more than once says so through `hub.quota.observed`.
    """

    calls: int | None = None
    per: float = 1.0
    concurrent: int = 4
    daily: int | None = None


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

    def as_data(self) -> dict[str, Any]:
        return {"type": self.type, "same": list(self.same), "where": dict(self.where)}


@dataclass(frozen=True)
class Trigger:
    """Something that happens in the service, and starts recipes. `title` completes "When …"."""

    connector: Connector = field(repr=False, compare=False)
    name: str
    title: str
    sample_file: str
    privacy: Literal["erase", "erase_all", "export"] | None = None

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
    sample = json.loads(file.read_text(encoding="utf-8"))
    if "form" in sample:
        from urllib.parse import urlencode

        body, kind = urlencode(sample["form"]).encode(), "application/x-www-form-urlencoded"
    else:
        body, kind = json.dumps(sample["body"]).encode(), "application/json"
    headers = {"content-type": kind} | {name.lower(): value for name, value in sample.get("headers", {}).items()}
    url = "https://hub.example/webhooks/sample/sample"
    return Delivery("POST", url, headers, body, datetime(2026, 11, 22, 12, 0, tzinfo=UTC))


class Action(Generic[P, R]):
    """Something that can be done in the service. Calling it makes a step; the engine calls `perform`.

    repeat      what doing it twice means, see `Repeat`
    channel     for a message to a person: by which channel; `recipient` names the input that holds the address,
                and the inputs must have a `purpose`, "transactional" or "marketing"
    batch_by    inputs that calls must share to go together; `batch_limit` how many may
    echo        the fingerprint of the event that the provider will send because of this call, from the inputs
    identifies  whom the answer turned out to be about, from the inputs and the answer
    settle      after how long a call of unknown outcome is certain to show in `readback`
    answer_key  the field of a readback action's answer that no other answer shares
    """

    def __init__(
        self,
        connector: Connector,
        function: Callable[Concatenate[Any, P], R],
        *,
        repeat: Repeat,
        title: str,
        channel: Channel | None = None,
        recipient: str | None = None,
        echo: Callable[[Mapping[str, Any]], Iterable[str]] | None = None,
        identifies: Callable[[Mapping[str, Any], Any], Person] | None = None,
        settle: timedelta = timedelta(seconds=5),
        answer_key: str = "id",
    ) -> None:
        self.connector = connector
        self.name = f"{connector.name}.{function.__name__}"
        self.title = title
        self.repeat = repeat
        self.channel = channel
        self.recipient = recipient
        self.echo = echo
        self.identifies = identifies
        self.settle = settle
        self.answer_key = answer_key
        self.perform = function
        self.many: Callable[..., Iterable[Any]] | None = None
        self.find: Callable[..., Any] | None = None
        self.batch_by: tuple[str, ...] = ()
        self.batch_limit = 1
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        parameters = list(inspect.signature(function).parameters.values())[1:]
        self.takes_key = repeat == "keyed"
        self.signature = inspect.Signature([p for p in parameters if not (self.takes_key and p.name == "key")])

    def __repr__(self) -> str:
        return f"Action({self.name})"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> step.Step:
        """The action with these inputs, as a step to yield. A wrong argument is a TypeError right here."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return step.make(self.name, bound.arguments)

    def batched(self, *, by: Sequence[str] = (), limit: int) -> Callable[[Function], Function]:
        """Declares how many calls go together: `function(client, calls)` gets the inputs of up to `limit` calls
        that share the inputs named in `by`, and gives one outcome per call in order: the answer, or an
        ActionFailed for that call alone. An ActionFailed raised is the outcome of all."""

        def register(function: Function) -> Function:
            self.many, self.batch_by, self.batch_limit = function, tuple(by), limit
            return function

        return register

    def readback(self, function: Function) -> Function:
        """Declares how to find out whether a call happened: `function(client, since, **inputs)` gives, oldest first,
        the answers of all calls with these inputs at or after `since` (aware, UTC); an empty list if there were none.
        An answer that another step recorded as its own is passed over."""
        self.find = function
        return function


class Connector:
    """A service that the hub can listen to and act in.

    name      in addresses, tables and code: lower case
    title     what its users call it
    about     one line on what it is for
    fields    what to fill in to connect an account
    verify    decides whether a delivery is genuine; without it none is accepted
    body      how deliveries are written: "json" or "form"
    answer    what the provider wants to read back, as (body, content type)
    limit     what the provider allows per account
    """

    def __init__(
        self,
        name: str,
        *,
        title: str,
        about: str,
        fields: Sequence[Field],
        verify: Verifier,
        limit: Limit,
        body: Literal["json", "form"] = "json",
        answer: tuple[str, str] = ("", "text/plain"),
    ) -> None:
        caller = sys._getframe(1).f_globals
        self.name, self.title, self.about = name, title, about
        self.fields = {item.name: item for item in fields}
        self.verify, self.limit, self.body, self.answer = verify, limit, body, answer
        self.package: str = caller["__name__"]
        self.folder = Path(caller["__file__"]).parent
        self.triggers: dict[str, Trigger] = {}
        self.actions: dict[str, Action[Any, Any]] = {}
        self._functions: dict[str, Callable[..., Any]] = {}
        self._doubled: list[str] = []

    def __repr__(self) -> str:
        return f"Connector({self.name})"

    def trigger(
        self,
        name: str,
        *,
        title: str,
        sample: str,
        privacy: Literal["erase", "erase_all", "export"] | None = None,
    ) -> Trigger:
        """Declares something that happens: `order_created = connector.trigger("order.created", …)`.

        `privacy` marks a request that the hub itself acts on: erase the person, erase everyone of this account,
        or prepare an export.
        """
        trigger = Trigger(self, name, title, sample, privacy)
        if trigger.type in self.triggers:
            self._doubled.append(trigger.type)
        self.triggers[trigger.type] = trigger
        return trigger

    def action(
        self,
        *,
        repeat: Repeat,
        title: str,
        channel: Channel | None = None,
        recipient: str | None = None,
        echo: Callable[[Mapping[str, Any]], Iterable[str]] | None = None,
        identifies: Callable[[Mapping[str, Any], Any], Person] | None = None,
        settle: timedelta = timedelta(seconds=5),
        answer_key: str = "id",
    ) -> Callable[[Callable[Concatenate[Any, P], R]], Action[P, R]]:
        """Declares something that can be done: the function gets the client, then the inputs."""

        def register(function: Callable[Concatenate[Any, P], R]) -> Action[P, R]:
            action = Action(
                self,
                function,
                repeat=repeat,
                title=title,
                channel=channel,
                recipient=recipient,
                echo=echo,
                identifies=identifies,
                settle=settle,
                answer_key=answer_key,
            )
            if action.name in self.actions:
                self._doubled.append(action.name)
            self.actions[action.name] = action
            return action

        return register

    def connect(self, function: Function) -> Function:
        """Declares how to make a client: `connect(*, base_url: str | None, **fields)`. A field that holds several
        values is passed as a list. One client serves several threads."""
        return self._register("connect", function)

    def check(self, function: Function) -> Function:
        """Declares how to prove the login: `check(client)` gives the account's name, or raises NotAuthorized."""
        return self._register("check", function)

    def keys(self, function: Function) -> Function:
        """Declares what makes a delivery unique before its body is read: `keys(delivery)` gives the provider's own
        ids of it; a delivery that shares one with an earlier delivery is a repeat."""
        return self._register("keys", function)

    def events(self, function: Function) -> Function:
        """Declares how to read a delivery: `events(delivery)` yields any number of `Event`."""
        return self._register("events", function)

    def subscribe(self, function: Function) -> Function:
        """Declares how to have events sent: `subscribe(client, webhook_url)` makes the subscriptions that are
        missing, repairs those that differ, removes doubles of ours, and gives secrets to keep, by field name."""
        return self._register("subscribe", function)

    def unsubscribe(self, function: Function) -> Function:
        """Declares how to take our subscriptions back on disconnecting: `unsubscribe(client, webhook_url)`."""
        return self._register("unsubscribe", function)

    def webhook_url(self, function: Function) -> Function:
        """Declares an addition to the webhook address: `webhook_url(url, **fields)` gives the whole address."""
        return self._register("webhook_url", function)

    def _register(self, name: str, function: Function) -> Function:
        self._functions[name] = function
        return function

    def function(self, name: str) -> Callable[..., Any] | None:
        """The function declared under this name (`connect`, `check`, `keys`, …), or None."""
        return self._functions.get(name)

    def read(self, delivery: Delivery) -> Iterator[Event]:
        """The events in a delivery. Raises whatever the connector's parser raises."""
        return iter(self._functions["events"](delivery))

    def faults(self) -> list[str]:
        """What is missing or wrong in the declaration, as sentences; empty if nothing is."""
        found = [
            f"{self.name}: no function is marked @connector.{name}"
            for name in ("connect", "check", "events")
            if name not in self._functions
        ]
        found += [f"{name}: is declared twice" for name in self._doubled]
        for item in self.fields.values():
            if item.secret and not item.generated and not item.help:
                found.append(f"{self.name}: the secret field {item.name!r} says nowhere where to find it (help)")
        for trigger in self.triggers.values():
            if not (self.folder / "samples" / trigger.sample_file).is_file():
                found.append(f"{trigger.type}: its sample {trigger.sample_file} is not in samples/")
        for action in self.actions.values():
            found += _action_faults(action)
        return found

    def validate(self) -> None:
        """Raises ConnectorInvalid that lists every fault at once."""
        if found := self.faults():
            raise ConnectorInvalid("; ".join(found) + ".")


def _action_faults(action: Action[Any, Any]) -> list[str]:
    found = []
    if not action.__doc__:
        found.append(f"{action.name}: has no docstring")
    if action.repeat == "readback" and action.find is None:
        found.append(f"{action.name}: is declared readback, but nothing is marked @{action.__name__}.readback")
    if action.repeat == "keyed" and "key" not in inspect.signature(action.perform).parameters:
        found.append(f"{action.name}: is declared keyed, but takes no `key`")
    if action.channel and (action.recipient not in action.signature.parameters):
        found.append(f"{action.name}: sends a message, but `recipient` names none of its inputs")
    if action.channel and "purpose" not in action.signature.parameters:
        found.append(f"{action.name}: sends a message, but takes no `purpose`")
    return found
