"""What happened today, in numbers an owner would ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC

import sqlalchemy as sa

from .. import registry, schema
from ..connector import Match
from ..core import Hub
from ..errors import ConnectorInvalid
from ..ids import first_id_at
from ..recipe import Recipe
from ..timing import to_datetime, to_ms
from ..workspaces import Workspace
from . import words
from .language import ngettext
from .words import ZONE

MOST_EVENTS, MOST_RUNS = 5_000, 2_000
"""The latest that are counted: a day with more is told as "more than"."""
FEW = 4


@dataclass(frozen=True)
class Count:
    """How often something happened, in words: 41, "an order is placed"."""

    number: int
    says: str


@dataclass(frozen=True)
class Today:
    """What came in today that recipes wait for, the most frequent first, and the messages that were sent and not sent.
    `is_more`: there was more than was counted."""

    came: tuple[Count, ...]
    sent: tuple[Count, ...]
    not_sent: int
    is_more: bool


def today(hub: Hub, workspace: Workspace, on: Sequence[Recipe]) -> Today:
    """What happened since midnight, by the workspace's clock. `on`: the recipes that are on."""
    first = first_id_at(began(hub))
    with hub.database.read() as connection:
        came = _came(connection, workspace, first)
        sent, not_sent = _sent(connection, workspace, first)
    waited_for = {match.type for recipe in on for match in recipe.on if isinstance(match, Match)}
    most = [Count(number, words.happening(kind)) for kind, number in came.most_common() if kind in waited_for]
    done = [Count(number, _sent_by(channel, number)) for channel, number in sent.most_common()]
    return Today(tuple(most[:FEW]), tuple(done), not_sent, came.total() == MOST_EVENTS)


def _came(connection: sa.Connection, workspace: Workspace, first: int) -> Counter[str]:
    table = schema.event
    mine = (table.c.workspace_id == workspace.id) & (table.c.id >= first)
    latest = sa.select(table.c.type, table.c.state).where(mine).order_by(table.c.id.desc()).limit(MOST_EVENTS)
    return Counter(kind for kind, state in connection.execute(latest) if state == "taken")


def _sent(connection: sa.Connection, workspace: Workspace, first: int) -> tuple[Counter[str], int]:
    """Messages of runs that began today, by their channels, and how many were not sent."""
    run, step, channels = schema.run, schema.step, _channels()
    mine = (run.c.workspace_id == workspace.id) & (run.c.id >= first)
    ids = sa.select(run.c.id).where(mine).order_by(run.c.id.desc()).limit(MOST_RUNS).scalar_subquery()
    query = (
        sa.select(step.c.action, step.c.state, sa.func.count())
        .where(step.c.run_id.in_(ids), step.c.action.in_(channels), step.c.state.in_(("done", "refused")))
        .group_by(step.c.action, step.c.state)
    )
    sent, not_sent = Counter[str](), 0
    for name, state, count in connection.execute(query):
        if state == "done":
            sent[channels[name]] += count
        else:
            not_sent += count
    return sent, not_sent


def _sent_by(channel: str, count: int) -> str:
    if channel == "sms":
        return ngettext("text sent", "texts sent", count)
    return ngettext("e-mail sent", "e-mails sent", count)


def _channels() -> dict[str, str]:
    """The actions that send messages themselves, each with its channel."""
    found: dict[str, str | None] = {}
    for name in registry.connector_names():
        with suppress(ConnectorInvalid):
            found |= {action.name: action.channel for action in registry.connector(name).actions.values()}
    return {action: channel for action, channel in found.items() if channel}


def began(hub: Hub) -> int:
    """When today began, by the workspace's clock, in milliseconds since 1970."""
    now = to_datetime(hub.clock.now()).astimezone(ZONE.get() or UTC)
    return to_ms(now.replace(hour=0, minute=0, second=0, microsecond=0))
