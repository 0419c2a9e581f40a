"""Long work that somebody asked for on a page, done in portions by the clock: many runs tried again, ended, skipped on
or started anew, one person erased. It goes on whatever becomes of the page or the process, and does nothing twice: what
a portion did and how far it came are written together.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from webhooks import again

from . import runs, schema
from .core import Hub
from .errors import NotFound
from .ids import new_id
from .runs import NotPossible
from .workspaces import Workspace

RETRY, CANCEL, SKIP, REPLAY, ERASE = "retry", "cancel", "skip", "replay", "erase"
GOING, DONE, STOPPED = "going", "done", "stopped"

Act = Callable[[sa.Connection, int], object]

_STATE_OF = {SKIP: "held", REPLAY: "failed"}
"""The state of the runs that a kind is about, which is not written down with it: a clock that knows nothing of this
kind then finds no runs, instead of doing something else to them."""

PORTION = 25
"""Runs in one transaction: as long as others wait who want to write."""

AT_ONCE_SECONDS, PAUSE_SECONDS = 1.0, 0.01
"""How long it is worked at before something else that comes round has its turn; and left to others in between."""


@dataclass(frozen=True)
class Task:
    """Long work: `done` and `refused` of `of` so far. Instants are milliseconds since 1970."""

    id: int
    kind: str
    state: str
    of: int
    done: int
    refused: int
    started_at: int
    ended_at: int | None
    receipt: dict[str, int]


def begin(
    hub: Hub, workspace: Workspace, user_id: int | None, kind: str, run_state: str, recipe: str | None = None
) -> int | None:
    """Has all runs that are in this state be tried again or ended; or skip what they are in doubt about (`SKIP`, where
    they are held), or start anew (`REPLAY`, where they failed). Those of one recipe, if it is given. Gives the task's
    id, or None if there are none. Runs that come into the state later are not meant."""
    run = schema.run
    with hub.database.write() as connection:
        meant = sa.select(sa.func.count(), sa.func.max(run.c.id)).where(*_meant(workspace.id, run_state, recipe))
        count, last = connection.execute(meant).one()
        if not count:
            return None
        about = {"recipe": recipe, "until": last, "of": count}
        if kind not in _STATE_OF:
            about["run_state"] = run_state
        return _insert(hub, connection, workspace, user_id, kind, about)


def begin_erasing(hub: Hub, workspace: Workspace, user_id: int | None, name: bytes) -> int:
    """Has whoever has this name, a keyed hash, be erased; gives the task's id."""
    with hub.database.write() as connection:
        return _insert(hub, connection, workspace, user_id, ERASE, {"hash": name, "until": 0, "of": 1})


def get(hub: Hub, workspace: Workspace, task_id: int) -> Task:
    """One task. Raises NotFound."""
    table = schema.task
    with hub.database.read() as connection:
        row = connection.execute(
            sa.select(table).where(table.c.workspace_id == workspace.id, table.c.id == task_id)
        ).one_or_none()
    if row is None:
        raise NotFound("There is no such work.")
    return _task(row)


def latest(hub: Hub, workspace: Workspace, limit: int) -> list[Task]:
    """The workspace's latest tasks, newest first."""
    table = schema.task
    query = sa.select(table).where(table.c.workspace_id == workspace.id).order_by(table.c.id.desc()).limit(limit)
    with hub.database.read() as connection:
        return [_task(row) for row in connection.execute(query)]


def stop(hub: Hub, workspace: Workspace, task_id: int) -> bool:
    """Ends a task where it is; whether it was still going on. What is done stays done. Erasing cannot be stopped."""
    table = schema.task
    mine = (table.c.workspace_id == workspace.id) & (table.c.id == task_id)
    with hub.database.write() as connection:
        going = mine & (table.c.state == GOING) & (table.c.kind != ERASE)
        ended = {"state": STOPPED, "ended_at": hub.clock.now()}
        return connection.execute(sa.update(table).where(going).values(ended)).rowcount > 0


def go_on(hub: Hub, is_over: Callable[[], bool] = lambda: False) -> int:
    """Does some of what is to be done, oldest first, for about a second; gives how many portions. `is_over` tells that
    nothing more is to be begun. What fails is tried again, and holds up no other task."""
    table, ends, portions = schema.task, time.monotonic() + AT_ONCE_SECONDS, 0
    trouble: Exception | None = None
    with hub.database.read() as connection:
        going = sa.select(table.c.id).where(table.c.state == sa.literal_column("'going'")).order_by(table.c.id)
        ids = connection.execute(going).scalars().all()
    for task_id in ids:
        try:
            while time.monotonic() < ends and not is_over() and _portion(hub, task_id):
                portions += 1
                hub.pause(PAUSE_SECONDS)
        except Exception as error:
            trouble = error
    if trouble is not None:
        raise trouble
    return portions


def _portion(hub: Hub, task_id: int) -> bool:
    """Does a portion of a task; whether there was one."""
    table = schema.task
    with hub.database.read() as connection:
        row = connection.execute(sa.select(table).where(table.c.id == task_id)).one()
    if row.state != GOING:
        return False
    workspace = hub.workspaces.get(row.workspace_id)
    if row.kind == ERASE:
        _erase(hub, workspace, task_id, bytes(row.hash))
        return True
    act = _act(hub, workspace, row.kind)
    return hub.database.retrying(lambda: _act_on_runs(hub, task_id, act))


def _act(hub: Hub, workspace: Workspace, kind: str) -> Act:
    """What is done to each run, as part of a portion's transaction."""
    if kind == RETRY:
        fresh = runs.codes(workspace, hub)
        return lambda connection, run_id: runs.retry_within(connection, workspace, hub, run_id, fresh)
    if kind == CANCEL:
        return lambda connection, run_id: runs.cancel_within(connection, workspace, hub, run_id)
    if kind == SKIP:
        return lambda connection, run_id: runs.skip_doubts_within(connection, workspace, hub, run_id)
    enabled = list(hub.enabled.of(workspace))
    return lambda connection, run_id: again.run_anew_within(connection, workspace, hub, run_id, enabled)


def _act_on_runs(hub: Hub, task_id: int, act: Act) -> bool:
    run, table = schema.run, schema.task
    with hub.database.write() as connection:
        # Read again, and locked: another process may have done a portion meanwhile, or somebody stopped it.
        row = connection.execute(sa.select(table).where(table.c.id == task_id).with_for_update()).one()
        if row.state != GOING:
            return False
        query = sa.select(run.c.id).where(
            *_meant(row.workspace_id, row.run_state or _STATE_OF[row.kind], row.recipe),
            run.c.id > row.place,
            run.c.id <= row.until,
        )
        ids = connection.execute(query.order_by(run.c.id).limit(PORTION)).scalars().all()
        refused = sum(not _acted(connection, run_id, act) for run_id in ids)
        fresh: dict[str, Any] = {"done": table.c.done + len(ids) - refused, "refused": table.c.refused + refused}
        if ids:
            fresh["place"] = ids[-1]
        if len(ids) < PORTION:
            # Who left the state in the meantime was not met: somebody else saw to it.
            gone = row.of - row.done - row.refused - len(ids)
            ended = {"state": DONE, "ended_at": hub.clock.now(), "refused": table.c.refused + refused + max(0, gone)}
            fresh |= ended
        connection.execute(sa.update(table).where(table.c.id == task_id).values(fresh))
    return True


def _acted(connection: sa.Connection, run_id: int, act: Act) -> bool:
    try:
        act(connection, run_id)
    except (NotPossible, again.NotAgain):
        return False
    return True


def _erase(hub: Hub, workspace: Workspace, task_id: int, name: bytes) -> None:
    table = schema.task
    mine = table.c.id == task_id

    def note(connection: sa.Connection, found: Counter[str]) -> None:
        # Counted where it is removed: if the process ends here, what is left to do finds nothing to count.
        told = connection.execute(sa.select(table.c.receipt).where(mine).with_for_update()).scalar()
        sums = Counter(json.loads(told or "{}"))
        sums.update(found)
        connection.execute(sa.update(table).where(mine).values(receipt=json.dumps(sums)))

    receipt = hub.privacy.erase_named(workspace, name, note)
    with hub.database.write() as connection:
        told = connection.execute(sa.select(table.c.receipt).where(mine).with_for_update()).scalar()
        sums = json.loads(told or "{}") | {"backups": receipt.backups, "unreached": receipt.unreached}
        ended = {"state": DONE, "ended_at": hub.clock.now(), "done": 1, "hash": None, "receipt": json.dumps(sums)}
        connection.execute(sa.update(table).where(mine).values(ended))


def _meant(workspace_id: int, run_state: str, recipe: str | None) -> list[sa.ColumnElement[bool]]:
    """The runs that a task is about. The state is part of the statement, so that the index over just these is used."""
    if run_state not in ("held", "failed"):
        raise ValueError("Tasks are about runs that are held or failed.")
    run = schema.run
    mine = run.c.workspace_id + 0 == workspace_id if run_state == "held" else run.c.workspace_id == workspace_id
    found: list[sa.ColumnElement[bool]] = [mine, run.c.state == sa.literal_column(f"'{run_state}'")]
    return found + ([run.c.recipe == recipe] if recipe else [])


def _insert(
    hub: Hub, connection: sa.Connection, workspace: Workspace, user_id: int | None, kind: str, about: dict[str, Any]
) -> int:
    task_id = new_id()
    row = {
        "id": task_id,
        "workspace_id": workspace.id,
        "user_id": user_id,
        "kind": kind,
        "state": GOING,
        "place": 0,
        "done": 0,
        "refused": 0,
        "started_at": hub.clock.now(),
    }
    connection.execute(sa.insert(schema.task).values(row | about))
    return task_id


def _task(row: Any) -> Task:
    receipt = json.loads(row.receipt or "{}")
    return Task(row.id, row.kind, row.state, row.of, row.done, row.refused, row.started_at, row.ended_at, receipt)
