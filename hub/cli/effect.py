"""What a recipe brings about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..effect.measure import UNITS
from ..timing import iso
from . import show
from .session import as_json, in_workspace, opened

if TYPE_CHECKING:
    from ..effect.findings import Compared, Sums, Tested
    from ..effect.intervals import Interval
    from ..effect.reading import Effect


@click.command()
@click.argument("recipe")
@in_workspace
@as_json
def effect(recipe: str, workspace: str | None, json: bool) -> None:
    """Show what a recipe brings about, against whom it left out.

    hub enable RECIPE --hold-out 10 leaves out one in ten people, always the same, to compare with.
    """
    from .. import commands, registry
    from ..effect.reading import effect_of
    from ..errors import NotFound
    from ..setup.recipes.proof import proof

    with opened() as hub:
        place = hub.workspaces.named(workspace)
        found = effect_of(hub, place, recipe)
        if found is None:
            registry.recipe(recipe)
            again = f"hub enable {recipe}{commands.option(place)} --hold-out 10"
            raise NotFound(f"Nothing is counted of {recipe} in {place.name}. To leave out one in ten people: {again} …")
    if json:
        show.document(_document(found))
        return
    said = proof(found)
    click.echo(f"{said.line}. The goal: {said.goal}.")
    for sentence in said.says:
        click.echo(sentence)
    for table in said.tables:
        click.echo(f"\n{table.title}")
        show.table(table.columns, table.rows, empty="Nobody yet.")


def _document(found: Effect) -> dict[str, Any]:
    measure = found.measure
    return {
        "recipe": found.recipe,
        "goal": measure.type,
        "within_days": measure.within.total_seconds() / 86_400,
        "hold_out": measure.hold_out,
        "since": iso(found.since),
        "ready_at": iso(found.ready_at),
        "waiting": found.waiting,
        "currency": found.currency or None,
        "cost_currency": found.cost_currency or None,
        "with_it": _sums(found.with_it),
        "without": _sums(found.without),
        "compared": found.compared and _compared(found.compared),
        "tests": [_tested(test) for test in found.tests],
    }


def _compared(compared: Compared) -> dict[str, Any]:
    return {
        "verdict": compared.verdict,
        "lacks": compared.lacks,
        "with_it": _sums(compared.here),
        "without": _sums(compared.there),
        "more": _interval(compared.more),
        "worth": compared.worth and _interval(compared.worth.times(1 / UNITS)),
    }


def _tested(test: Tested) -> dict[str, Any]:
    return {
        "test": test.name,
        "verdict": test.verdict,
        "lacks": test.lacks,
        "winner": test.winner,
        "options": {name: _sums(sums) for name, sums in test.options.items()},
        "more": test.against and _interval(test.against.more),
    }


def _sums(sums: Sums) -> dict[str, Any]:
    return {
        "people": sums.people,
        "reached": sums.reached,
        "unsubscribed": sums.unsubscribed,
        "messages": sums.sent,
        "value": sums.value / UNITS,
        "discounts": sums.discounts / UNITS,
        "cost": sums.cost / UNITS,
    }


def _interval(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else {name: round(value, 2) for name, value in vars(interval).items()}
