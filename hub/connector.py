"""Declaring a connector: what a service is called, how to log in, what happens there, and what can be done.

A connector is one object made at import, checked as a whole: `connector = Connector("mailchimp", …)`, then
functions marked `@connector.connect`, `@connector.check`, `@connector.events`, `@connector.action`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from .action import Action, Item, Page, Repeat, faults_of
from .authorization import OAuth
from .delivery import Delivery
from .errors import ConnectorInvalid
from .event import Channel, Event, Person
from .trigger import Match, Trigger, Worth

__all__ = [
    "Action",
    "Connector",
    "Field",
    "Item",
    "Limit",
    "Match",
    "OAuth",
    "Page",
    "Repeat",
    "Secrets",
    "Trigger",
    "Verifier",
    "Worth",
]

P = ParamSpec("P")
R = TypeVar("R")
Function = TypeVar("Function", bound=Callable[..., Any])

Secrets = Sequence[str]
Verifier = Callable[[Delivery, Mapping[str, Secrets]], None]
"""Returns if the delivery is genuine, else raises DeliveryRefused. Gets each secret field's values, newest first, and
the one of each field that says `verifies`."""


@dataclass(frozen=True)
class Field:
    """One thing to fill in when an account is connected.

    help      where to find it, as a sentence; obligatory for secrets
    secret    sealed, never shown again
    several   may hold several values at once, newest first, so that a secret can be exchanged without a gap
    generated made by the hub, not asked for
    made      makes a value where none is filled in. It is shown once, as the other side must be told it
    adjustable  may be another one of the same account: by all others that are not secret, accounts are told apart
    verifies  goes to the verifier as well, though it is no secret
    """

    name: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True
    several: bool = False
    generated: bool = False
    made: Callable[[], str] | None = field(default=None, repr=False)
    adjustable: bool = False
    verifies: bool = False


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
class Choices:
    """What may be chosen in an account: `function(client)` gives ids and titles.

    example  an id that the connector's samples use, with which a recipe is drawn whatever is chosen
    within   another choice of the connector, whose id the function gets as well: tags are those of an audience
    is_open  anything else may be entered, too
    """

    title: str
    function: Callable[..., Iterable[tuple[str, str]]] = field(repr=False)
    example: str | None = None
    within: str | None = None
    is_open: bool = False


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
    oauth     how an account is logged in to without copying secrets, where the provider offers that
    told_by_hand  somebody enters the webhook's address there; only the practice service can be asked to `subscribe`
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
        oauth: OAuth | None = None,
        told_by_hand: bool = False,
    ) -> None:
        caller = sys._getframe(1).f_globals
        self.name, self.title, self.about = name, title, about
        self.fields = {item.name: item for item in fields}
        self.verify, self.limit, self.body, self.answer = verify, limit, body, answer
        self.oauth, self.told_by_hand = oauth, told_by_hand
        self.package: str = caller["__name__"]
        self.folder = Path(caller["__file__"]).parent
        self.triggers: dict[str, Trigger] = {}
        self.actions: dict[str, Action[Any, Any]] = {}
        self.choosable: dict[str, Choices] = {}
        self._functions: dict[str, Callable[..., Any]] = {}
        self._doubled: list[str] = []

    def __repr__(self) -> str:
        return f"Connector({self.name})"

    @property
    def sends_messages(self) -> bool:
        """Whether anybody gets messages because of any of its actions."""
        return any(action.channel or action.starts_messages for action in self.actions.values())

    def sends(self, channel: Channel) -> bool:
        """Whether one of its actions sends messages on this channel."""
        return any(action.channel == channel for action in self.actions.values())

    def trigger(
        self,
        name: str,
        *,
        title: str,
        sample: str,
        privacy: Literal["erase", "erase_all", "export"] | None = None,
        worth: Worth | None = None,
    ) -> Trigger:
        """Declares something that happens: `order_created = connector.trigger("order.created", …)`.

        `privacy` marks a request that the hub itself acts on: erase the person, erase everyone of this account,
        or prepare an export. `worth` marks what a business hopes for: by it the effect of recipes is measured.
        """
        trigger = Trigger(self, name, title, sample, privacy, worth)
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
        starts_messages: Channel | bool = False,
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
                starts_messages=starts_messages,
            )
            if action.name in self.actions:
                self._doubled.append(action.name)
            self.actions[action.name] = action
            return action

        return register

    def listing(self, *, title: str) -> Callable[[Callable[Concatenate[Any, P], Page]], Action[P, Page]]:
        """Declares what a schedule can go through, a page at a time: `function(client, …, *, cursor=None)` gives a
        `Page`. `title` names one of those that it lists, "customer"; an example, as an `Item`, is what
        `@listing.answering` gives."""

        def register(function: Callable[Concatenate[Any, P], Page]) -> Action[P, Page]:
            action: Action[P, Page] = Action(self, function, repeat="repeatable", title=title, lists=True)
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

    def adapt(self, function: Function) -> Function:
        """Declares how an account's own settings put a delivery into the shape that `events` reads:
        `adapt(delivery, fields)` gives a delivery. Raises PayloadUnreadable."""
        return self._register("adapt", function)

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

    def choices(
        self, name: str, *, title: str, example: str | None = None, within: str | None = None, is_open: bool = False
    ) -> Callable[[Function], Function]:
        """Declares what an owner may choose in the account, instead of typing an id: `function(client)` gives pairs of
        id and title, and raises ActionFailed if the account cannot be asked. A recipe's setting names it with
        `Setting(…, chooses="mailchimp.audience")`. `title` says what it is: "audience"; the rest, see `Choices`."""

        def register(function: Function) -> Function:
            self.choosable[name] = Choices(title, function, example, within, is_open)
            return function

        return register

    def _register(self, name: str, function: Function) -> Function:
        self._functions[name] = function
        return function

    def function(self, name: str) -> Callable[..., Any] | None:
        """The function declared under this name (`connect`, `check`, `keys`, …), or None."""
        return self._functions.get(name)

    def read(self, delivery: Delivery) -> Iterator[Event]:
        """The events in a delivery. Raises whatever the connector's parser raises."""
        return iter(self._functions["events"](delivery))

    def adapted(self, delivery: Delivery, fields: Mapping[str, Any]) -> Delivery:
        """A delivery to an account with these fields as `read` takes it. Raises whatever the connector raises."""
        adapt = self._functions.get("adapt")
        return delivery if adapt is None else adapt(delivery, fields)

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
        if self.oauth is not None:
            found += self.oauth.faults(self.name, self.fields)
        for trigger in self.triggers.values():
            if not (self.folder / "samples" / trigger.sample_file).is_file():
                found.append(f"{trigger.type}: its sample {trigger.sample_file} is not in samples/")
        for action in self.actions.values():
            found += faults_of(action)
        return found

    def validate(self) -> None:
        """Raises ConnectorInvalid that lists every fault at once."""
        if found := self.faults():
            raise ConnectorInvalid("; ".join(found) + ".")
