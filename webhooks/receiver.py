"""The door: the only place where events come in. Verify on the raw bytes, keep, commit, answer; nothing else."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, request
from prometheus_client import Counter
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from hub.connections import OFF, Connection
from hub.connector import Connector
from hub.core import Hub
from hub.delivery import Delivery
from hub.errors import DeliveryRefused, NotFound, PayloadUnreadable
from hub.timing import to_datetime

from .intake import Intake

log = logging.getLogger("webhooks.receiver")

MOST_BYTES = 8 * 1024 * 1024
RETRY_AFTER_SECONDS = 10
FORM = "application/x-www-form-urlencoded"

DELIVERIES = Counter("hub_deliveries_total", "Deliveries at the door, by what became of them", ["connector", "outcome"])


def receiver(hub: Hub, intake: Intake) -> Blueprint:
    """The routes at `/webhooks/…`. They hold no state: whether a connection is known, the database says.

    A delivery is answered 200 after its commit · 400 unreadable · 401 not genuine · 404 unknown connection ·
    413 too large · 503 with Retry-After if it cannot be kept. GET and HEAD answer providers' probes.
    """
    blueprint = Blueprint("webhooks", __name__)

    @blueprint.route("/webhooks/<connector>/<connection_id>", methods=["GET", "POST"])
    def receive(connector: str, connection_id: str) -> Response:
        try:
            connection = _connection(hub, connector, connection_id)
            if connection is None:
                _count(None, "unknown_connection")
                return _answer(404, "There is no such connection here. Copy its webhook address from the hub again.")
            if request.method != "POST":
                return _answer(200, f"This is where {connection.connector.title} posts its events.")
            with hub.door:
                return _take(hub, intake, connection)
        except Exception as error:
            # Whatever it is, the provider should come again: nothing was kept yet.
            log.error("delivery not kept: %s", type(error).__name__)
            _count(None, "not_kept")
            response = _answer(503, "The delivery could not be kept just now. Please send it again.")
            response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
            return response

    return blueprint


def _connection(hub: Hub, connector: str, connection_id: str) -> Connection | None:
    """The connection of this address, or None. Raises what keeps the hub from telling: that is no 404."""
    if not (connection_id.isascii() and connection_id.isalnum()):
        return None  # no id of ours, and PostgreSQL takes not every text
    try:
        found = hub.connections.get(connection_id)
        if found.state == OFF:
            # It may have been connected again a moment ago, and its provider is trying the address just now.
            found = hub.connections.get(connection_id, fresh=True)
    except NotFound:
        return None
    return found if found.connector.name == connector and found.state != OFF else None


def _take(hub: Hub, intake: Intake, connection: Connection) -> Response:
    connector = connection.connector
    try:
        delivery = _delivery(hub)
        _verify(hub, connection, delivery)
        _require_readable(connector, delivery)
    except RequestEntityTooLarge:
        _count(connector, "too_large")
        return _answer(413, f"The delivery is larger than {MOST_BYTES // 1024 // 1024} MB.")
    except DeliveryRefused as refusal:
        _count(connector, type(refusal).__name__)
        return _answer(refusal.status, str(refusal))
    is_new = intake.store(hub.workspaces.get(connection.workspace_id), connection, delivery)
    _count(connector, "kept" if is_new else "repeat")
    body, kind = connector.answer
    return Response(body, 200, content_type=kind)


def _delivery(hub: Hub) -> Delivery:
    body = _body()
    query = request.environ.get("QUERY_STRING", "")
    # The address as the provider was told it: a proxy before us may have changed host, port and scheme.
    url = hub.settings.public_url + request.path + (f"?{query}" if query else "")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Delivery("POST", url, headers, body, to_datetime(hub.clock.now()))


def _body() -> bytes:
    """All of the body. Raises RequestEntityTooLarge, or PayloadUnreadable if it broke off."""
    told = request.content_length
    if told is not None and told > MOST_BYTES:
        raise RequestEntityTooLarge
    # One more than may come: a body that does not tell its length is cut there, and no error says that it was.
    request.max_content_length = MOST_BYTES + 1
    try:
        body = request.get_data(cache=False)
    except ClientDisconnected:
        body = b""
    if len(body) > MOST_BYTES:
        raise RequestEntityTooLarge
    if told is not None and told != len(body):  # half a form can look like a whole one
        raise PayloadUnreadable("The delivery ended before all of its body had come.")
    return body


def _verify(hub: Hub, connection: Connection, delivery: Delivery) -> None:
    """Raises DeliveryRefused. A secret that was added a moment ago counts at once."""
    try:
        connection.connector.verify(delivery, connection.secrets)
    except DeliveryRefused:
        fresh = hub.connections.get(connection.id, fresh=True)
        if fresh.changed_at == connection.changed_at:
            raise
        fresh.connector.verify(delivery, fresh.secrets)


def _require_readable(connector: Connector, delivery: Delivery) -> None:
    """Raises PayloadUnreadable for a body that is no JSON or no form at all. What it means is read later.

    JSON shows what it is by itself, whatever its Content-Type says. Nearly any text could be a form, so a body that is
    said to be something else is not taken for one.
    """
    if connector.body == "json":
        _ = delivery.json
    elif request.mimetype not in ("", FORM):
        raise PayloadUnreadable("The body is not a form, by its Content-Type.")
    else:
        _ = delivery.form_pairs


def _count(connector: Connector | None, outcome: str) -> None:
    # Never by the name in the address: anybody could make any number of those.
    DELIVERIES.labels(connector.name if connector else "unknown", outcome).inc()


def _answer(status: int, text: str) -> Response:
    return Response(text + "\n", status, content_type="text/plain; charset=utf-8")
