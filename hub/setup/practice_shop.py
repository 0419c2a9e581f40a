"""Placing an order in the practice shop: the shortest way to see what the recipes do."""

from __future__ import annotations

from collections.abc import Sequence

from ..connections import Connection
from ..core import Hub
from ..errors import ActionFailed, NotFound, Rejected
from ..practice.accounts import happen, services_of
from ..workspaces import Workspace

SHOP = "shopify"
ORDERED, NO_PRACTICE, NO_ANSWER = "ordered", "no-practice", "no-answer"
"""What became of placing an order."""


def practice_shop(connections: Sequence[Connection]) -> Connection | None:
    """The one of a workspace's connections that may be a practice shop."""
    for connection in connections:
        if connection.connector.name == SHOP and services_of(connection):
            return connection
    return None


def place_order(hub: Hub, workspace: Workspace) -> str:
    """Has somebody order in the practice shop; gives what became of it. The order comes in as a signed event."""
    connection = practice_shop(hub.connections.list(workspace))
    if connection is None:
        return NO_PRACTICE
    try:
        happen(connection, "order", {})
    except (NotFound, Rejected):
        return NO_PRACTICE
    except ActionFailed:
        return NO_ANSWER
    return ORDERED
