"""`hub rehearse --past 30d`: what a recipe would have done with the last days' events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from . import show
from .recipes import setting_as_given
from .session import opened

if TYPE_CHECKING:
    from ..recipe import Recipe
    from ..rehearsal import Entry
    from ..rehearsal.past import Instance, Past

MOST_SHOWN = 20
TOLD = ("at", "action", "says", "outcome", "reason", "segments", "cost")
"""What is told of an entry: nothing of what was in it."""


def of_the_past(recipe: Recipe, changes: Mapping[str, str], workspace: str | None, span: str, json: bool) -> None:
    """Prints it. Raises SettingInvalid for a span that is none."""
    from ..errors import SettingInvalid
    from ..recipe_settings import duration, filled_in, still_known
    from ..rehearsal.past import past

    try:
        length = duration(span)
    except ValueError:
        raise SettingInvalid(f"{span!r} is no length of time. Write it such as: --past 30d") from None
    with opened() as hub:
        place = hub.workspaces.named(workspace)
        last = hub.enabled.latest(place, recipe.name)
        kept = still_known(recipe.settings, last.settings if last else {})
        chosen = filled_in(recipe.settings, {**kept, **changes})
        found = past(hub, place, recipe, chosen, length)
    if json:
        show.document(_document(recipe, chosen, found))
    else:
        for line in _lines(recipe, found):
            click.echo(line)


def _document(recipe: Recipe, settings: Mapping[str, Any], found: Past) -> dict[str, Any]:
    return {
        "recipe": recipe.name,
        "settings": {name: setting_as_given(value) for name, value in settings.items()},
        "since": found.since.isoformat(),
        "events": found.events,
        "more_events": found.is_cut,
        "is_on": found.is_on,
        "runs": [_run(each) for each in found.instances],
    }


def _run(each: Instance) -> dict[str, Any]:
    timeline = [
        {name: value for name, value in entry.as_data().items() if name in TOLD} for entry in each.draft.timeline
    ]
    about = {"event": str(each.event_id), "at": each.at.isoformat(), "state": each.draft.state, "says": each.draft.says}
    return about | {"timeline": timeline, "differs": each.differs}


def _lines(recipe: Recipe, found: Past) -> Iterator[str]:
    from ..setup import words

    starts = [each for each in found.instances if each.draft.state != "skipped"]
    more = " (the latest; there were more)" if found.is_cut else ""
    yield f"{recipe.title}"
    yield f"{words.counted(found.events, 'event')}{more} of the last days {'is' if found.events == 1 else 'are'} kept."
    yield f"It would have started {words.counted(len(starts), 'time')}."
    for says, count in _counts([entry for each in starts for entry in each.draft.timeline]):
        yield f"  {count:>5,} × {says}"
    if not found.is_on:
        yield "It is not on, so there is nothing to compare with."
        return
    differing = [each for each in found.instances if each.differs]
    yield f"Compared with how it is on, {words.counted(len(differing), 'run')} would be otherwise."
    for each in differing[:MOST_SHOWN]:
        yield f"  event {each.event_id}, {each.at.day} {each.at:%b, %H:%M}: {show.plain(each.differs or '')}"
    if len(differing) > MOST_SHOWN:
        yield f"  … and {len(differing) - MOST_SHOWN:,} more. See all with --json"


def _counts(entries: list[Entry]) -> list[tuple[str, int]]:
    """What would happen and what is left out, each with how often."""
    counts: Counter[str] = Counter()
    for entry in entries:
        if entry.outcome == "would happen":
            counts[entry.says] += 1
        elif entry.outcome == "skipped":
            counts[f"Left out: {entry.says}. {entry.reason or ''}".rstrip()] += 1
    return counts.most_common()
