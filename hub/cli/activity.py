"""What happened: deliveries, events and runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from ..setup.words import run_state
from ..timing import iso
from . import show
from .session import RUN_ID, as_json, first_in, in_workspace, opened

if TYPE_CHECKING:
    from ..history import EventLine, RunLine, StepLine, Story
    from ..workspaces import Workspace

Listing = Callable[..., None]


def _listing(*states: str) -> Callable[[Listing], click.Command]:
    """A command with the options of a listing."""

    def make(function: Listing) -> click.Command:
        for option in (
            click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, metavar="N"),
            click.option("--state", type=click.Choice(states)),
            as_json,
            in_workspace,
        ):
            function = option(function)
        return click.command()(function)

    return make


@_listing("new", "read", "unreadable")
def deliveries(workspace: str | None, json: bool, state: str | None, limit: int) -> None:
    """List what providers delivered, newest first."""
    from .. import history

    with opened() as hub:
        found = history.deliveries(hub.workspaces.named(workspace), hub, state=state, limit=limit)
    if json:
        show.document(
            [
                {
                    "id": str(line.id),
                    "connection": line.connection_id,
                    "connector": line.connector,
                    "received_at": iso(line.received_at),
                    "state": line.state,
                    "reason": line.reason,
                    "events": line.events,
                    "kept": line.kept,
                }
                for line in found
            ]
        )
        return
    rows = [(show.moment(d.received_at), d.id, d.connector, d.state, d.events, d.reason) for d in found]
    show.table(
        ["received (UTC)", "id", "connector", "state", "events", "reason"],
        rows,
        empty="Nothing was delivered yet. hub connections --json shows where services must deliver to.",
    )
    if any(line.state == "unreadable" and line.kept for line in found):
        click.echo("\nOnce what made one unreadable is repaired, have it read again: hub replay ID")


@_listing("taken", "echo", "unknown")
def events(workspace: str | None, json: bool, state: str | None, limit: int) -> None:
    """List what happened in the connected services, newest first."""
    from .. import history

    with opened() as hub:
        found = history.events(hub.workspaces.named(workspace), hub, state=state, limit=limit)
    if json:
        show.document([_event(line) | _consequences(line) for line in found])
        return
    rows = [(show.moment(line.at), line.id, line.type, line.state, _led_to(line)) for line in found]
    show.table(
        ["happened (UTC)", "id", "type", "state", "led to"],
        rows,
        empty="No event came yet. Let one happen at a practice account: hub practice order",
    )


def _event(line: EventLine) -> dict[str, Any]:
    return {
        "id": str(line.id),
        "connection": line.connection_id,
        "connector": line.connector,
        "type": line.type,
        "at": iso(line.at),
        "received_at": iso(line.received_at),
        "state": line.state,
    }


def _consequences(line: EventLine) -> dict[str, Any]:
    started = [{"recipe": recipe, "run": str(run_id)} for recipe, run_id in line.started]
    return {"started": started, "skipped": dict(line.skipped)}


def _led_to(line: EventLine) -> str:
    parts = [recipe for recipe, _ in line.started] + [f"not {name}: {why}" for name, why in line.skipped.items()]
    return " · ".join(parts)


@_listing("running", "waiting", "done", "stopped", "failed", "held")
def runs(workspace: str | None, json: bool, state: str | None, limit: int) -> None:
    """List the runs of recipes, newest first."""
    from .. import history

    with opened() as hub:
        found = history.runs(hub.workspaces.named(workspace), hub, state=state, limit=limit)
    if json:
        show.document([_run(line) for line in found])
        return
    rows = [(show.moment(r.started_at), r.id, r.recipe, _state(r.state), r.event_type, r.reason) for r in found]
    show.table(
        ["started (UTC)", "id", "recipe", "state", "started by", "reason"],
        rows,
        empty="No recipe ran yet. Let something happen at a practice account: hub practice order",
    )


def _state(state: str) -> str:
    return f"{run_state(state).shape} {state}"


def _run(line: RunLine) -> dict[str, Any]:
    return {
        "id": str(line.id),
        "recipe": line.recipe,
        "version": line.version,
        "state": line.state,
        "reason": line.reason,
        "event_type": line.event_type,
        "started_at": iso(line.started_at),
        "ended_at": iso(line.ended_at),
        "due_at": iso(line.due_at),
    }


@click.command()
@RUN_ID
@in_workspace
@as_json
@click.option("--open", "open_", is_flag=True, help="Show also what the event and the steps say: personal data.")
def run(run_id: int, workspace: str | None, json: bool, open_: bool) -> None:
    """Show one run: its steps, with times, outcomes and reasons."""
    from .. import history

    with opened() as hub:

        def look(place: Workspace) -> Story:
            return history.story(place, hub, run_id, opened=open_)

        story = first_in(hub, workspace, look)
    if json:
        show.document(_story(story, open_))
    else:
        _print_story(story, open_)


def _story(story: Story, open_: bool) -> dict[str, Any]:
    event = _event(story.event) | ({"data": story.data} if open_ else {})
    steps = [_step(line) | ({"inputs": line.inputs, "answer": line.answer} if open_ else {}) for line in story.steps]
    return _run(story.run) | {"event": event, "steps": steps}


def _step(line: StepLine) -> dict[str, Any]:
    return {
        "position": line.position,
        "action": line.action,
        "title": line.title,
        "state": line.state,
        "attempts": line.attempts,
        "at": iso(line.ended_at or line.asked_at),
        "asked_at": iso(line.asked_at),
        "ended_at": iso(line.ended_at),
        "due_at": iso(line.due_at),
        "outcome": line.outcome,
        "reason": line.reason,
    }


def _print_story(story: Story, open_: bool) -> None:
    run, event = story.run, story.event
    click.echo(f"{run.recipe} (version {run.version[:8]}), run {run.id}: {_state(run.state)} · times are in UTC")
    if run.reason:
        click.echo(f"  {show.plain(run.reason)}")
    click.echo()
    click.echo(f"{show.moment(event.at)}  {event.type}, came in {show.moment(event.received_at)}")
    if open_:
        click.echo(show.plain(f"    {_opened(story.data)}"))
    for line in story.steps:
        click.echo(f"{show.moment(line.ended_at or line.asked_at)}  {line.title} ({line.action})")
        click.echo(f"    {show.plain(line.outcome)}")
        if open_:
            click.echo(show.plain(f"    asked: {_opened(line.inputs)}"))
            if line.answer is not None:
                click.echo(show.plain(f"    answer: {line.answer}"))
    if run.ended_at is not None:
        click.echo(f"{show.moment(run.ended_at)}  The run ended.")
    if run.state == "failed":
        click.echo(f"\nIf the reason is gone, try it again: hub retry {run.id}")
    elif run.state == "held":
        click.echo(f"\nIt waits for you. Let it go on: hub retry {run.id} · or end it: hub cancel {run.id}")
    elif run.due_at is not None:
        click.echo(f"{show.moment(run.due_at)}  It goes on then.")


def _opened(said: Any) -> Any:
    return "(gone: its time was over, or its person was erased)" if said is None else said
