"""Questions that a recipe asks somebody of the business, and their answers: on a page, by a signed link, by command."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from . import events, schema, values
from .core import Hub
from .errors import NotFound, SettingInvalid
from .runs import NotPossible, let_go_on, taken
from .sealing import Sealer
from .wakeups import ADVANCE
from .workspaces import Workspace

MOST_CHARACTERS = 2000
"""Of an answer that somebody writes."""

ANSWERED = "Answered by a person."

_OPEN: sa.ColumnElement[bool] = sa.literal_column("step.action = 'ask_person' AND step.state = 'waiting'")
"""SQLite takes the index over open questions only for these very words, not for bound values."""


@dataclass(frozen=True)
class Question:
    """A question that waits. `choices` is empty where a text is asked for; at `until`, in milliseconds since 1970, the
    run goes on with `default`. What it says may be personal."""

    workspace_id: int
    run_id: int
    position: int
    recipe: str
    asked_at: int
    until: int
    text: str = field(repr=False)
    choices: tuple[str, ...] = field(repr=False)
    default: str | None = field(repr=False)


def count(hub: Hub, workspace: Workspace) -> tuple[int, int | None]:
    """How many questions wait in a workspace, and when the newest was asked."""
    table = schema.step
    query = sa.select(sa.func.count(), sa.func.max(table.c.asked_at)).where(table.c.workspace_id == workspace.id, _OPEN)
    with hub.database.read() as connection:
        found, newest = connection.execute(query).one()
    return found, newest


def waiting(hub: Hub, workspace: Workspace, limit: int, *, newest: bool = False) -> list[Question]:
    """The oldest questions that wait in a workspace, or the newest; those first whose time is over first."""
    order = schema.step.c.asked_at.desc() if newest else schema.step.c.asked_at
    with hub.database.read() as connection:
        rows = connection.execute(_query(workspace).where(_OPEN).order_by(order).limit(limit)).all()
        sealers = hub.people.sealers(connection, workspace, {row.person_id for row in rows})
    found = (_opened(workspace, row, sealers[row.person_id]) for row in rows)
    return sorted((question for question in found if question), key=lambda question: question.until)


def get(hub: Hub, workspace: Workspace, run_id: int, position: int | None = None) -> Question:
    """The question that a run asks, of several the first, or the one at this position. Raises NotFound if it asks none
    that waits."""
    table = schema.step
    mine = (table.c.run_id == run_id) & (sa.true() if position is None else table.c.position == position)
    with hub.database.read() as connection:
        row = connection.execute(_query(workspace).where(mine, _OPEN).order_by(table.c.position).limit(1)).one_or_none()
        sealer = hub.people.sealers(connection, workspace, {row.person_id})[row.person_id] if row else None
    question = _opened(workspace, row, sealer) if row else None
    if question is None:
        raise NotFound("There is no such question. It may be answered already, or its time is over. See: hub questions")
    return question


def whom(hub: Hub, workspace: Workspace, question: Question) -> tuple[str, ...]:
    """Whom a question is about: their e-mail and their number, as far as the event of its run tells them."""
    run, event = schema.run, schema.event
    joined = sa.select(event, run.c.person_id.label("about")).join_from(run, event, event.c.id == run.c.event_id)
    with hub.database.read() as connection:
        mine = (run.c.id == question.run_id) & (run.c.workspace_id == workspace.id)
        row = connection.execute(joined.where(mine)).one_or_none()
        sealer = hub.people.sealer(connection, workspace, row.about) if row else None
    told = events.opened(row, sealer) if row else None
    return tuple(name for name in (told.person.email, told.person.phone) if name) if told else ()


def answer(hub: Hub, workspace: Workspace, question: Question, given: str) -> None:
    """Answers a question, once: the run goes on with it.

    Raises SettingInvalid for what is none of its choices, or no text, and NotPossible if it was answered meanwhile.
    """
    said = _checked(question, given)
    hub.database.retrying(lambda: _answer(hub, workspace, question, said))
    hub.wakeups.wake(ADVANCE)


def _checked(question: Question, given: str) -> str:
    said = given.strip()
    if question.choices and said not in question.choices:
        raise SettingInvalid(f"Choose one of: {', '.join(question.choices)}.")
    if not said:
        raise SettingInvalid("Write an answer first.")
    if len(said) > MOST_CHARACTERS:
        raise SettingInvalid(f"At most {MOST_CHARACTERS:,} characters, please.")
    return said


def _answer(hub: Hub, workspace: Workspace, question: Question, said: str) -> None:
    table, now = schema.step, hub.clock.now()
    mine = (table.c.run_id == question.run_id) & (table.c.position == question.position)
    with hub.database.write() as connection:
        run = taken(workspace, connection, question.run_id)
        sealer = hub.people.sealer(connection, workspace, run.person_id)
        if run.ended_at is not None or sealer is None:
            raise NotPossible("What this was about is over, so there is nothing to answer.")
        sealed = sealer.seal(values.write(said), f"step {question.run_id} {question.position} answer")
        done = connection.execute(
            sa.update(table).where(mine, _OPEN).values(state="done", answer=sealed, reason=ANSWERED, ended_at=now)
        )
        if not done.rowcount:
            raise NotPossible("Somebody answered this already, or its time is over.")
        let_go_on(connection, question.run_id, now)


# ---- links


def link(hub: Hub, question: Question) -> str:
    """An address where whoever has it answers this question, without signing in, as long as it waits."""
    about = f"{question.workspace_id}.{question.run_id}.{question.position}"
    return f"{hub.settings.public_url}/answer/{about}.{_signature(hub, about)}"


def of_link(hub: Hub, word: str) -> tuple[Workspace, Question]:
    """The question that a link is about. Raises NotFound if it waits no more, or the link is none of ours."""
    about, _, signature = word.rpartition(".")
    if not hmac.compare_digest(_signature(hub, about).encode(), signature.encode(errors="replace")):
        raise NotFound("This link is not complete. Open it again from the message, or sign in.")
    workspace_id, run_id, position = (int(part) for part in about.split("."))
    workspace = hub.workspaces.get(workspace_id)
    return workspace, get(hub, workspace, run_id, position)


def _signature(hub: Hub, about: str) -> str:
    return base64.urlsafe_b64encode(hub.workspaces.hub_key().hashed("answer", about)).decode().rstrip("=")


# ---- reading


def _query(workspace: Workspace) -> sa.Select[Any]:
    table, run = schema.step, schema.run
    shown = (table.c.run_id, table.c.position, table.c.person_id, table.c.asked_at, table.c.due_at, table.c.inputs)
    joined = sa.select(*shown, run.c.recipe).join_from(table, run, run.c.id == table.c.run_id)
    return joined.where(table.c.workspace_id == workspace.id)


def _opened(workspace: Workspace, row: Any, sealer: Sealer | None) -> Question | None:
    """The question of a row; None if whom it was about is erased."""
    if sealer is None or row.inputs is None:
        return None
    inputs = values.read(sealer.open(row.inputs, f"step {row.run_id} {row.position} inputs"))
    return Question(
        workspace.id,
        row.run_id,
        row.position,
        row.recipe,
        row.asked_at,
        row.due_at,
        inputs["question"],
        tuple(inputs["choices"]),
        inputs["default"],
    )
