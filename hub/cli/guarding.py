"""Answering what the brake asks: whether unusually many messages of a recipe should leave."""

from __future__ import annotations

import click

from ..setup.words import counted
from . import show
from .session import as_json, in_workspace, opened


@click.group()
def brake() -> None:
    """Say whether unusually many messages of a recipe should leave."""


@brake.command("list")
@in_workspace
@as_json
def list_questions(workspace: str | None, json: bool) -> None:
    """List the recipes whose messages wait for your answer."""
    from ..guards import brake as guard
    from ..timing import iso

    with opened() as hub:
        found = guard.unusual(hub, hub.workspaces.named(workspace))
    if json:
        show.document([vars(item) | {"asked_at": iso(item.asked_at), "says": item.says} for item in found])
        return
    rows = [(item.recipe, item.waiting, item.usual or "not known", show.moment(item.asked_at)) for item in found]
    show.table(
        ["recipe", "messages that wait", "on a busy day", "since"],
        rows,
        empty="No recipe sends unusually much, so nothing waits for you.",
    )


@brake.command("go-on")
@click.argument("recipe")
@in_workspace
def go_on(recipe: str, workspace: str | None) -> None:
    """Let them leave. What the recipe asks for from here on is looked at anew."""
    click.echo(f"{_answer(recipe, workspace, go_on=True)} may leave.")


@brake.command()
@click.argument("recipe")
@in_workspace
def stop(recipe: str, workspace: str | None) -> None:
    """Have none of them leave."""
    click.echo(f"{_answer(recipe, workspace, go_on=False)} will not leave.")


def _answer(recipe: str, workspace: str | None, *, go_on: bool) -> str:
    from ..guards import brake as guard

    with opened() as hub:
        return counted(guard.answer(hub, hub.workspaces.named(workspace), recipe, go_on=go_on), "message")
