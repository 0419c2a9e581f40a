"""Reading what the door kept: each delivery becomes events, ready to be taken, or the reason why it cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, get_args

import sqlalchemy as sa

from hub import schedules, schema
from hub.connections import Connection
from hub.core import Hub
from hub.delivery import Delivery
from hub.effect.counting import Happened
from hub.errors import DeliveryRefused, HubError, PayloadUnreadable, keepable, scrubbed
from hub.event import UNKNOWN, Channel, Event
from hub.events import packed
from hub.sealing import Sealer
from hub.timing import to_datetime, to_ms
from hub.workspaces import Workspace

from .intake import unpacked
from .starting import NewRun

MOST_EVENTS = 4_000
"""Events that are taken in one transaction, and that one delivery may hold: SQLite allows 32,766 values in a query."""

MOST_BYTES = 16 * 1024 * 1024
"""Bodies that are read before what they held is written, so that a burst of large ones fits the smallest server."""

_ROWS = 25


@dataclass
class Read:
    """A delivery that was read: its events, or why there are none. `asked_by`: the recipe whose schedule asked for
    them, which alone they start."""

    delivery_id: int
    connection_id: str
    workspace: Workspace
    received_at: int
    size: int = 0
    asked_by: str | None = None
    events: list[Taken] = field(default_factory=list)
    unreadable: str | None = None

    def give_up(self, error: BaseException) -> None:
        """Takes nothing of it, because of this error."""
        self.events, self.unreadable = [], _reason(error)


@dataclass
class Taken:
    """An event on its way into the database. `packed` is what is sealed of it, once its person is known."""

    event: Event
    of: Read
    connection: Connection
    key: bytes
    echo: bytes | None
    at: int
    packed: bytes
    state: str
    id: int = 0
    person_id: int | None = None
    erased: bool = False
    sealer: Sealer | None = None
    content: bytes | None = None
    runs: list[NewRun] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    happened: Happened | None = None

    @property
    def as_kept(self) -> Event:
        """The event as it will be read again: what a run begins with must be what it goes on with."""
        return replace(self.event, at=to_datetime(self.at), id=self.id, consents=(), echo=None, place=None)


def waiting(hub: Hub, most: int) -> Sequence[int]:
    """The deliveries that nobody has read yet, oldest first."""
    table = schema.delivery
    query = sa.select(table.c.id).where(table.c.state == "new").order_by(table.c.id).limit(most)
    with hub.database.read() as connection:
        return connection.execute(query).scalars().all()


def portions(hub: Hub, delivery_ids: Sequence[int]) -> Iterator[list[Read]]:
    """Reads these deliveries, as many at a time as can be taken together."""
    portion: list[Read] = []
    events = size = 0
    for row in _rows(hub, delivery_ids):
        one = _read(hub, row)
        if portion and (events + len(one.events) > MOST_EVENTS or size + one.size > MOST_BYTES):
            yield portion
            portion, events, size = [], 0, 0
        portion.append(one)
        events, size = events + len(one.events), size + one.size
    if portion:
        yield portion


def _rows(hub: Hub, delivery_ids: Sequence[int]) -> Iterator[Any]:
    table = schema.delivery
    for start in range(0, len(delivery_ids), _ROWS):
        some = table.c.id.in_(delivery_ids[start : start + _ROWS])
        with hub.database.read() as connection:
            rows = connection.execute(sa.select(table).where(some, table.c.state == "new").order_by(table.c.id)).all()
        yield from rows


def _read(hub: Hub, row: Any) -> Read:
    one = Read(row.id, row.connection_id, hub.workspaces.get(row.workspace_id), row.received_at)
    try:
        delivery = unpacked(one.workspace.sealer.open(row.content, f"delivery {row.id}"))
        one.size = len(delivery.body)
        connection = schedules.connection_of(hub, one.workspace, row.connection_id)
        if delivery.method == schedules.METHOD:
            one.asked_by, events = schedules.recipe_of(delivery), schedules.wanted(hub, one.workspace, delivery)
        else:
            delivery = connection.connector.adapted(delivery, connection.fields)
            events = connection.connector.read(delivery)
        read = islice(events, MOST_EVENTS + 1)
        one.events = list(_taken(one, connection, read, delivery))
        if len(one.events) > MOST_EVENTS:
            raise PayloadUnreadable(f"It holds more than {MOST_EVENTS} events.")
    except sa.exc.SQLAlchemyError:
        raise  # the database's trouble says nothing about the delivery
    except (Exception, SystemExit) as error:  # a connector may even ask the process to exit
        one.give_up(error)
    return one


def told(
    workspace: Workspace,
    received_at: int,
    events: Iterable[tuple[Connection, Event]],
    asked_by: str | None = None,
) -> Read:
    """Events that nobody delivered, as if they had just been read: those of a rehearsal."""
    one = Read(0, "", workspace, received_at, asked_by=asked_by)
    for connection, event in events:
        one.events += _taken(one, connection, [event])
    return one


def _taken(
    one: Read, connection: Connection, events: Iterable[Event], delivery: Delivery | None = None
) -> Iterator[Taken]:
    """Whatever of an event may be faulty is looked at here, where a fault is still its own delivery's alone."""
    for event in events:
        is_all = delivery is not None and event.data is vars(delivery).get("json", delivery)
        _check_consents(event)
        known = event.type in connection.connector.triggers or one.asked_by is not None
        yield Taken(
            event=event if known else replace(event, type=UNKNOWN),
            of=one,
            connection=connection,
            key=one.workspace.hash("event", connection.id, event.key),
            echo=one.workspace.hash("echo", connection.id, event.echo) if event.echo else None,
            at=to_ms(event.at),
            packed=packed(event, delivery.body if delivery is not None and is_all else None),
            state="taken" if known else "unknown",
        )


def _check_consents(event: Event) -> None:
    for consent in event.consents:
        to_ms(consent.at)
        if consent.channel not in get_args(Channel):
            raise ValueError("A consent is on a channel that does not exist.")


def _reason(error: BaseException) -> str:
    """Why a delivery could not be read, without what it said: of a connector's bug its type alone."""
    if isinstance(error, DeliveryRefused):
        return keepable(scrubbed(str(error)))
    what = scrubbed(str(error)) if isinstance(error, HubError) else type(error).__name__
    return keepable(f"The connector could not read it ({what}). It can be read again after a fix.")
