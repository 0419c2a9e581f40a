"""Recipes: which there are, and which are on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from ..effect.measure import MOST_HELD_OUT
from . import show
from .session import Pairs, as_json, given, in_workspace, opened

if TYPE_CHECKING:
    from ..recipe import Recipe
    from ..recipe_settings import Declared


@click.command()
@in_workspace
@as_json
def recipes(workspace: str | None, json: bool) -> None:
    """List the recipes, with their settings and needs; with -w, which are on."""
    from .. import registry, schedules
    from ..timing import iso

    found = list(registry.recipes().values())
    on: set[str] | None = None
    due: dict[str, int] = {}
    if workspace is not None:
        with opened() as hub:
            place = hub.workspaces.named(workspace)
            on = {entry.recipe for _, entry in hub.enabled.of(place)}
            due = schedules.next_times(hub, place)
    if json:
        listed = [_document(recipe) for recipe in found]
        if on is not None:
            listed = [item | {"enabled": item["name"] in on, "next_at": iso(due.get(item["name"]))} for item in listed]
        show.document(listed)
        return
    for number, recipe in enumerate(found):
        if number:
            click.echo()
        _print(recipe, due.get(recipe.name), "" if on is None else ("● on  " if recipe.name in on else "○ off  "))


def _document(recipe: Recipe) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "title": recipe.title,
        "about": recipe.about,
        "on": [match.type for match in recipe.on],
        "schedules": [schedule.says for schedule in recipe.schedules],
        "needs": list(recipe.needs),
        "settings": [_setting(setting) for setting in recipe.settings.values()],
    }


def _setting(setting: Declared) -> dict[str, Any]:
    return {
        "name": setting.name,
        "type": setting.type_name,
        "default": None if setting.required else default_of(setting),
        "required": setting.required,
        "label": setting.words.label,
        "help": setting.words.help,
    }


def default_of(setting: Declared) -> Any:
    """A setting's default as it could be given on the command line, or the number, truth or list that it is."""
    return setting_as_given(setting.default)


def setting_as_given(value: Any) -> Any:
    """A setting's value as it could be given on the command line, or the number, truth or list that it is."""
    if isinstance(value, timedelta):
        return show.span(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | int | float | list) or value is None else str(value)


def _print(recipe: Recipe, due_at: int | None, mark: str) -> None:
    click.echo(f"{mark}{recipe.name}: {recipe.title}")
    click.echo(click.wrap_text(" ".join(recipe.about.split()), 100, "  ", "  "))
    click.echo(f"  starts on  {', '.join(getattr(item, 'says', item.type) for item in recipe.on)}")
    if due_at is not None:
        click.echo(f"  next at    {show.moment(due_at)} UTC")
    click.echo(f"  needs      {', '.join(recipe.needs)}")
    for setting in recipe.settings.values():
        default = "obligatory" if setting.required else f"default {default_of(setting)!r}"
        words = setting.words.help or setting.words.label
        click.echo(f"  {setting.name}={setting.type_name}  ({default})  {words}")


@click.command()
@click.argument("recipe")
@click.argument("settings", nargs=-1, type=Pairs())
@click.option(
    "--hold-out",
    metavar="PERCENT",
    type=click.IntRange(0, MOST_HELD_OUT),
    help="Leave out so many in a hundred people, always the same, to measure the effect: hub effect RECIPE.",
)
@in_workspace
@as_json
def enable(
    recipe: str, settings: tuple[tuple[str, str], ...], hold_out: int | None, workspace: str | None, json: bool
) -> None:
    """Switch a recipe on, or give it new settings.

    SETTINGS are SETTING=VALUE; CONNECTOR=ID says which account, where a service has several. The share that is held out
    stays as it was, if it is not given.
    """
    with opened() as hub:
        place = hub.workspaces.named(workspace)
        made = hub.enabled.enable(place, recipe, given(settings), hold_out)
        accounts = {name: hub.connections.get(bound).label for name, bound in made.connections.items()}
    if json:
        about = {"id": str(made.id), "recipe": made.recipe, "version": made.version, "hold_out": made.hold_out}
        show.document(about | {"connections": dict(made.connections)})
        return
    listed = ", ".join(f"{name} ({show.plain(label)})" for name, label in accounts.items())
    click.echo(f"{made.recipe} is on in {place.name}, with {listed}.")
    if made.hold_out:
        click.echo(
            f"It leaves out {made.hold_out} in a hundred people, to measure its effect: hub effect {made.recipe}"
        )


@click.command()
@click.argument("recipe")
@in_workspace
def disable(recipe: str, workspace: str | None) -> None:
    """Switch a recipe off. Runs that it started go on."""
    with opened() as hub:
        place = hub.workspaces.named(workspace)
        hub.enabled.disable(place, recipe)
    click.echo(f"{recipe} is off in {place.name}. Runs that it started go on; hub cancel RUN ends one.")
