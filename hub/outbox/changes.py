"""What a round changes in steps and runs, collected before it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from .. import bulk, schema, values
from ..guards import Hold
from ..sealing import Sealer
from .steps import Broken, Name, Waiting


@dataclass
class Changes:
    """Rows to write, collected over a round. `ended` are runs that are over: none of their steps leaves again."""

    now: int
    fence: int
    ended: set[int] = field(default_factory=set)
    steps: list[dict[str, Any]] = field(default_factory=list)
    advanced: set[int] = field(default_factory=set)
    parked: set[int] = field(default_factory=set)
    later: dict[Name, int] = field(default_factory=dict)
    held: dict[int, str] = field(default_factory=dict)
    holds: list[dict[str, Any]] = field(default_factory=list)
    at_once: bool = False

    def end(self, step: Name, state: str, reason: str | None, answer: bytes | None, answer_id: bytes | None) -> None:
        self._change(step, state, reason=reason, answer=answer, answer_id=answer_id, ended_at=self.now)
        self.advanced.add(step[0])

    def again(
        self, step: Name, reason: str | None, due_at: int, *, parks: bool = True, is_attempt: bool = True
    ) -> None:
        """It did not happen: it waits again. If it `parks`, the person's later runs pass meanwhile. What never left
        is no attempt."""
        if step[0] in self.ended:
            self._change(step, "dropped", reason=reason, ended_at=self.now, is_attempt=is_attempt)
            return
        self._change(step, "waiting", reason=reason, due_at=due_at, is_attempt=is_attempt)
        if due_at > self.now:
            self.later[step] = due_at
        else:
            self.at_once = True
        if parks:
            self.parked.add(step[0])

    def hold(self, step: Name, hold: Hold) -> None:
        """A guard has it wait. Nothing that comes later about the person waits for it: each is looked at for itself."""
        if step[0] in self.ended:
            self._change(step, "dropped", reason=hold.reason, ended_at=self.now)
            return
        values = {"run_id": step[0], "position": step[1], "reason": hold.reason, "due_at": hold.until}
        self.holds.append(values | {"held_by": hold.by})
        self.parked.add(step[0])

    def look_back(self, step: Name, reason: str | None, due_at: int) -> None:
        """It may have happened: it stays claimed, and is looked for at the provider before anything else."""
        self._change(step, "claimed", reason=reason, due_at=due_at)
        self.parked.add(step[0])

    def unknown(self, step: Name, reason: str) -> None:
        self._change(step, "unknown", reason=reason)
        self.held[step[0]] = reason

    def _change(
        self,
        step: Name,
        state: str,
        *,
        reason: str | None,
        due_at: int | None = None,
        answer: bytes | None = None,
        answer_id: bytes | None = None,
        ended_at: int | None = None,
        is_attempt: bool = True,
    ) -> None:
        self.steps.append(
            {
                "run_id": step[0],
                "position": step[1],
                "state": state,
                "reason": reason,
                "due_at": due_at,
                "answer": answer,
                "answer_id": answer_id,
                "ended_at": ended_at,
                "no_attempt": 0 if is_attempt else 1,
            }
        )


def refuse(changes: Changes, step: Waiting, reason: str, status: int | None = None, code: str | None = None) -> None:
    """Ends a step as refused: the recipe gets a Rejected with this reason at its yield."""
    _refuse(changes, step.name, step.sealer, reason, status, code)


def give_up(changes: Changes, step: Broken) -> None:
    """Ends a step that cannot be opened: refused if it never left, else held for a person to find out."""
    if step.sealer is None:
        changes.end(step.name, "dropped", step.reason, None, None)
    elif step.left:
        changes.unknown(step.name, f"Whether it happened cannot be found out: {step.reason}")
    else:
        _refuse(changes, step.name, step.sealer, step.reason)


def _refuse(
    changes: Changes, name: Name, sealer: Sealer, reason: str, status: int | None = None, code: str | None = None
) -> None:
    error = values.write({"message": reason, "status": status, "code": None if code is None else str(code)})
    changes.end(name, "refused", reason, sealer.seal(error, f"step {name[0]} {name[1]} answer"), None)


def write_steps(database: sa.Connection, changes: Changes) -> None:
    """Writes the outcomes of steps that nobody ended meanwhile, as an erasure does."""
    _WRITE.run(database, changes.steps)
    _HOLD_STEP.run(database, changes.holds)


_WRITE = bulk.Update(
    schema.step,
    ["run_id", "position"],
    ["state", "reason", "due_at", "answer", "answer_id", "ended_at", "no_attempt"],
    also={"attempts": "step.attempts - new.no_attempt"},
    where="step.state IN ('claimed', 'waiting')",
)


_HOLD_STEP = bulk.Update(
    schema.step,
    ["run_id", "position"],
    ["reason", "due_at", "held_by"],
    also={"state": "'waiting'", "held_until": "new.due_at"},
    where="step.state IN ('claimed', 'waiting')",
)


def move_runs(database: sa.Connection, changes: Changes) -> bool:
    """Moves the runs on that have all the answers they wait for; says whether there were any.

    Their fence grows: an engine that read one before this outcome must decide on it anew, else it would write down
    that nothing came back.
    """
    moved = 0
    if changes.advanced:
        moved = database.execute(_GO_ON, {"ids": list(changes.advanced), "now": changes.now}).rowcount
    if changes.parked:
        database.execute(_PARK, {"ids": list(changes.parked)})
    for run_id, reason in changes.held.items():
        database.execute(_HOLD, {"run": run_id, "why": reason})
    return moved > 0


_run, _step = schema.run, schema.step
_live = _run.c.ended_at.is_(None)
_these = _run.c.id.in_(sa.bindparam("ids", expanding=True))
_ANEW = {"fence": _run.c.fence + 1, "leased_until": 0}

# Steps that were asked for together are answered together, so a run goes on with the last of its answers.
_waits = sa.exists().where(
    _step.c.run_id == _run.c.id,
    _step.c.connection_id.is_not(None),
    _step.c.state.in_(("waiting", "claimed", "unknown")),
)
_GO_ON = (
    sa.update(_run)
    .where(_these, _live, _run.c.state != "held", ~_waits)
    .values(due_at=sa.bindparam("now"), state="running", **_ANEW)
)
_PARK = sa.update(_run).where(_these, _live, _run.c.state == "running").values(state="waiting", **_ANEW)
_HOLD = (
    sa.update(_run)
    .where(_run.c.id == sa.bindparam("run"), _live)
    .values(state="held", reason=sa.bindparam("why"), due_at=None, **_ANEW)
)
