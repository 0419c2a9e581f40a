"""The door: the only place where events come in. Verify on the raw bytes, keep, commit, answer; nothing else."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, request
from prometheus_client import Counter
from werkzeug.exceptions import RequestEntityTooLarge

from hub.connections import OFF, Connection
from hub.core import Hub
from hub.delivery import Delivery
from hub.errors import DeliveryRefused, NotFound
from hub.timing import to_datetime

from .intake import Intake

log = logging.getLogger("webhooks.receiver")

MOST_BYTES = 8 * 1024 * 1024
RETRY_AFTER_SECONDS = 10

DELIVERIES = Counter("hub_deliveries_total", "Deliveries at the door, by what became of them", ["connector", "outcome"])


def receiver(hub: Hub, intake: Intake) -> Blueprint:
    """The routes at `/webhooks/…`. They hold no state: whether a connection is known, the database says."""
    blueprint = Blueprint("webhooks", __name__)

    @blueprint.route("/webhooks/<connector>/<connection_id>", methods=["GET", "POST"])
    def receive(connector: str, connection_id: str) -> Response:
        try:
            connection = _connection(hub, connector, connection_id)
            if connection is None:
                return _answer(404, "There is no such connection here. Copy its webhook address from the hub again.")
            if request.method != "POST":
                return _answer(200, f"This is where {connection.connector.title} posts its events.")
            return _take(hub, intake, connection)
        except Exception as error:
            # Whatever it is, the provider should come again: nothing was kept yet.
            log.error("delivery not kept: %s", type(error).__name__)
            DELIVERIES.labels(connector[:60], "not_kept").inc()
            response = _answer(503, "The delivery could not be kept just now. Please send it again.")
            response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
            return response

    return blueprint


def _connection(hub: Hub, connector: str, connection_id: str) -> Connection | None:
    try:
        found = hub.connections.get(connection_id)
    except NotFound:
        return None
    return found if found.connector.name == connector and found.state != OFF else None


def _take(hub: Hub, intake: Intake, connection: Connection) -> Response:
    connector = connection.connector
    try:
        request.max_content_length = MOST_BYTES
        delivery = _delivery(hub, request.get_data(cache=False))
    except RequestEntityTooLarge:
        DELIVERIES.labels(connector.name, "too_large").inc()
        return _answer(413, f"The delivery is larger than {MOST_BYTES // 1024 // 1024} MB.")
    try:
        _verify(hub, connection, delivery)
        _require_readable(connection, delivery)
    except DeliveryRefused as refusal:
        DELIVERIES.labels(connector.name, type(refusal).__name__).inc()
        return _answer(refusal.status, str(refusal))
    is_new = intake.store(hub.workspaces.get(connection.workspace_id), connection, delivery)
    DELIVERIES.labels(connector.name, "kept" if is_new else "repeat").inc()
    body, kind = connector.answer
    return Response(body, 200, content_type=kind)


def _delivery(hub: Hub, body: bytes) -> Delivery:
    query = request.environ.get("QUERY_STRING", "")
    # The address as the provider was told it: a proxy before us may have changed host, port and scheme.
    url = hub.settings.public_url + request.path + (f"?{query}" if query else "")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Delivery("POST", url, headers, body, to_datetime(hub.clock.now()))


def _verify(hub: Hub, connection: Connection, delivery: Delivery) -> None:
    """Raises DeliveryRefused. A secret that was added a moment ago counts at once."""
    try:
        connection.connector.verify(delivery, connection.secrets)
    except DeliveryRefused:
        fresh = hub.connections.get(connection.id, fresh=True)
        if fresh.changed_at == connection.changed_at:
            raise
        fresh.connector.verify(delivery, fresh.secrets)


def _require_readable(connection: Connection, delivery: Delivery) -> None:
    """Raises PayloadUnreadable for a body that is no JSON or no form at all. What it means is read later."""
    _ = delivery.form_pairs if connection.connector.body == "form" else delivery.json


def _answer(status: int, text: str) -> Response:
    return Response(text + "\n", status, content_type="text/plain; charset=utf-8")
