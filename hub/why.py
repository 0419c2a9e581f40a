"""Why somebody did or did not get what a recipe does, in words, from what was recorded: for the page and `hub why`.

For each event about the person that could have started the recipe: the run that it started and what became of its
messages, or why it started none. Besides that, what stands in the way of marketing to them just now.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from . import erasure, history, pausing, registry, schema
from .core import Hub
from .errors import HubError, NotFound
from .guards import brake, complaints
from .history import StepLine
from .recipe import Recipe
from .workspaces import Workspace

LATEST = 20

_CHANNELS = {"email": "e-mail", "sms": "text message"}


@dataclass(frozen=True)
class Answer:
    """What became of one event, at `at` in milliseconds since 1970; `run_id` and `state` are its run's, if it started
    one."""

    at: int
    event: str
    says: str
    run_id: int | None = None
    state: str | None = None


@dataclass(frozen=True)
class Why:
    """The answers, newest first; `says` is the shortest one, and `meanwhile` what holds marketing back just now."""

    says: str
    answers: tuple[Answer, ...]
    meanwhile: tuple[str, ...]


def why(hub: Hub, workspace: Workspace, name: bytes, recipe: str, limit: int = LATEST) -> Why:
    """What became of a recipe for whoever has this name, a keyed hash. Raises NotFound if there is no such recipe."""
    with hub.database.read() as database:
        switched = _switched(database, workspace, recipe)
        declared = _declared(recipe)
        if declared is None and not switched:
            raise NotFound(f"There is no recipe {recipe!r}. See which there are with: hub recipes")
        ids = erasure.known_by(database, workspace.id, {name})
        names = {name} | erasure.names_of(database, ids)
        meanwhile = tuple(_meanwhile(hub, database, workspace, ids, names, recipe))
        kinds = [match.type for match in declared.on] if declared else []
        events = _events(database, workspace, ids, kinds, limit)
        runs = _runs(database, workspace, recipe, [row.id for row in events])
    answers = []
    for row in events:
        if row.id in runs:
            answers += [_of_run(hub, workspace, row, run_id) for run_id in runs[row.id]]
        else:
            answers.append(Answer(row.at, row.type, _not_started(row, recipe, switched)))
    return Why(_in_short(answers, ids, switched, kinds), tuple(answers), meanwhile)


def _declared(recipe: str) -> Recipe | None:
    try:
        return registry.recipe(recipe)
    except HubError:
        return None


def _switched(database: sa.Connection, workspace: Workspace, recipe: str) -> Sequence[Any]:
    """When the recipe was on, and with which accounts; the oldest first."""
    table = schema.enabled_recipe
    query = sa.select(table.c.enabled_at, table.c.disabled_at, table.c.connections)
    mine = query.where(table.c.workspace_id == workspace.id, table.c.recipe == recipe)
    return database.execute(mine.order_by(table.c.id)).all()


def _events(
    database: sa.Connection, workspace: Workspace, ids: Collection[int], kinds: Collection[str], limit: int
) -> Sequence[Any]:
    table = schema.event
    query = (
        sa.select(table.c.id, table.c.type, table.c.at, table.c.received_at, table.c.state, table.c.skipped)
        .add_columns(table.c.connection_id)
        .where(table.c.workspace_id == workspace.id, table.c.person_id.in_(sorted(ids)), table.c.type.in_(kinds))
        .order_by(table.c.id.desc())
        .limit(limit)
    )
    return database.execute(query).all() if ids and kinds else ()


def _runs(
    database: sa.Connection, workspace: Workspace, recipe: str, event_ids: Collection[int]
) -> Mapping[int, list[int]]:
    table, found = schema.run, dict[int, list[int]]()
    query = sa.select(table.c.event_id, table.c.id).where(
        table.c.workspace_id == workspace.id, table.c.recipe == recipe, table.c.event_id.in_(sorted(event_ids))
    )
    for row in database.execute(query.order_by(table.c.id.desc())) if event_ids else ():
        found.setdefault(row.event_id, []).append(row.id)
    return found


def _not_started(row: Any, recipe: str, switched: Sequence[Any]) -> str:
    """Why an event started no run of the recipe."""
    if said := json.loads(row.skipped or "{}").get(recipe):
        return str(said)
    if row.state == "echo":
        return "Our own change caused it, so it started nothing."
    on = [one for one in switched if one.enabled_at <= row.received_at <= (one.disabled_at or row.received_at)]
    if not on:
        return "The recipe was not on when it came in."
    if all(row.connection_id not in json.loads(one.connections).values() for one in on):
        return "It came from an account that the recipe does not listen to."
    return "It is not what the recipe starts with, or came before it was read in full."


def _of_run(hub: Hub, workspace: Workspace, row: Any, run_id: int) -> Answer:
    """What became of a run: of its messages, or of whatever it waits for, and how it ended."""
    story = history.story(workspace, hub, run_id)
    run, messages = story.run, [step for step in story.steps if _writes(step)]
    says = [f"{step.title}: {step.outcome}" for step in messages]
    pending = next((step for step in story.steps if step.ended_at is None), None)
    if run.ended_at is None and pending is not None and pending not in messages:
        says.append(f"{pending.title}: {pending.outcome}")
    if run.reason and not any(run.reason in said for said in says):
        says.append(run.reason)
    return Answer(row.at, row.type, " ".join(says) or "It did all that it does.", run_id, run.state)


def _writes(step: StepLine) -> bool:
    try:
        return registry.action(step.action).writes_by is not None
    except HubError:
        return False


def _in_short(answers: Sequence[Answer], ids: Collection[int], switched: Sequence[Any], kinds: Sequence[str]) -> str:
    if answers:
        return answers[0].says
    if not switched:
        return "The recipe was never on."
    if not ids:
        return "Nobody is known by this name: nothing that came in was about them."
    return f"Nothing happened to them that starts it ({', '.join(dict.fromkeys(kinds))}), as far as it is kept."


def _meanwhile(
    hub: Hub,
    database: sa.Connection,
    workspace: Workspace,
    ids: Collection[int],
    names: Collection[bytes],
    recipe: str,
) -> Iterator[str]:
    """What holds marketing to them back, whatever the event."""
    table = schema.consent
    mine = (table.c.workspace_id == workspace.id) & table.c.hash.in_(sorted(names))
    query = sa.select(table.c.channel).where(mine, table.c.given.is_(False)).order_by(table.c.channel)
    for channel in dict.fromkeys(database.execute(query).scalars()):
        yield f"They said no to marketing by {_CHANNELS.get(channel, channel)}."
    if ids and complaints.names_of(database, ids):
        yield "They have an open complaint, so marketing waits."
    if any(question.recipe == recipe for question in brake.unusual(hub, workspace)):
        yield "The recipe sends unusually much, and waits for somebody's answer."
    if pausing.paused_at(hub, workspace) is not None:
        yield "All sending is paused."
