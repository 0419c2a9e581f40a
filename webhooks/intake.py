"""Keeping deliveries: many requests share one commit, and each is answered only after it."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

import sqlalchemy as sa

from hub import bulk, schema
from hub.connections import Connection
from hub.database import Database
from hub.delivery import Delivery
from hub.errors import HubError
from hub.ids import new_id, number_after
from hub.timing import to_datetime, to_ms
from hub.wakeups import READ, Wakeups
from hub.workspaces import Workspace

log = logging.getLogger("webhooks.intake")

PATIENCE_SECONDS = 20.0
"""How long a delivery may take to be stored. Providers wait for 5 to 15 seconds, then they come again."""

_MOST_AT_ONCE = 400
_NOT_KEPT = {"authorization", "cookie", "proxy-authorization"}


class IntakeClosed(HubError):
    """The hub is closing, so nothing is stored any more."""


class _Request:
    """What waits for its commit, at the event loop of whoever asked."""

    def __init__(self, row: dict[str, Any], keys: list[bytes]) -> None:
        self.row, self.keys = row, keys
        self.told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def end(self, outcome: bool | Exception) -> None:
        if self.told.done():
            return  # nobody waits any more
        if isinstance(outcome, Exception):
            self.told.set_exception(outcome)
        else:
            self.told.set_result(outcome)


class Intake:
    """Where deliveries are kept. `store` returns when the delivery is on the disk, and not before."""

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self.database, self.wakeups = database, wakeups
        self._waiting: SimpleQueue[_Request | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = self._follows = False
        self._lock = threading.Lock()

    async def store(self, workspace: Workspace, connection: Connection, delivery: Delivery) -> bool:
        """Keeps a delivery; True if it is new, False if it was kept before.

        Raises what the database raised, TimeoutError if that takes longer than a provider waits, and IntakeClosed.
        """
        if not self._follows:  # what is kept from here on is read after all that was kept before
            await asyncio.to_thread(number_after, self.database, schema.delivery)
            self._follows = True
        delivery_id = new_id()
        request = _Request(
            row={
                "id": delivery_id,
                "workspace_id": workspace.id,
                "connection_id": connection.id,
                "received_at": to_ms(delivery.received_at),
                "state": "new",
                "content": workspace.sealer.seal(packed(delivery), f"delivery {delivery_id}", packs=False),
            },
            keys=_keys(workspace, connection, delivery),
        )
        self._put(request)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await request.told

    def close(self) -> None:
        """Stores what waits, then ends the thread. Nothing is taken from here on."""
        with self._lock:
            self._closed = True
            self._waiting.put(None)
        if self._thread is not None:
            self._thread.join()

    def _put(self, request: _Request) -> None:
        with self._lock:
            if self._closed:
                raise IntakeClosed
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
                self._thread.start()
            self._waiting.put(request)

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, ends = [first], False
            while len(batch) < _MOST_AT_ONCE and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    ends = True
                    break
                batch.append(following)
            self._commit(batch)
            if ends:
                return

    def _commit(self, batch: list[_Request]) -> None:
        try:
            fresh = self.database.retrying(lambda: self._write(batch))
        except Exception as error:
            _tell(batch, [error] * len(batch))
            return
        _tell(batch, fresh)
        if any(fresh):
            # Whatever happens to a wake-up, the clock finds what waits; without this thread the door would be shut.
            with suppress(Exception):
                self.wakeups.wake(READ)

    def _write(self, batch: Sequence[_Request]) -> list[bool]:
        with self.database.write() as connection:
            free = self._new_keys(connection, batch)
            fresh = []
            for request in batch:
                fresh.append(all(key in free for key in request.keys))
                free -= set(request.keys)
            rows = [request.row for request, is_new in zip(batch, fresh, strict=True) if is_new]
            bulk.insert(connection, schema.delivery, rows)
        return fresh

    def _new_keys(self, connection: sa.Connection, batch: Sequence[_Request]) -> set[bytes]:
        """Takes note of the batch's keys and gives those that nobody had noted before."""
        rows = {
            (request.row["connection_id"], key): {
                "connection_id": request.row["connection_id"],
                "hash": key,
                "at": request.row["received_at"],
            }
            for request in batch
            for key in request.keys
        }
        return noted(self.database, connection, [rows[name] for name in sorted(rows)])


def _tell(batch: Sequence[_Request], outcomes: Sequence[bool | Exception]) -> None:
    """Tells all that wait, each loop once: waking one up costs as much as many deliveries."""
    waiting: dict[asyncio.AbstractEventLoop, list[tuple[_Request, bool | Exception]]] = {}
    for request, outcome in zip(batch, outcomes, strict=True):
        waiting.setdefault(request.told.get_loop(), []).append((request, outcome))
    for loop, some in waiting.items():
        with suppress(RuntimeError):  # the loop has ended, and so has whoever waited there
            loop.call_soon_threadsafe(_end_all, some)


def _end_all(some: Iterable[tuple[_Request, bool | Exception]]) -> None:
    for request, outcome in some:
        request.end(outcome)


def _keys(workspace: Workspace, connection: Connection, delivery: Delivery) -> list[bytes]:
    keys = connection.connector.function("keys")
    try:
        return [workspace.hash("delivery", connection.id, key) for key in (keys(delivery) if keys else ())]
    except Exception as error:  # a connector's bug must not shut the door: a repeat is told by its events' keys too
        log.error("%s: its keys could not be told (%s)", connection.connector.name, type(error).__name__)
        return []


def noted(database: Database, connection: sa.Connection, rows: list[dict[str, Any]]) -> set[bytes]:
    """Inserts keys and gives those that were new. The rows are in order, so that two writers never block each other."""
    if not rows:
        return set()
    table = schema.seen_key
    statement = database.insert(table).on_conflict_do_nothing().returning(table.c.hash)
    return {bytes(found) for found in connection.execute(statement, rows).scalars()}


def packed(delivery: Delivery) -> bytes:
    """A delivery as bytes: a line of JSON about it, then its body as it came."""
    about = {
        "method": delivery.method,
        "url": delivery.url,
        "headers": {name: value for name, value in delivery.headers.items() if name not in _NOT_KEPT},
        "received_at": to_ms(delivery.received_at),
    }
    return json.dumps(about).encode() + b"\n" + delivery.body


def unpacked(content: bytes) -> Delivery:
    """The delivery that `packed` packed."""
    line, _, body = content.partition(b"\n")
    about = json.loads(line)
    return Delivery(about["method"], about["url"], about["headers"], body, to_datetime(about["received_at"]))
