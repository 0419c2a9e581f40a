"""What happened: deliveries, events and runs; and what a person can do about a run that went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from ..timing import iso
from . import show
from .session import as_json, first_in, in_workspace, opened

if TYPE_CHECKING:
    from ..core import Hub
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


_SHAPES = {"running": "◐", "waiting": "◐", "done": "●", "stopped": "○", "failed": "▲", "held": "▲"}


def _state(state: str) -> str:
    return f"{_SHAPES[state]} {state}"


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


ID = click.IntRange(1, 2**63 - 1)
RUN_ID = click.argument("run_id", metavar="RUN", type=ID)


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
    click.echo(f"{run.recipe} (version {run.version[:8]}), run {run.id}: {_state(run.state)}")
    if run.reason:
        click.echo(f"  {show.plain(run.reason)}")
    click.echo()
    click.echo(f"{show.moment(event.at)}  {event.type}, came in {show.moment(event.received_at)}")
    if open_:
        click.echo(show.plain(f"    {story.data}"))
    for line in story.steps:
        click.echo(f"{show.moment(line.ended_at or line.asked_at)}  {line.title} ({line.action})")
        click.echo(f"    {show.plain(line.outcome)}")
        if open_:
            click.echo(show.plain(f"    asked: {line.inputs}"))
            click.echo(show.plain(f"    answer: {line.answer}"))
    if run.ended_at is not None:
        click.echo(f"{show.moment(run.ended_at)}  The run ended.")
    elif run.state == "held":
        click.echo(f"\nIt waits for you. Let it go on: hub retry {run.id} · or end it: hub cancel {run.id}")
    elif run.due_at is not None:
        click.echo(f"{show.moment(run.due_at)}  It goes on then.")


@click.command()
@RUN_ID
@in_workspace
def retry(run_id: int, workspace: str | None) -> None:
    """Let a held or failed run go on."""
    from .. import runs

    with opened() as hub:
        done = first_in(hub, workspace, lambda place: runs.retry(place, hub, run_id))
    parts = ["The run goes on"]
    if done.moved:
        parts.append("with the recipe's edited code")
    if done.steps:
        parts.append(f"and tries {_steps(done.steps)} again")
    if done.asked:
        parts.append(f"and asks the service whether {_steps(done.asked)} happened")
    click.echo(f"{' '.join(parts)}. See: hub run {run_id}")


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


@click.command()
@RUN_ID
@in_workspace
def cancel(run_id: int, workspace: str | None) -> None:
    """End a run for good."""
    from .. import runs

    with opened() as hub:
        dropped = first_in(hub, workspace, lambda place: runs.cancel(place, hub, run_id))
    rest = f" {_steps(dropped)} that waited will not happen." if dropped else ""
    click.echo(f"The run is cancelled.{rest}")


@click.command()
@click.argument("event_id", metavar="ID", type=ID)
@in_workspace
@as_json
def replay(event_id: int, workspace: str | None, json: bool) -> None:
    """Act on an event again, or read an unreadable delivery again.

    ID is an event's or a delivery's. A recipe that ran for the event already does not run twice.
    """
    with opened() as hub:
        show_replayed(_replay(hub, workspace, event_id), json)


def _replay(hub: Hub, workspace: str | None, any_id: int) -> dict[str, Any]:
    from webhooks.again import read_again, start_again

    from ..errors import NotFound

    try:
        done = first_in(hub, workspace, lambda place: start_again(place, hub, any_id))
    except NotFound:
        try:
            first_in(hub, workspace, lambda place: read_again(place, hub, any_id))
        except NotFound:
            raise NotFound("There is no event or delivery of this id. See: hub events, hub deliveries") from None
        return {"read_again": True, "started": [], "skipped": {}}
    started = [{"recipe": recipe, "run": str(run_id)} for recipe, run_id in done.started.items()]
    return {"read_again": False, "started": started, "skipped": done.skipped}


def show_replayed(done: dict[str, Any], json: bool) -> None:
    """Says what a replay started, or why it started nothing."""
    if json:
        show.document(done)
        return
    if done["read_again"]:
        click.echo("The delivery is read again by the running hub. See: hub deliveries")
        return
    for item in done["started"]:
        click.echo(f"{item['recipe']} started. See: hub run {item['run']}")
    for name, why in done["skipped"].items():
        click.echo(f"{name} did not start. {show.plain(why)}")
    if not done["started"] and not done["skipped"]:
        click.echo("No recipe that is on starts with this event. See: hub recipes")
