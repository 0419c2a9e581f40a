"""Actions: what can be done in a service, and what doing it twice means."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, TypeVar

from . import step
from .event import Channel, Person, Place

if TYPE_CHECKING:
    from .connector import Connector

P = ParamSpec("P")
R = TypeVar("R")
Function = TypeVar("Function", bound=Callable[..., Any])

Repeat = Literal["repeatable", "keyed", "readback", "once"]
"""What doing an action twice means:

repeatable  nothing: an upsert, a tag. It is simply repeated.
keyed       the provider honours an idempotency key; the action takes it as `key`.
readback    a function of the connector finds out whether it happened; it is asked before anything is repeated.
once        nobody can tell; a person decides.
"""

FOR_GUARDS = ("purpose", "useful_for")
"""Inputs of messages that say what the guards must know. One that is as its default says is not written down."""

Example = tuple[str, Any]
"""What an action may answer, and when in words: `("they ordered", [order])`."""


@dataclass(frozen=True)
class Price:
    """What one part of a message costs as far as is known beforehand: `amount` in `currency` (ISO 4217), and `says`
    whose price that is, as it is shown beside every sum."""

    amount: Decimal
    currency: str
    says: str


@dataclass(frozen=True)
class Item:
    """One of those that a provider lists: its id there, what the provider says of it, who it is and where they live."""

    key: str
    data: Mapping[str, Any] = field(repr=False)
    person: Person = Person()
    place: Place | None = None


@dataclass(frozen=True)
class Page:
    """A part of what a provider lists.

    next  the `cursor` that the next page is asked for with; None: this was the last
    of    how many there are in all, where the provider tells
    """

    items: Sequence[Item]
    next: str | None = None
    of: int | None = None


class Action(Generic[P, R]):
    """Something that can be done in the service. Calling it makes a step; the engine calls `perform`.

    repeat      what doing it twice means, see `Repeat`
    channel     for a message to a person: by which channel; `recipient` names the input that holds the address,
                and the inputs must have a `purpose`, "transactional" or "marketing". `useful_for`, a timedelta, says
                after how long it is of no use any more
    batch_by    inputs that calls must share to go together; `batch_limit` how many may
    echo        the fingerprint of the event that the provider will send because of this call, from the inputs
    identifies  whom the answer turned out to be about, from the inputs and the answer
    settle      after how long a call of unknown outcome is certain to show in `readback`
    answer_key  the field of a readback action's answer that no other answer shares
    lists       whether it gives a `Page` of many, which a schedule goes through; it takes a `cursor`
    starts_messages  by which channel the provider itself writes to somebody because of it, if it does: a journey. It
                must write to nobody who did not subscribe there; `recipient` and `purpose` are as for a message.
                True where nobody can say: it rests while all sending is paused, and the guards cannot judge it
    examples    what it may answer, the usual first; None where nobody said
    details     what a call with these inputs does in particular, as a sentence for its owner
    parts       for a message: in how many parts a text leaves, each of which costs `price`
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
        starts_messages: Channel | bool = False,
        lists: bool = False,
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
        self.starts_messages = starts_messages
        self.lists = lists
        self.perform = function
        self.many: Callable[..., Iterable[Any]] | None = None
        self.find: Callable[..., Any] | None = None
        self.examples: Callable[..., Sequence[Example]] | None = None
        self.details: Callable[..., str] | None = None
        self.parts: Callable[[str], int] | None = None
        self.price: Price | None = None
        self.batch_by: tuple[str, ...] = ()
        self.batch_limit = 1
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        parameters = list(inspect.signature(function).parameters.values())[1:]
        self.takes_key = repeat == "keyed"
        self.signature = inspect.Signature([p for p in parameters if not (self.takes_key and p.name == "key")])
        self._names = tuple(self.signature.parameters)
        self.defaults = {p.name: p.default for p in self.signature.parameters.values() if p.default is not p.empty}
        self._fitting: set[tuple[object, ...]] = set()  # forms of calls that the signature takes: asking it is slow

    def __repr__(self) -> str:
        return f"Action({self.name})"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> step.Step:
        """The action with these inputs, as a step to yield. A wrong argument is a TypeError right here."""
        if self.lists:
            raise TypeError(f"{self.name} is gone through by a schedule: on=daily(…).each({self.name}).")
        form = (len(args), *kwargs)
        if form not in self._fitting:
            self.signature.bind(*args, **kwargs)
            self._fitting.add(form)
        inputs = {**self.defaults, **dict(zip(self._names, args, strict=False)), **kwargs}
        for name in FOR_GUARDS:
            # An input that an action was given later must not change the journals of runs that began before.
            if name in self.defaults and inputs[name] == self.defaults[name]:
                del inputs[name]
        return step.make(self.name, inputs)

    @property
    def writes_by(self) -> Channel | None:
        """By which channel somebody gets a message because of it, from the hub or from the provider itself."""
        return self.channel or (self.starts_messages if isinstance(self.starts_messages, str) else None)

    def step(self, **inputs: Any) -> step.Step:
        """The action with these inputs, as a step: for listings, which the engine goes through."""
        return step.make(self.name, {**self.defaults, **inputs})

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

    def answering(self, function: Function) -> Function:
        """Declares what it may answer, so that a recipe's way is drawn without asking anybody: `function(**inputs)`
        gives pairs of when, in words that go on from "if", and an answer: the usual one first, then each that may lead
        a recipe elsewhere."""
        self.examples = function
        return function

    def detailed(self, function: Callable[..., str]) -> Callable[..., str]:
        """Declares what a call does in particular, for whoever looks at the way of a recipe: `function(**inputs)` gives
        a sentence, 'The tag "customer".', or nothing. The inputs may be an example's, never a customer's."""
        self.details = function
        return function

    def measured(self, price: Price) -> Callable[[Callable[[str], int]], Callable[[str], int]]:
        """Declares in how many parts a message leaves: `function(text)`, which raises Rejected for a text that cannot
        be sent. Each part costs `price`."""

        def register(function: Callable[[str], int]) -> Callable[[str], int]:
            self.parts, self.price = function, price
            return function

        return register


def faults_of(action: Action[Any, Any]) -> list[str]:
    """What is missing or wrong in an action's declaration, as sentences."""
    found = []
    if not action.__doc__:
        found.append(f"{action.name}: has no docstring")
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in action.signature.parameters.values()):
        found.append(f"{action.name}: takes any number of inputs, but each must have a name of its own")
    if action.repeat == "readback" and action.find is None:
        found.append(f"{action.name}: is declared readback, but nothing is marked @{action.__name__}.readback")
    if action.repeat == "keyed" and "key" not in inspect.signature(action.perform).parameters:
        found.append(f"{action.name}: is declared keyed, but takes no `key`")
    if action.lists and (action.repeat != "repeatable" or "cursor" not in action.signature.parameters):
        found.append(f"{action.name}: is a listing, so it is repeatable and takes a `cursor`")
    if action.lists and action.examples is None:
        found.append(f"{action.name}: is a listing, and nothing is marked @{action.__name__}.answering")
    if action.writes_by and (action.recipient not in action.signature.parameters):
        found.append(f"{action.name}: sends a message, but `recipient` names none of its inputs")
    if action.writes_by and "purpose" not in action.signature.parameters:
        found.append(f"{action.name}: sends a message, but takes no `purpose`")
    return found
