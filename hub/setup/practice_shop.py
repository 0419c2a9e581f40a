"""Placing an order in the practice shop: the shortest way to see what the recipes do."""

from __future__ import annotations

from ..connections import READY, Connection
from ..core import Hub
from ..errors import ActionFailed
from ..http import Session
from ..workspaces import Workspace

SHOP = "shopify"
ORDERED, NO_PRACTICE, NO_ANSWER = "ordered", "no-practice", "no-answer"
"""What became of placing an order."""

_SECONDS = 10.0


def practice_shop(hub: Hub, workspace: Workspace) -> Connection | None:
    """The connection that may be a practice shop: one whose address is not the provider's own."""
    for connection in hub.connections.list(workspace):
        named = connection.connector.name == SHOP and connection.state == READY
        if named and str(connection.fields.get("base_url") or "").rstrip("/").endswith(f"/{SHOP}"):
            return connection
    return None


def place_order(hub: Hub, workspace: Workspace) -> str:
    """Has somebody order in the practice shop; gives what became of it. The order comes in as a signed event."""
    connection = practice_shop(hub, workspace)
    if connection is None:
        return NO_PRACTICE
    base = str(connection.fields["base_url"]).rstrip("/").removesuffix(f"/{SHOP}")
    try:
        with Session(base) as session:
            answer = session.post(f"/_happen/{SHOP}/order", json={}, timeout=_SECONDS)
    except ActionFailed:
        return NO_ANSWER
    return ORDERED if answer.status_code == 200 else NO_PRACTICE
