"""Activity: everything that came in and what became of it, newest first, or what is to be seen to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .. import history, registry
from ..core import Hub
from ..errors import HubError
from ..workspaces import Workspace
from . import queries, words
from .happenings import NO_RECIPE, EventLine, Unread, event_line, events_before, unreadable
from .home import RunLine, run_line
from .language import lazy
from .queries import Run

EVERYTHING, HELD, FAILED, WAITING, SKIPPED = "everything", "held", "failed", "waiting", "skipped"

FILTERS = {
    EVERYTHING: lazy("Everything"),
    HELD: lazy("Needs you"),
    FAILED: lazy("Went wrong"),
    WAITING: lazy("Waiting"),
    SKIPPED: lazy("Skipped"),
}
"""What is shown, and the words of the links to it."""

AT_ONCE = 50
MOST_RUNS = 200
"""Lines of one page; and runs, as one event may have started several."""

NEWEST = 1 << 62


@dataclass(frozen=True)
class Activity:
    """A page of the list. `older` is from where to go on; `can_choose` whether its lines can be acted on together."""

    show: str
    recipe: str | None
    lines: tuple[RunLine | EventLine, ...]
    older: int | None
    recipes: tuple[tuple[str, str], ...]
    unread: tuple[Unread, ...]
    is_first: bool

    @property
    def is_overview(self) -> bool:
        """Whether it is the page that everybody begins with."""
        return self.show == EVERYTHING and self.is_first and not self.recipe

    @property
    def can_choose(self) -> bool:
        return self.show in (HELD, FAILED) and bool(self.lines)


def activity(hub: Hub, workspace: Workspace, show: str, recipe: str | None, before: int | None) -> Activity:
    """A page of what happened. An unknown filter shows everything."""
    start = min(before, NEWEST) if before is not None and before > 0 else NEWEST
    show = show if show in FILTERS else EVERYTHING
    lines: Sequence[RunLine | EventLine]
    if show == SKIPPED:
        lines, older = _skipped(hub, workspace, start)
    elif show == EVERYTHING and not recipe:
        lines, older = _everything(hub, workspace, start)
    else:
        lines, older = _runs(hub, workspace, show, recipe, start)
    is_first = start == NEWEST
    return Activity(
        show=show,
        recipe=recipe,
        lines=tuple(lines),
        older=older,
        recipes=ever_on(hub, workspace, recipe),
        unread=tuple(unreadable(hub, workspace, 10)) if is_first and show in (EVERYTHING, FAILED) else (),
        is_first=is_first,
    )


def _everything(hub: Hub, workspace: Workspace, before: int) -> tuple[list[RunLine | EventLine], int | None]:
    events = events_before(hub, workspace, before, AT_ONCE)
    by_event: dict[int, list[Run]] = defaultdict(list)
    for run in queries.runs_of_events(hub, workspace, [event.id for event in events], MOST_RUNS) if events else []:
        by_event[run.event_id].append(run)
    now, accounts, on = hub.clock.now(), accounts_of(hub, workspace), _starting(hub, workspace)
    lines: list[RunLine | EventLine] = []
    for event in events:
        runs = by_event[event.id]
        lines += [run_line(run, now, accounts) for run in runs]
        if skipped := event_line(event, now, on, has_runs=bool(runs)):
            _add(lines, skipped)
    return lines, events[-1].id if len(events) == AT_ONCE else None


def _add(lines: list[RunLine | EventLine], line: EventLine) -> None:
    """Adds a line, or counts it where the one before says the same: services tell some things again and again."""
    last = lines[-1] if lines else None
    if isinstance(last, EventLine) and line.reasons == (NO_RECIPE,) and last.said_twice(line):
        lines[-1] = replace(last, times=last.times + 1)
    else:
        lines.append(line)


def _skipped(hub: Hub, workspace: Workspace, before: int) -> tuple[Sequence[EventLine], int | None]:
    events, now = events_before(hub, workspace, before, AT_ONCE, skipped=True), hub.clock.now()
    on = _starting(hub, workspace)
    lines = [line for event in events if (line := event_line(event, now, on, has_runs=False))]
    return lines, events[-1].id if len(events) == AT_ONCE else None


def _runs(
    hub: Hub, workspace: Workspace, show: str, recipe: str | None, before: int
) -> tuple[Sequence[RunLine], int | None]:
    if show in (HELD, FAILED):
        runs = queries.runs_in(hub, workspace, show, recipe, before, AT_ONCE)
        older = runs[-1].id if len(runs) == AT_ONCE else None
    else:
        states = ("waiting", "running") if show == WAITING else ()
        runs, older = queries.runs_looked_for(hub, workspace, states, recipe, before, AT_ONCE)
    now, accounts = hub.clock.now(), accounts_of(hub, workspace)
    return [run_line(run, now, accounts) for run in runs], older


def accounts_of(hub: Hub, workspace: Workspace) -> dict[str, queries.Account]:
    """The connections of the workspace, by id."""
    return {account.connection.id: account for account in queries.accounts(hub, workspace)}


def _starting(hub: Hub, workspace: Workspace) -> set[str]:
    """The types of events that recipes start with just now."""
    return {match.as_data()["type"] for recipe, _ in hub.enabled.of(workspace) for match in recipe.on}


def ever_on(hub: Hub, workspace: Workspace, chosen: str | None = None) -> tuple[tuple[str, str], ...]:
    """The recipes that are or were on, and the chosen one: names and titles, by these."""
    names = history.recipes_ever_on(workspace, hub) | ({chosen} if chosen else set())
    return tuple(sorted(((name, words.recipe(name)) for name in names), key=lambda item: item[1].lower()))


def messages(action_names: Sequence[str]) -> tuple[str, ...]:
    """What of these actions reaches people: "Send a text message"."""
    found = []
    for name in action_names:
        try:
            if registry.action(name).channel:
                found.append(words.action(name))
        except HubError:  # of a connector that is not installed any more
            continue
    return tuple(dict.fromkeys(found))
