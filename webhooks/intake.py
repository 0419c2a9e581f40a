"""Keeping deliveries: many requests share one commit, and each is answered only after it."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import sqlalchemy as sa

from hub import schema
from hub.connections import Connection
from hub.database import Database, new_id
from hub.delivery import Delivery
from hub.timing import to_datetime, to_ms
from hub.wakeups import READ, Wakeups
from hub.workspaces import Workspace

_MOST_AT_ONCE = 400
_NOT_KEPT = {"authorization", "cookie", "proxy-authorization"}


@dataclass
class _Request:
    row: dict[str, Any]
    keys: list[bytes]
    stored: Future[bool] = field(default_factory=Future)


class Intake:
    """Where deliveries are kept. `store` returns when the delivery is on the disk, and not before."""

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self.database, self.wakeups = database, wakeups
        self._waiting: SimpleQueue[_Request | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def store(self, workspace: Workspace, connection: Connection, delivery: Delivery) -> bool:
        """Keeps a delivery; True if it is new, False if it was kept before. Raises what the database raised."""
        delivery_id = new_id()
        keys = connection.connector.function("keys")
        request = _Request(
            row={
                "id": delivery_id,
                "workspace_id": workspace.id,
                "connection_id": connection.id,
                "received_at": to_ms(delivery.received_at),
                "state": "new",
                "content": workspace.sealer.seal(packed(delivery), f"delivery {delivery_id}"),
            },
            keys=[workspace.hash("delivery", connection.id, key) for key in (keys(delivery) if keys else ())],
        )
        self._start()
        self._waiting.put(request)
        return request.stored.result()

    def close(self) -> None:
        """Stores what waits, then ends the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    def _start(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
                    self._thread.start()

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
            for request in batch:
                request.stored.set_exception(error)
            return
        if any(fresh):
            self.wakeups.wake(READ)
        for request, is_new in zip(batch, fresh, strict=True):
            request.stored.set_result(is_new)

    def _write(self, batch: Sequence[_Request]) -> list[bool]:
        with self.database.write() as connection:
            free = self._new_keys(connection, batch)
            fresh = []
            for request in batch:
                fresh.append(all(key in free for key in request.keys))
                free -= set(request.keys)
            rows = [request.row for request, is_new in zip(batch, fresh, strict=True) if is_new]
            if rows:
                connection.execute(sa.insert(schema.delivery), rows)
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
