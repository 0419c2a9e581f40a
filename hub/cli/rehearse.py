"""Rehearsing a recipe: its whole timeline, without effects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import show
from .recipes import setting_as_given
from .session import Pairs, as_json, given, in_workspace, opened

if TYPE_CHECKING:
    from ..event import Event
    from ..recipe import Recipe
    from ..rehearsal import Entry, Rehearsed
    from ..rehearsal.scripts import Performance

SHAPES = {"would happen": "●", "skipped": "○", "waits": "│"}


@click.command()
@click.argument("recipe")
@click.argument("settings", nargs=-1, type=Pairs())
@click.option(
    "--event",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What starts it, as its provider posts it; else an example.",
)
@click.option("--happening", multiple=True, metavar="TEXT", help='"shopify.order_created after 2d". May be repeated.')
@click.option("--refuse", multiple=True, metavar="ACTION", help='"twilio.send_sms", or "twilio.send_sms=The reason."')
@click.option("--down", multiple=True, metavar="TEXT", help='"twilio for 1h", "twilio after 2d for 1h".')
@click.option("--past", metavar="SPAN", help="With the workspace's own events of the last days, such as 30d.")
@click.option("--not-agreed", is_flag=True, help="Nobody agreed to messages, unless an event says so.")
@in_workspace
@as_json
def rehearse(
    recipe: str,
    settings: tuple[tuple[str, str], ...],
    event: Path | None,
    happening: tuple[str, ...],
    refuse: tuple[str, ...],
    down: tuple[str, ...],
    past: str | None,
    not_agreed: bool,
    workspace: str | None,
    json: bool,
) -> None:
    """Show the whole timeline of a recipe for one person, by the real engine in made-up time. Nothing is sent.

    SETTINGS are SETTING=VALUE; with -w they change those that the recipe has there.
    """
    from .. import registry
    from ..rehearsal.scripts import Script, perform

    found = registry.recipe(recipe)
    if past is not None:
        from .rehearse_past import of_the_past

        if event or happening or refuse or down or not_agreed:
            raise click.UsageError("--past takes what happened as it was: leave --event and the like away.")
        of_the_past(found, given(settings), workspace, past, json)
        return
    chosen, zone = _settings(found, given(settings), workspace)
    start = _start(found, event)
    script = Script(happening, refuse, down, not not_agreed, zone)
    done = perform(found, chosen if event else _for_example(found, chosen), start, script)
    if json:
        show.document(_document(found, chosen, done))
    else:
        for line in _lines(found, done):
            click.echo(line)


def _settings(recipe: Recipe, changes: Mapping[str, str], workspace: str | None) -> tuple[dict[str, Any], Any]:
    """The settings, and the business's time zone: those of a workspace, as far as one is named, with the changes."""

    from ..recipe_settings import filled_in, still_known

    kept: dict[str, Any] = {}
    zone = None
    if workspace is not None:
        with opened() as hub:
            place = hub.workspaces.named(workspace)
            last = hub.enabled.latest(place, recipe.name)
            kept = still_known(recipe.settings, last.settings if last else {})
            zone = place.zone
    return filled_in(recipe.settings, {**_examples(recipe, kept, changes), **kept, **changes}), zone


def _examples(recipe: Recipe, *chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What is chosen in an account, where nothing was: an id of the examples."""
    from ..setup.recipes.way import example_of

    missing = [
        name for name, setting in recipe.settings.items() if setting.required and not any(name in c for c in chosen)
    ]
    found = {name: example_of(recipe.settings[name]) for name in missing}
    return {name: example for name, example in found.items() if example is not None}


def _for_example(recipe: Recipe, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The settings for an example, which knows nothing of an account: ids of it are those of the examples."""
    from ..setup.recipes.way import stood_in

    return stood_in(recipe, chosen)


def _start(recipe: Recipe, file: Path | None) -> Event:
    """The event that starts it: the one in the file when it was, else an example that happens now."""
    from dataclasses import replace

    from ..rehearsal.branches import start_of
    from ..rehearsal.scripts import start_from
    from ..timing import SystemClock, to_datetime

    if file is not None:
        return start_from(recipe, file)
    return replace(start_of(recipe), at=to_datetime(SystemClock().now()).replace(microsecond=0))


# ---- as JSON


def _document(recipe: Recipe, settings: Mapping[str, Any], done: Performance) -> dict[str, Any]:
    others = [_run(run) for run in done.others]
    return {
        "recipe": recipe.name,
        "settings": {name: setting_as_given(value) for name, value in settings.items()},
        "event": _event(done.start),
        "happenings": [_event(event) for event in done.later],
        **_run(done.run),
        **({"others": others} if others else {}),
    }


def _event(event: Event) -> dict[str, Any]:
    return {"type": event.type, "at": event.at.isoformat()}


def _run(run: Rehearsed) -> dict[str, Any]:
    return {"state": run.state, "says": run.says, "timeline": [entry.as_data() for entry in run.timeline]}


# ---- in words


def _lines(recipe: Recipe, done: Performance) -> Iterator[str]:
    from ..setup import words

    zone = done.run.timeline[0].at.tzinfo if done.run.timeline else done.start.at.tzinfo
    yield recipe.title
    yield f"Times are those of {zone}."
    for event in (done.start, *done.later):
        yield f"  ▸ {_moment(event.at.astimezone(zone))}  {words.upper_first(words.happening(event.type))}"
    for number, run in enumerate((done.run, *done.others)):
        if number:
            yield ""
            yield "It starts once more:"
        yield ""
        for entry in run.timeline:
            yield from _entry(entry)
        ended = words.run_state(run.state) if run.state != "skipped" else None
        if ended is not None:
            says = words.reason(run.says)
            yield f"  ■ {ended.says}{f': {show.plain(says)}' if says else ''}"


def _entry(entry: Entry) -> Iterator[str]:
    to = f" to {entry.to}" if entry.to else ""
    yield f"  {SHAPES[entry.outcome]} {_moment(entry.at)}  {show.plain(entry.says + to)}"
    if entry.text is not None:
        yield f"{_INDENT}“{show.plain(entry.text)}”{_cost(entry)}"
    for more in (entry.details, f"Left out. {entry.reason}" if entry.outcome == "skipped" else entry.reason):
        if more:
            yield _INDENT + show.plain(more)


_INDENT = " " * 24


def _cost(entry: Entry) -> str:
    from ..setup import words

    if entry.segments is None:
        return ""
    price = f", about {entry.cost}" if entry.cost else ""
    return f"  {words.counted(entry.segments, 'part')}{price}"


def _moment(at: datetime) -> str:
    return f"{at:%a} {at.day:>2} {at:%b, %H:%M}"
