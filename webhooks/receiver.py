"""The door: the only place where events come in. Verify on the raw bytes, keep, commit, answer; nothing else.

All deliveries are taken by one thread, which waits for no one of them: with a thread for each, half of the CPU went
into handing the interpreter from one to the next. So whatever may wait, for the database or for long work, goes
elsewhere; a connector's verifier is a calculation, and must not wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from prometheus_client import Counter
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.http import parse_options_header

from hub.connections import OFF, Connection
from hub.connector import Connector
from hub.core import Hub
from hub.delivery import Delivery
from hub.errors import DeliveryRefused, NotFound, PayloadUnreadable
from hub.timing import to_datetime

from .intake import Intake

log = logging.getLogger("webhooks.receiver")

PATH = "/webhooks/"
MOST_BYTES = 8 * 1024 * 1024
LARGE_BYTES = 256 * 1024
"""What is larger is checked in a thread of its own, as others would wait for it."""
RETRY_AFTER_SECONDS = 10
NOTED_EVERY_SECONDS = 10.0
FORM = "application/x-www-form-urlencoded"
TEXT = "text/plain; charset=utf-8"

DELIVERIES = Counter("hub_deliveries_total", "Deliveries at the door, by what became of them", ["connector", "outcome"])


@dataclass(frozen=True, slots=True)
class Request:
    """What comes to the door. Names of `headers` are in small letters.

    `body` reads all of it, up to so many bytes. It raises werkzeug's RequestEntityTooLarge if there are more, and
    ClientDisconnected if they end too soon.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Callable[[int], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the door answers."""

    status: int
    text: str
    kind: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()


class Receiver:
    """What is served at `/webhooks/…`. Whether a connection is known, the database says; nothing here outlives a start.

    A delivery is answered 200 after its commit · 400 unreadable · 401 not genuine · 404 unknown connection ·
    413 too large · 503 with Retry-After if it cannot be kept. GET and HEAD answer providers' probes.
    """

    def __init__(self, hub: Hub, intake: Intake) -> None:
        self.hub, self.intake = hub, intake
        self._noted: dict[str, float] = {}

    async def answer(self, request: Request) -> Answer:
        """Never raises: whatever it is, the provider should come again, as nothing was kept yet."""
        try:
            connection = await self._connection(request.path)
            if connection is None:
                _count(None, "unknown_connection")
                return _sentence(404, "There is no such connection here. Copy its webhook address from the hub again.")
            if request.method in ("GET", "HEAD"):
                return _sentence(200, f"This is where {connection.connector.title} posts its events.")
            if request.method != "POST":
                return _sentence(405, "Events are posted here, with POST.", ("Allow", "GET, HEAD, POST"))
            with self.hub.door:
                return await self._take(connection, request)
        except Exception as error:
            log.error("delivery not kept: %s", type(error).__name__)
            _count(None, "not_kept")
            later = ("Retry-After", str(RETRY_AFTER_SECONDS))
            return _sentence(503, "The delivery could not be kept just now. Please send it again.", later)

    async def _connection(self, path: str) -> Connection | None:
        """The connection of this address, or None. Raises what keeps the hub from telling: that is no 404."""
        connector, _, connection_id = path.removeprefix(PATH).partition("/")
        if not (connection_id.isascii() and connection_id.isalnum()):
            return None  # no id of ours, and PostgreSQL takes not every text
        try:
            found = self.hub.connections.at_hand(connection_id) or await self._look(connection_id)
            if found.state == OFF:
                # It may have been connected again a moment ago, and its provider is trying the address just now.
                found = await self._look(connection_id, fresh=True)
        except NotFound:
            return None
        return found if found.connector.name == connector and found.state != OFF else None

    async def _look(self, connection_id: str, *, fresh: bool = False) -> Connection:
        return await asyncio.to_thread(self.hub.connections.get, connection_id, fresh=fresh)

    async def _take(self, connection: Connection, request: Request) -> Answer:
        connector = connection.connector
        try:
            delivery = await self._delivery(request)
            if len(delivery.body) > LARGE_BYTES:
                await asyncio.to_thread(_check, connection, delivery)
            else:
                _check(connection, delivery)
        except RequestEntityTooLarge:
            _count(connector, "too_large")
            return _sentence(413, f"The delivery is larger than {MOST_BYTES // 1024 // 1024} MB.")
        except PayloadUnreadable as refusal:
            return await self._refused(connection, refusal)
        except DeliveryRefused as refusal:
            # A secret that was added a moment ago counts at once.
            fresh = await self._look(connection.id, fresh=True)
            if fresh.changed_at == connection.changed_at:
                return await self._refused(connection, refusal)
            try:
                await asyncio.to_thread(_check, fresh, delivery)
            except DeliveryRefused as again:
                return await self._refused(connection, again)
        is_new = await self.intake.store(self.hub.workspaces.get(connection.workspace_id), connection, delivery)
        _count(connector, "kept" if is_new else "repeat")
        return Answer(200, *connector.answer)

    async def _refused(self, connection: Connection, refusal: DeliveryRefused) -> Answer:
        """The answer to what is not accepted. Why is noted where the owner looks, seldom enough to be no burden."""
        _count(connection.connector, type(refusal).__name__)
        now = self.hub.clock.monotonic()
        if now - self._noted.get(connection.id, -NOTED_EVERY_SECONDS) >= NOTED_EVERY_SECONDS:
            self._noted[connection.id] = now
            with suppress(Exception):  # what is refused stays refused
                await asyncio.to_thread(self.hub.connections.note_refusal, connection.id, str(refusal))
        return _sentence(refusal.status, str(refusal))

    async def _delivery(self, request: Request) -> Delivery:
        try:
            body = await request.body(MOST_BYTES)
        except ClientDisconnected:  # half a form can look like a whole one
            raise PayloadUnreadable("The delivery ended before all of its body had come.") from None
        # The address as the provider was told it: a proxy before us may have changed host, port and scheme.
        url = self.hub.settings.public_url + request.path + (f"?{request.query}" if request.query else "")
        return Delivery("POST", url, request.headers, body, to_datetime(self.hub.clock.now()))


def _check(connection: Connection, delivery: Delivery) -> None:
    """Raises DeliveryRefused if the delivery is not genuine, PayloadUnreadable if it is no JSON or no form at all.

    What it means is read later. JSON shows what it is by itself, whatever its Content-Type says. Nearly any text could
    be a form, so a body that is said to be something else is not taken for one.
    """
    connection.connector.verify(delivery, connection.secrets)
    if connection.connector.body == "json":
        _ = delivery.json
    elif parse_options_header(delivery.headers.get("content-type", ""))[0].lower() not in ("", FORM):
        raise PayloadUnreadable("The body is not a form, by its Content-Type.")
    else:
        _ = delivery.form_pairs


def _count(connector: Connector | None, outcome: str) -> None:
    # Never by the name in the address: anybody could make any number of those.
    DELIVERIES.labels(connector.name if connector else "unknown", outcome).inc()


def _sentence(status: int, text: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status, text + "\n", headers=headers)
