"""A connector whose provider is in another process: for tests in which processes come and go, and effects stay.

A delivery is `{"events": [{"id": "1", "email": "ada@example.com", "data": {…}}]}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hub import Connector, Delivery, Event, Field, Limit, Person
from hub.http import Session, refusal


def _any(delivery: Delivery, secrets: Mapping[str, Sequence[str]]) -> None:
    """Every delivery is genuine: the door has tests of its own."""


connector = Connector(
    "far",
    title="Far",
    about="Does things in another process.",
    fields=[Field("account", "Account")],
    verify=_any,
    limit=Limit(concurrent=4),
)


@connector.connect
def connect(*, base_url: str | None, account: str) -> Session:
    return Session(base_url or "http://127.0.0.1:9")


@connector.check
def check(client: Session) -> str:
    return "Far account"


happened = connector.trigger("happened", title="Something happened", sample="happened.json")


@connector.events
def events(delivery: Delivery) -> Iterator[Event]:
    for told in delivery.json["events"]:
        yield Event(
            key=str(told["id"]),
            type=happened.type,
            at=delivery.received_at,
            data=told.get("data", {}),
            person=Person(told.get("email")),
        )


def _answer(response: Any) -> Any:
    if response.status_code != 200:
        raise refusal(response.status_code, "The far service refused.")
    return response.json()


@connector.action(repeat="repeatable", title="Put it there")
def put(client: Session, what: Any) -> Any:
    """Put something where putting it twice is putting it once."""
    return _answer(client.post("/put", json={"what": what}))


@connector.action(repeat="keyed", title="Pay it")
def pay(client: Session, what: Any, *, key: str = "") -> Any:
    """Pay something, once per key."""
    return _answer(client.post("/pay", json={"what": what, "key": key}))


@connector.action(repeat="readback", title="Send it", settle=timedelta(seconds=2), answer_key="number")
def send(client: Session, what: Any) -> Any:
    """Send something, each time it is asked for."""
    return _answer(client.post("/send", json={"what": what}))


@send.readback
def find_sent(client: Session, since: datetime, what: Any) -> list[Any]:
    return list(_answer(client.get("/sent", params={"what": what})))
