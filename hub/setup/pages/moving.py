"""Whoever is inside a recipe with other settings or code than are on: what moving them would mean, and doing it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ... import registry
from ...engine import look, move, portions
from ...engine.moving import Verdict
from ...errors import HubError
from ...errors import NotFound as Missing
from .. import words
from ..access import audit
from ..access.roles import Right
from ..language import _, ngettext
from ..retold import told
from .frame import Here, Pages

MOST = 300
"""Runs that one page looks at, or moves: nobody waits longer for it than a moment."""


@dataclass(frozen=True)
class Reason:
    """Why some runs move with a difference, stay, or cannot move; one of them is shown."""

    says: str
    count: int
    run_id: int


@dataclass(frozen=True)
class Outlook:
    """What would become of some runs."""

    says: str
    reasons: tuple[Reason, ...]


def add(pages: Pages) -> None:
    hub = pages.hub

    @pages.at("/w/<int:workspace_id>/recipes/<name>/inside", Right.CHANGE)
    def inside(here: Here, name: str) -> Response:
        title = _title(name)
        try:
            found, is_all = _some(lambda after: look(hub, here.workspace, name, after))
        except HubError as refusal:
            return here.go("recipe", told(refusal), trouble=True, name=name)
        outlooks = _outlooks(found)
        return here.show("inside.html", title=title, name=name, outlooks=outlooks, moving=_moving(found), is_all=is_all)

    @pages.at("/w/<int:workspace_id>/recipes/<name>/move", Right.CHANGE, methods=("POST",))
    def move_inside(here: Here, name: str) -> Response:
        title = _title(name)
        try:
            found, is_all = _some(lambda after: move(hub, here.workspace, name, after))
        except HubError as refusal:
            return here.go("recipe", told(refusal), trouble=True, name=name)
        audit.note(hub, "recipe_moved", here.user, here.workspace.id, recipe=title, count=_moving(found))
        says = ngettext(
            "%(num)s moved, and goes on from where it is.",
            "%(num)s moved, and go on from where they are.",
            _moving(found),
        )
        return here.go("recipe" if is_all else "inside", says, name=name)


def _moving(found: Sequence[Verdict]) -> int:
    return sum(verdict.state == "moves" for verdict in found)


def _title(name: str) -> str:
    try:
        return words.recipe_title(registry.recipe(name))
    except Missing:
        raise NotFound(_("There is no such recipe.")) from None


def _some(portion: Callable[[int], list[Verdict]]) -> tuple[list[Verdict], bool]:
    """The verdicts of as many runs as one page takes, and whether these are all."""
    found: list[Verdict] = []
    for some in portions(portion):
        found += some
        if len(found) >= MOST:
            return found, False
    return found, True


def _outlooks(found: Sequence[Verdict]) -> list[Outlook]:
    outlooks = []
    for state in ("moves", "stays", "cannot"):
        mine = [verdict for verdict in found if verdict.state == state]
        if mine:
            outlooks.append(Outlook(_says(state, len(mine)), _reasons(mine)))
    return outlooks


def _says(state: str, count: int) -> str:
    if state == "moves":
        return ngettext("%(num)s can move to what is on", "%(num)s can move to what is on", count)
    if state == "stays":
        return ngettext("%(num)s stays with what it began with", "%(num)s stay with what they began with", count)
    return ngettext("%(num)s cannot move, and ends as it began", "%(num)s cannot move, and end as they began", count)


def _reasons(verdicts: Sequence[Verdict]) -> tuple[Reason, ...]:
    by_words: dict[str, list[int]] = defaultdict(list)
    for verdict in verdicts:
        by_words[verdict.says or _("Nothing changes in what is done already.")].append(verdict.run_id)
    return tuple(Reason(told(says), len(ids), ids[0]) for says, ids in by_words.items())
