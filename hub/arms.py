"""Who is in which arm of a comparison: by a keyed hash, so that it is the same each time and nothing has to be kept.

Nobody without the workspace's key can tell who is where, and two tests, or two recipes, divide people independently.
"""

from __future__ import annotations

from collections.abc import Iterable

from .workspaces import Workspace


def name_of(person_id: int | None, event_id: int) -> str:
    """Whom an arm is for: a person, or an event that is about nobody."""
    return f"event {event_id}" if person_id is None else f"person {person_id}"


def option(workspace: Workspace, recipe: str, test: str, names: Iterable[str], who: str) -> str:
    """Which of these options somebody gets in a test of a recipe: each is as likely as the others."""
    listed = sorted(names)
    return listed[_drawn(workspace, "test", recipe, test, who) % len(listed)]


def is_held_out(workspace: Workspace, recipe: str, percent: int, who: str) -> bool:
    """Whether somebody is among the share of people for whom a recipe starts nothing, to measure its effect. Who is in
    a small share is in a larger one as well."""
    return _drawn(workspace, "hold-out", recipe, who) % 10_000 < percent * 100


def _drawn(workspace: Workspace, *parts: str) -> int:
    """A number by chance, the same for the same words: so large that its remainders are as likely as one another."""
    return int.from_bytes(workspace.hash("arm", *parts))
