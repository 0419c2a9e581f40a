"""What a person can do about what happened: let a run go on, end it, act on an event again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..setup.words import counted
from . import show
from .session import RUN_ID, Id, as_json, first_in, in_workspace, opened

if TYPE_CHECKING:
    from ..core import Hub


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
        parts.append(f"and tries {counted(done.steps, 'step')} again")
    if done.asked:
        parts.append(f"and asks the service whether {counted(done.asked, 'step')} happened")
    click.echo(f"{' '.join(parts)}. See: hub run {run_id}")


@click.command()
@RUN_ID
@in_workspace
def cancel(run_id: int, workspace: str | None) -> None:
    """End a run for good."""
    from .. import runs

    with opened() as hub:
        dropped = first_in(hub, workspace, lambda place: runs.cancel(place, hub, run_id))
    rest = f" {counted(dropped, 'step')} that waited will not happen." if dropped else ""
    click.echo(f"The run is cancelled.{rest}")


@click.command()
@click.argument("event_id", metavar="ID", type=Id("hub events, hub deliveries"))
@in_workspace
@as_json
def replay(event_id: int, workspace: str | None, json: bool) -> None:
    """Act on an event again, or read an unreadable delivery again.

    ID is an event's or a delivery's. A recipe that ran for the event already does not run twice.
    """
    with opened() as hub:
        _show_replayed(_replay(hub, workspace, event_id), json)


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


def _show_replayed(done: dict[str, Any], json: bool) -> None:
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
