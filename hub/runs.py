"""What a person may do with a run: let it go on after it was held or failed, skip one of its steps, or cancel it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from . import registry, schema, values
from .asking import counts_as_asked, last_asked
from .core import Hub
from .enabled import Enabled
from .errors import HubError, NotFound, SetupError
from .sealing import Sealer
from .workspaces import Workspace

CANCELLED = "Cancelled."
SKIPPED = "Skipped by a person."

AT_ONCE = 200
"""Runs that are ended in one transaction: others wait no longer for it than for anything else."""


class NotPossible(SetupError):
    """The run is not in a state in which this can be done."""


@dataclass(frozen=True)
class Retried:
    """What a retry did: how many steps are tried again, of how many the provider is asked first whether they
    happened, and whether the run moved to the recipe's edited code."""

    steps: int
    asked: int
    moved: bool


def retry(workspace: Workspace, hub: Hub, run_id: int) -> Retried:
    """Lets a held or failed run go on at once. Nothing that is known to have happened is done again.

    A step of unknown outcome is repeated, as the person who asks for it decided; where the provider can tell, it is
    asked first. A step that was refused and failed the run is tried again. A run that its recipe's code stopped moves
    to the code that is on now; if that does not fit what was done already, the run is held again and says so.

    Raises NotFound, or NotPossible with the reason.
    """
    return hub.database.retrying(lambda: _retry(workspace, hub, run_id))


def _retry(workspace: Workspace, hub: Hub, run_id: int) -> Retried:
    fresh = codes(workspace, hub)
    with hub.database.write() as connection:
        return retry_within(connection, workspace, hub, run_id, fresh)


def codes(workspace: Workspace, hub: Hub) -> dict[str, Enabled]:
    """What is on in the workspace, by recipe: the code that runs move to when they are tried again."""
    return {entry.recipe: entry for _, entry in hub.enabled.of(workspace)}


def retry_within(
    connection: sa.Connection, workspace: Workspace, hub: Hub, run_id: int, fresh: Mapping[str, Enabled]
) -> Retried:
    """`retry` as part of a transaction, of which NotFound and NotPossible leave the rest good. `fresh`: `codes`."""
    row = taken(workspace, connection, run_id)
    if row.state not in ("held", "failed"):
        raise NotPossible(f"The run is {row.state}. Only a run that is held or failed can be tried again.")
    if not row.sealed:
        raise NotPossible("What the run needs to go on was removed after its time. Replay cannot bring it back.")
    steps = _stopped_steps(connection, row)
    asked = [step for step in steps if step.state == "unknown" and can_be_asked(step.action)]
    again = [step for step in steps if step not in asked]
    now = hub.clock.now()
    at = _asked_at(connection, row, now)
    _put_back(connection, run_id, again, at, state="waiting", answer=None, answer_id=None, due_at=None)
    # A claimed step with a time is looked for at the provider then, by whoever holds the connection.
    _put_back(connection, run_id, asked, at, state="claimed", due_at=now)
    entry = fresh.get(row.recipe)
    # A step of unknown outcome says nothing against the code that the run started with.
    moves = entry is not None and entry.version != row.version and not any(s.state == "unknown" for s in steps)
    code = {"version": entry.version, "enabled_id": entry.id} if entry is not None and moves else {}
    let_go_on(connection, run_id, now, state="running", reason=None, ended_at=None, leased_until=0, **code)
    return Retried(len(again), len(asked), moves)


def let_go_on(connection: sa.Connection, run_id: int, now: int, **fresh: Any) -> None:
    """Has the engine look at a run at once, with these values in its row."""
    table = schema.run
    connection.execute(
        sa.update(table).where(table.c.id == run_id).values(due_at=now, fence=table.c.fence + 1, **fresh)
    )


def _stopped_steps(connection: sa.Connection, run: Any) -> Sequence[Any]:
    """The steps that a retry repeats: those of unknown outcome; of a failed run also those that it dropped, and
    those that were refused last."""
    table = schema.step
    repeated = table.c.state == "unknown"
    if run.state == "failed":
        last = sa.select(sa.func.max(table.c.asked_at)).where(table.c.run_id == run.id).scalar_subquery()
        refused = (table.c.state == "refused") & (table.c.asked_at == last)
        # What a person skipped stays skipped, where the recipe was not told of it as a refusal.
        dropped = (table.c.state == "dropped") & (table.c.reason.is_(None) | (table.c.reason != SKIPPED))
        repeated = repeated | dropped | refused
    query = sa.select(table.c.position, table.c.action, table.c.state).where(table.c.run_id == run.id, repeated)
    return connection.execute(query.order_by(table.c.position).with_for_update()).all()


def can_be_asked(action: str) -> bool:
    """Whether the provider can tell if this action happened: then it is asked before a retry repeats it."""
    try:
        return registry.action(action).repeat == "readback"
    except HubError:
        return False


def _asked_at(connection: sa.Connection, run: Any, now: int) -> int:
    """When what is tried again counts as asked for: now, and after whatever this run or its person's others asked."""
    table = schema.step
    own = connection.execute(sa.select(sa.func.max(table.c.asked_at)).where(table.c.run_id == run.id)).scalar()
    others = last_asked(connection, [run.person_id], now)
    return counts_as_asked(now, own or 0, others.get(run.person_id, 0))


def _put_back(connection: sa.Connection, run_id: int, steps: Sequence[Any], asked_at: int, **fresh: Any) -> None:
    """Makes steps open again, as if they were asked for now: they have all of the time again in which a call that
    fails is repeated."""
    table, positions = schema.step, [step.position for step in steps]
    connection.execute(
        sa.update(table)
        .where(table.c.run_id == run_id, table.c.position.in_(positions))
        .values(reason=None, ended_at=None, asked_at=asked_at, **fresh)
    )


def cancel(workspace: Workspace, hub: Hub, run_id: int) -> int:
    """Ends a run for good; gives how many of its steps were still waiting. A call that is on its way comes back
    and is written down, but nothing follows from it. Raises NotFound, or NotPossible if the run has ended."""
    return hub.database.retrying(lambda: _cancel(workspace, hub, run_id))


def _cancel(workspace: Workspace, hub: Hub, run_id: int) -> int:
    with hub.database.write() as connection:
        return cancel_within(connection, workspace, hub, run_id)


def cancel_within(connection: sa.Connection, workspace: Workspace, hub: Hub, run_id: int) -> int:
    """`cancel` as part of a transaction, of which NotFound and NotPossible leave the rest good."""
    row = taken(workspace, connection, run_id)
    if row.ended_at is not None:
        raise NotPossible(f"The run is {row.state} already, so there is nothing to cancel.")
    return _stop(connection, [run_id], hub.clock.now())


def cancel_all(workspace: Workspace, hub: Hub, recipe: str) -> int:
    """Ends all runs of a recipe that are under way, as `cancel` ends one; gives how many that were."""
    count = 0
    while ended := hub.database.retrying(lambda: _cancel_some(workspace, hub, recipe)):
        count += ended
    return count


def _cancel_some(workspace: Workspace, hub: Hub, recipe: str) -> int:
    table = schema.run
    query = (
        sa.select(table.c.id)
        # The index over runs under way, not the one over all of a workspace's.
        .where(table.c.ended_at.is_(None), table.c.workspace_id + 0 == workspace.id, table.c.recipe == recipe)
        .limit(AT_ONCE)
        .with_for_update()
    )
    with hub.database.write() as connection:
        ids = connection.execute(query).scalars().all()
        if ids:
            _stop(connection, ids, hub.clock.now())
        return len(ids)


def _stop(connection: sa.Connection, ids: Sequence[int], now: int) -> int:
    """Ends these runs, whose rows are locked; gives how many of their steps were still waiting."""
    run, step, waiter = schema.run, schema.step, schema.waiter
    connection.execute(
        sa.update(run)
        .where(run.c.id.in_(ids))
        .values(state="stopped", reason=CANCELLED, ended_at=now, due_at=None, fence=run.c.fence + 1)
    )
    dropped = connection.execute(
        sa.update(step).where(step.c.run_id.in_(ids), step.c.state == "waiting").values(state="dropped", ended_at=now)
    )
    connection.execute(sa.delete(waiter).where(waiter.c.run_id.in_(ids)))
    return dropped.rowcount


def skip(workspace: Workspace, hub: Hub, run_id: int, position: int) -> None:
    """Skips one open step of a run, which goes on without it.

    A wait is over at once; one for an event, as if that had not come in time. Of an action that answers nothing the
    recipe is answered nothing. Of any other it gets the Rejected that a refusal would throw, since what it goes on
    with would be made up: what the recipe does then is the recipe's, and if it does nothing, the run fails.

    Raises NotFound, or NotPossible with the reason.
    """
    hub.database.retrying(lambda: _skip(workspace, hub, run_id, position))


def _skip(workspace: Workspace, hub: Hub, run_id: int, position: int) -> None:
    with hub.database.write() as connection:
        _skip_within(connection, workspace, hub, taken(workspace, connection, run_id), position)


def _skip_within(connection: sa.Connection, workspace: Workspace, hub: Hub, run: Any, position: int) -> None:
    table, now = schema.step, hub.clock.now()
    mine = (table.c.run_id == run.id) & (table.c.position == position)
    step = connection.execute(sa.select(table).where(mine).with_for_update()).one_or_none()
    if run.ended_at is not None or step is None or step.state not in ("waiting", "claimed", "unknown"):
        raise NotPossible("This step is over already, so there is nothing to skip.")
    if step.state == "claimed":
        raise NotPossible("This step is on its way just now. If it does not come back, the hub will ask you.")
    sealer = hub.people.sealer(connection, workspace, run.person_id)
    if sealer is None:
        raise NotPossible("The person that this was about was erased.")
    connection.execute(sa.update(table).where(mine).values(reason=SKIPPED, **_as_skipped(step, sealer, now)))
    others = sa.select(table.c.position).where(table.c.run_id == run.id, table.c.state == "unknown").limit(1)
    if run.state != "held":
        let_go_on(connection, run.id, now)
    elif step.state == "unknown" and connection.execute(others).first() is None:
        let_go_on(connection, run.id, now, state="running", reason=None, leased_until=0)


def skip_doubts(workspace: Workspace, hub: Hub, run_id: int) -> None:
    """Skips, as `skip` does, each step of unknown outcome that a held run waits with. Raises NotFound, or NotPossible
    with the reason: a run that is held for anything else is not moved on by that."""
    hub.database.retrying(lambda: _skip_doubts(workspace, hub, run_id))


def _skip_doubts(workspace: Workspace, hub: Hub, run_id: int) -> None:
    with hub.database.write() as connection:
        skip_doubts_within(connection, workspace, hub, run_id)


def skip_doubts_within(connection: sa.Connection, workspace: Workspace, hub: Hub, run_id: int) -> None:
    """`skip_doubts` as part of a transaction, of which NotFound and NotPossible leave the rest good."""
    run, table = taken(workspace, connection, run_id), schema.step
    doubted = sa.select(table.c.position).where(table.c.run_id == run_id, table.c.state == "unknown")
    positions = connection.execute(doubted.order_by(table.c.position)).scalars().all()
    if run.state != "held" or not positions:
        raise NotPossible("No step of the run is in doubt, so there is nothing to skip.")
    for position in positions:
        _skip_within(connection, workspace, hub, run, position)


def _as_skipped(step: Any, sealer: Sealer, now: int) -> dict[str, Any]:
    if step.connection_id is None:
        return {"due_at": now}  # the engine answers it as it does when the time comes
    if _answers_nothing(step.action):
        return {"state": "dropped", "ended_at": now}
    error = values.write({"message": SKIPPED})
    answer = sealer.seal(error, f"step {step.run_id} {step.position} answer")
    return {"state": "refused", "ended_at": now, "answer": answer}


def _answers_nothing(action: str) -> bool:
    try:
        told = inspect.signature(registry.action(action).perform).return_annotation
    except HubError:
        return False
    return told in (None, "None")


def taken(workspace: Workspace, connection: sa.Connection, run_id: int) -> Any:
    """The run's row, locked: an engine that read it before finds its fence changed, and writes nothing."""
    table = schema.run
    query = sa.select(table).where(table.c.workspace_id == workspace.id, table.c.id == run_id)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise NotFound("There is no such run. See: hub runs")
    return row
