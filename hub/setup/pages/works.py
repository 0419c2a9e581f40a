"""Long work: how far it is, stopping it, and the receipts of erasures."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ... import tasks
from ...errors import NotFound as Missing
from ...tasks import CANCEL, DONE, ERASE, GOING, REPLAY, RETRY, SKIP, STOPPED, Task
from .. import words
from ..access import audit
from ..access.roles import Right
from ..language import _, joined, lazy, ngettext
from ..retold import told
from ..words import MINUTE, Moment, State
from .frame import Here, Pages

LATEST = 20
_TITLES = {
    RETRY: lazy("Trying runs again"),
    CANCEL: lazy("Ending runs"),
    SKIP: lazy("Skipping what is in doubt"),
    REPLAY: lazy("Starting runs anew"),
    ERASE: lazy("Erasing a person"),
}
_STATES = {
    GOING: State("going", "◐", lazy("Under way")),
    DONE: State("done", "✓", lazy("Done")),
    STOPPED: State("over", "○", lazy("Stopped")),
}


@dataclass(frozen=True)
class Work:
    """A task in words. `says` tells how far it is."""

    task: Task
    title: str
    state: State
    says: str
    at: Moment
    ended: Moment | None

    @property
    def is_going(self) -> bool:
        return self.task.state == GOING

    @property
    def is_erasure(self) -> bool:
        return self.task.kind == ERASE


def add(pages: Pages) -> None:
    @pages.at("/w/<int:workspace_id>/tasks/<int:task_id>", Right.SEE)
    def work(here: Here, task_id: int) -> Response:
        return here.show("work.html", work=line(_task(here, task_id), here.hub.clock.now()))

    @pages.at("/w/<int:workspace_id>/tasks/<int:task_id>/stop", Right.ACT, methods=("POST",))
    def stop_work(here: Here, task_id: int) -> Response:
        _task(here, task_id)
        if not tasks.stop(here.hub, here.workspace, task_id):
            return here.go("work", _("There is nothing to stop any more."), trouble=True, task_id=task_id)
        audit.note(here.hub, "work_stopped", here.user, here.workspace.id)
        return here.go("work", _("It is stopped. What is done stays done."), task_id=task_id)


def begin(here: Here, what: str, run_state: str, recipe: str | None) -> Response:
    """Has all runs in a state be tried again or ended, and leads to how far that is."""
    task_id = tasks.begin(here.hub, here.workspace, here.user.id, what, run_state, recipe)
    if task_id is None:
        return here.go("activity", _("There is nothing left to do."), show=run_state, recipe=recipe)
    count = tasks.get(here.hub, here.workspace, task_id).of
    audit.note(here.hub, f"runs_{what}", here.user, here.workspace.id, count=count)
    return here.go("work", task_id=task_id)


def lines_of(here: Here, *, going: bool = False, erasures: bool = False) -> list[Work]:
    """The latest work, newest first: only what is going on, or only erasures, where asked."""
    now = here.hub.clock.now()
    return [
        line(task, now)
        for task in tasks.latest(here.hub, here.workspace, LATEST)
        if (not going or task.state == GOING) and (not erasures or task.kind == ERASE)
    ]


def line(task: Task, now: int) -> Work:
    """A task in words."""
    ended = words.moment(task.ended_at, now) if task.ended_at is not None else None
    return Work(
        task, _TITLES[task.kind], _STATES[task.state], _says(task, now), words.moment(task.started_at, now), ended
    )


def _says(task: Task, now: int) -> str:
    if task.kind == ERASE:
        return _("It goes on if you close this page.") if task.state == GOING else _("What was kept is erased.")
    so_far = task.done + task.refused
    if task.state == GOING:
        return _time_left(task, so_far, now)
    others = ngettext("%(num)s other had changed by then.", "%(num)s others had changed by then.", task.refused)
    if task.kind in (SKIP, REPLAY):
        others = ngettext("%(num)s other could not.", "%(num)s others could not.", task.refused)
    return joined([became(task.kind, task.done, task.of), others if task.refused else ""])


def became(kind: str, done: int, of: int | None = None) -> str:
    """What became of so many runs, of so many where there were more."""
    if of is not None:
        if kind == CANCEL:
            return _("%(done)s of %(of)s ended.", done=done, of=of)
        if kind == SKIP:
            return _("%(done)s of %(of)s go on without it.", done=done, of=of)
        if kind == REPLAY:
            return _("%(done)s of %(of)s started anew.", done=done, of=of)
        return _("%(done)s of %(of)s tried again.", done=done, of=of)
    if kind == CANCEL:
        return ngettext("%(num)s run ended.", "%(num)s runs ended.", done)
    if kind == SKIP:
        return ngettext("%(num)s run goes on without it.", "%(num)s runs go on without it.", done)
    if kind == REPLAY:
        return ngettext("%(num)s run started anew.", "%(num)s runs started anew.", done)
    return ngettext("%(num)s run tried again.", "%(num)s runs tried again.", done)


def _time_left(task: Task, so_far: int, now: int) -> str:
    """How far it is, and how long it will take at the pace so far, once there is one."""
    passed = now - task.started_at
    if not so_far or passed < 2_000:
        return _("%(done)s of %(of)s", done=so_far, of=task.of)
    left = passed * (task.of - so_far) // so_far
    if left < MINUTE:
        return _("%(done)s of %(of)s, less than a minute left", done=so_far, of=task.of)
    span = words.span(left // MINUTE * MINUTE)
    return _("%(done)s of %(of)s, about %(span)s left", done=so_far, of=task.of, span=span)


def _task(here: Here, task_id: int) -> Task:
    try:
        return tasks.get(here.hub, here.workspace, task_id if task_id < 1 << 63 else 0)
    except Missing as missing:
        raise NotFound(told(missing)) from None
