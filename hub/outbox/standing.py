"""How a connection stands between its holders' turns: its pace, its login, and whose runs wait because of it."""

from __future__ import annotations

import sqlalchemy as sa

from .. import schema
from ..connections import READY, Connection
from ..connector import Limit
from ..core import Hub
from ..retry import BREAKER_FAILURES
from ..wakeups import ADVANCE
from .pace import PATIENCE_SECONDS, Pace
from .steps import OPEN

UNLIMITED = Limit(concurrent=1_000)


def pace_of(hub: Hub, connection: Connection) -> Pace:
    """The pace at which the last holder left the account."""
    table = schema.connection
    with hub.database.read() as database:
        row = database.execute(
            sa.select(table.c.quota, table.c.failures, table.c.paused_until).where(table.c.id == connection.id)
        ).one()
    limit = connection.connector.limit if hub.keeps_limits else UNLIMITED
    return Pace(limit, row.quota, row.failures, row.paused_until)


def has_work(hub: Hub, connection_id: str) -> bool:
    """Whether steps wait at a connection, and nothing forbids that they leave."""
    step, connection, now = schema.step, schema.connection, hub.clock.now()
    query = (
        sa.select(step.c.run_id)
        .join(connection, connection.c.id == step.c.connection_id)
        .where(
            step.c.connection_id == connection_id,
            OPEN,
            step.c.state == "waiting",
            sa.or_(step.c.due_at.is_(None), step.c.due_at <= now),
            connection.c.state == READY,
            sa.or_(connection.c.paused_until.is_(None), connection.c.paused_until <= now),
        )
        # In the index's order, else PostgreSQL reads the whole table in the hope of a hit at its beginning.
        .order_by(step.c.connection_id, step.c.priority, step.c.asked_at)
        .limit(1)
    )
    with hub.database.read() as database:
        return database.execute(query).first() is not None


def rest(hub: Hub, connection: Connection, seconds: float) -> None:
    """Has no call leave for so many seconds."""
    table = schema.connection
    with hub.database.write() as database:
        until = hub.clock.now() + round(seconds * 1000)
        database.execute(sa.update(table).where(table.c.id == connection.id).values(paused_until=until))


def let_others_pass(hub: Hub, connection_id: str) -> None:
    """If steps cannot leave for some time, their runs do not hold back later runs of the same people."""
    table, now = schema.connection, hub.clock.now()
    with hub.database.read() as database:
        row = database.execute(
            sa.select(table.c.state, table.c.failures, table.c.paused_until).where(table.c.id == connection_id)
        ).one()
    pause = (row.paused_until or 0) - now
    is_long = pause > PATIENCE_SECONDS * 1000 or (pause > 0 and row.failures >= BREAKER_FAILURES)
    if row.state == READY and not is_long:
        return
    run, step = schema.run, schema.step
    stuck = sa.select(step.c.run_id).where(step.c.connection_id == connection_id, OPEN)
    with hub.database.write() as database:
        parked = database.execute(
            sa.update(run)
            .where(run.c.id.in_(stuck), run.c.state == "running")
            .values(state="waiting", fence=run.c.fence + 1, leased_until=0)
        )
    if parked.rowcount:
        hub.wakeups.wake(ADVANCE)
