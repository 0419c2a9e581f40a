"""A recipe's edited code, and what it means for whoever is inside."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

import click

from ..setup.words import counted
from . import show
from .session import as_json, in_workspace, opened

if TYPE_CHECKING:
    from ..engine.moving import Verdict

MEANS = {
    "moves": "{runs} to the code and settings that are on",
    "stays": "{runs} with what they began with",
    "cannot": "{runs}, and end with what they began with",
}
VERBS = {"moves": ("moves", "move"), "stays": ("stays", "stay"), "cannot": ("cannot move", "cannot move")}


@click.command()
@click.argument("recipe")
@click.option("--move", "moves", is_flag=True, help="Do it: publish the code, and move the runs that can.")
@in_workspace
@as_json
def publish(recipe: str, moves: bool, workspace: str | None, json: bool) -> None:
    """Show what a recipe's edited code or new settings mean for runs under way; with --move, do it.

    Runs under way otherwise end with the code and settings that they began with.
    """
    from .. import commands
    from ..engine import look, move, portions

    with opened() as hub:
        place = hub.workspaces.named(workspace)
        act = move if moves else look
        found = list(chain.from_iterable(portions(lambda after: act(hub, place, recipe, after))))
        again = f"hub publish {recipe}{commands.option(place)} --move"
    if json:
        show.document({"recipe": recipe, "moved": moves, "runs": [_document(verdict) for verdict in found]})
        return
    if not found:
        click.echo(f"Nobody is inside {recipe} with other code or settings than those that are on.")
        return
    _print(found)
    click.echo("Done." if moves else f"Nothing was changed. To do it: {again}")


def _document(verdict: Verdict) -> dict[str, object]:
    return {
        "id": str(verdict.run_id),
        "verdict": verdict.state,
        "reason": verdict.says,
        "position": verdict.position,
    }


def _print(found: list[Verdict]) -> None:
    for state, means in MEANS.items():
        mine = [verdict for verdict in found if verdict.state == state]
        if not mine:
            continue
        one, many = VERBS[state]
        runs = f"{counted(len(mine), 'run')} {one if len(mine) == 1 else many}"
        click.echo(means.format(runs=runs) + ".")
        reasons: dict[str, list[int]] = defaultdict(list)
        for verdict in mine:
            reasons[verdict.says or ""].append(verdict.run_id)
        for says, ids in reasons.items():
            if says:
                click.echo(f"  {len(ids)}: {show.plain(says)} (hub run {ids[0]})")
