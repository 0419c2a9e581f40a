"""A connector for tests of the engine: its events are whatever is posted, its actions do what a test told them.

A delivery is `{"events": [{"type": "happened", "id": "1", "email": "ada@example.com", "data": {…}}]}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from hub import (
    UNKNOWN,
    Connector,
    Consent,
    Delivery,
    Event,
    Field,
    Item,
    Limit,
    Page,
    PayloadUnreadable,
    Person,
    Place,
)
from hub.connector import Verifier


def _any(delivery: Delivery, secrets: Mapping[str, Sequence[str]]) -> None:
    """Every delivery is genuine: the door has tests of its own."""


verify: Verifier = _any

connector = Connector(
    "telling",
    title="Telling",
    about="Does what a test tells it.",
    fields=[Field("account", "Account")],
    verify=verify,
    limit=Limit(concurrent=4),
)


@dataclass
class Provider:
    """What the provider was asked to do, and how it answers.

    A test sets `answer` to a function of name and inputs, and `after` to one that fails a call after its effect.
    """

    done: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    calls: list[tuple[str, int]] = field(default_factory=list)
    answer: Callable[[str, dict[str, Any]], Any] = lambda name, inputs: {"id": f"{name}-{inputs}"}
    after: Callable[[str, dict[str, Any]], BaseException | None] = lambda name, inputs: None
    looks: Callable[[], BaseException | None] = lambda: None
    looked: int = 0
    number: int = 0
    lock: Any = field(default_factory=Lock)

    def do(self, name: str, inputs: dict[str, Any]) -> Any:
        answer = self.answer(name, inputs)
        with self.lock:
            self.number += 1
            if isinstance(answer, BaseException):
                raise answer
            number = self.note(name, inputs)
        if lost := self.after(name, inputs):
            raise lost
        return answer | {"number": number} if isinstance(answer, dict) else answer

    def note(self, name: str, inputs: dict[str, Any]) -> int:
        """Keeps an effect; gives its number."""
        self.done.append((name, inputs))
        return len(self.done) - 1


provider = Provider()


@connector.connect
def connect(*, base_url: str | None, account: str) -> Provider:
    return provider


@connector.check
def check(client: Provider) -> str:
    return "Telling account"


@connector.keys
def keys(delivery: Delivery) -> list[str]:
    return [delivery.headers["key"]] if "key" in delivery.headers else []


happened = connector.trigger("happened", title="Something happened", sample="happened.json")
ended = connector.trigger("ended", title="Something ended", sample="ended.json")
asked_to_erase = connector.trigger("asked.erase", title="Someone is to go", sample="happened.json", privacy="erase")


@connector.events
def events(delivery: Delivery) -> Iterator[Event]:
    for told in delivery.json["events"]:
        if told["type"] == "bad":
            raise PayloadUnreadable("The event is bad.")
        if told["type"] == "buggy":
            raise KeyError(told["email"])
        kind = f"telling.{told['type']}"
        at = datetime.fromisoformat(told["at"]) if "at" in told else delivery.received_at
        yield Event(
            key=str(told["id"]),
            type=kind if kind in connector.triggers else UNKNOWN,
            at=at,
            data=told.get("data", {}),
            person=Person(told.get("email"), told.get("phone"), told.get("ids", {})),
            consents=tuple(Consent(c["channel"], c["address"], c["given"], at) for c in told.get("consents", ())),
            echo=told.get("echo"),
            place=Place(**told["place"]) if "place" in told else None,
        )


@connector.action(repeat="repeatable", title="Do it", echo=lambda inputs: [f"did {inputs['what']}"])
def do(client: Provider, what: Any) -> Any:
    """Do something that may be repeated."""
    client.calls.append(("do", 1))
    return client.do("do", {"what": what})


@connector.action(repeat="repeatable", title="Do it with others")
def gather(client: Provider, what: Any, *, place: str = "here") -> Any:
    """Do something that goes together."""
    return client.do("gather", {"what": what, "place": place})


@gather.batched(by=["place"], limit=10)
def gather_many(client: Provider, calls: Sequence[Mapping[str, Any]]) -> list[Any]:
    client.calls.append(("gather", len(calls)))
    outcomes: list[Any] = []
    for inputs in calls:
        answer = client.answer("gather", dict(inputs))
        if not isinstance(answer, BaseException):
            client.note("gather", dict(inputs))
            answer = client.after("gather", dict(inputs)) or answer
        outcomes.append(answer)
    return outcomes


@connector.action(repeat="keyed", title="Do it under a key")
def pay(client: Provider, what: Any, *, key: str = "") -> Any:
    """Do something that the provider does once per key."""
    return client.do("pay", {"what": what, "key": key})


@connector.action(
    repeat="readback",
    title="Send it",
    channel="sms",
    recipient="to",
    settle=timedelta(seconds=5),
    answer_key="number",
)
def send(client: Provider, to: str, text: str, *, purpose: str, useful_for: timedelta | None = None) -> Any:
    """Send a message."""
    return client.do("send", {"to": to, "text": text})


@send.readback
def find_sent(client: Provider, since: datetime, to: str, text: str, **_: object) -> list[Any]:
    client.looked += 1
    if failure := client.looks():
        raise failure
    numbered = enumerate(client.done)
    return [{"number": n} for n, (name, inputs) in numbered if name == "send" and inputs == {"to": to, "text": text}]


@connector.action(repeat="repeatable", title="Have it mailed", starts_messages="email", recipient="to")
def mail(
    client: Provider, to: str, text: str, *, purpose: str = "marketing", useful_for: timedelta | None = None
) -> Any:
    """Have the provider write to one of its subscribers."""
    return client.do("mail", {"to": to, "text": text})


def _whom(inputs: Mapping[str, Any], answer: Any) -> Person:
    return Person(ids={"telling.member": answer["member"]})


@connector.action(repeat="repeatable", title="Write down who it is", identifies=_whom)
def name(client: Provider, what: Any) -> Any:
    """Do something whose answer tells whom it was about."""
    return client.do("name", {"what": what})


@connector.listing(title="member")
def members(client: Provider, place: str = "here", *, cursor: str | None = None) -> Page:
    """Everybody that `provider.members` has, two at a time."""
    client.do("members", {"place": place, "cursor": cursor})
    start = int(cursor or 0)
    found = [_member(name) for name in client.members[start : start + 2]]
    return Page(found, str(start + 2) if start + 2 < len(client.members) else None, len(client.members))


@members.answering
def a_member(**inputs: Any) -> list[tuple[str, Item]]:
    return [("somebody is there", _member("ada"))]


def _member(name: str) -> Item:
    return Item(name, {"name": name, "vip": name == "bo"}, Person(email=f"{name}@example.com"))


@connector.action(repeat="once", title="Do it once")
def ring(client: Provider, what: Any) -> Any:
    """Do something that nobody can find out about."""
    return client.do("ring", {"what": what})
