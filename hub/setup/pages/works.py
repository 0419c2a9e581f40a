"""Long work: how far it is, stopping it, and the receipts of erasures."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ... import tasks
from ...errors import NotFound as Missing
from ...tasks import CANCEL, DONE, ERASE, GOING, RETRY, STOPPED, Task
from .. import words
from ..access import audit
from ..access.roles import Right
from ..words import MINUTE, Moment, State, counted
from .frame import Here, Pages

LATEST = 20
_TITLES = {RETRY: "Trying runs again", CANCEL: "Ending runs", ERASE: "Erasing a person"}
_STATES = {
    GOING: State("going", "◐", "Under way"),
    DONE: State("done", "✓", "Done"),
    STOPPED: State("over", "○", "Stopped"),
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
            return here.go("work", "There is nothing to stop any more.", trouble=True, task_id=task_id)
        audit.note(here.hub, "work_stopped", here.user, here.workspace.id)
        return here.go("work", "It is stopped. What is done stays done.", task_id=task_id)


def begin(here: Here, what: str, run_state: str, recipe: str | None) -> Response:
    """Has all runs in a state be tried again or ended, and leads to how far that is."""
    task_id = tasks.begin(here.hub, here.workspace, here.user.id, what, run_state, recipe)
    if task_id is None:
        return here.go("activity", "There is nothing left to do.", show=run_state, recipe=recipe)
    about = counted(tasks.get(here.hub, here.workspace, task_id).of, "run")
    audit.note(here.hub, f"runs_{what}", here.user, here.workspace.id, runs=about)
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
        return "It goes on if you close this page." if task.state == GOING else "What was kept is erased."
    so_far = task.done + task.refused
    if task.state == GOING:
        return f"{so_far:,} of {task.of:,}{_time_left(task, so_far, now)}"
    verb = "tried again" if task.kind == RETRY else "ended"
    others = f" {counted(task.refused, 'other')} had changed by then." if task.refused else ""
    return f"{task.done:,} of {task.of:,} {verb}.{others}"


def _time_left(task: Task, so_far: int, now: int) -> str:
    """How long it will take at the pace so far, once there is one."""
    passed = now - task.started_at
    if not so_far or passed < 2_000:
        return ""
    left = passed * (task.of - so_far) // so_far
    return ", less than a minute left" if left < MINUTE else f", about {words.span(left // MINUTE * MINUTE)} left"


def _task(here: Here, task_id: int) -> Task:
    try:
        return tasks.get(here.hub, here.workspace, task_id if task_id < 1 << 63 else 0)
    except Missing as missing:
        raise NotFound(str(missing)) from None
