"""Activity: the list of what happened, one run, and what a person can do about them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from flask import request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response

from webhooks.again import NotAgain, Replayed, read_again, run_anew, start_again

from ... import runs
from ...core import Hub
from ...errors import HubError
from ...runs import NotPossible, Retried
from ...tasks import CANCEL, REPLAY, RETRY, SKIP
from ...workspaces import Workspace
from .. import queries, timeline, words
from ..access import audit
from ..access.roles import Right
from ..activity import AT_ONCE, FAILED, FILTERS, HELD, activity
from ..acts import acts
from ..chart import events_per_day
from ..language import _, joined, lazy, ngettext
from ..retold import told
from . import works
from .forms import Form, text
from .frame import Here, Pages

T = TypeVar("T")
MOST_ID = 1 << 63


class Find(Form):
    person = text(
        lazy("Look somebody up"),
        help=lazy("By e-mail, or by phone with the country code. It is looked up and not kept."),
    )


def add(pages: Pages) -> None:
    @pages.at("/w/<int:workspace_id>/activity", Right.SEE)
    def activity(here: Here) -> Response:
        return shown_list(here, Find())

    @pages.at("/w/<int:workspace_id>/runs/<int:run_id>", Right.SEE)
    def run(here: Here, run_id: int) -> Response:
        hub, workspace = here.hub, here.workspace
        found = queries.run(hub, workspace, run_id) if run_id < MOST_ID else None
        if found is None:
            raise NotFound(_("There is no such run."))
        steps = queries.count_steps(hub, workspace, run_id)
        accounts = {account.connection.id: account for account in queries.accounts(hub, workspace)}
        return here.show(
            "run.html",
            run=found,
            title=timeline.title(found),
            state=words.run_state(found.state),
            lines=timeline.lines(found, steps, hub.clock.now(), accounts),
            details=timeline.details(found, steps),
            acts=acts(found),
        )

    @pages.at("/w/<int:workspace_id>/runs/<int:run_id>/retry", Right.ACT, methods=("POST",))
    def try_again(here: Here, run_id: int) -> Response:
        done = _done(lambda: runs.retry(here.workspace, here.hub, _id(run_id)))
        if isinstance(done, Retried):
            audit.note(here.hub, "run_retried", here.user, here.workspace.id, run=run_id)
        return _back_to(here, run_id, done, _("It goes on in a moment."))

    @pages.at("/w/<int:workspace_id>/runs/<int:run_id>/end", Right.ACT, methods=("POST",))
    def end_run(here: Here, run_id: int) -> Response:
        done = _done(lambda: runs.cancel(here.workspace, here.hub, _id(run_id)))
        if isinstance(done, int):
            audit.note(here.hub, "run_ended", here.user, here.workspace.id, run=run_id)
        return _back_to(here, run_id, done, _("It is ended. If you need it after all, start it anew below."))

    @pages.at("/w/<int:workspace_id>/runs/<int:run_id>/skip", Right.ACT, methods=("POST",))
    def skip_step(here: Here, run_id: int) -> Response:
        position = request.form.get("position", type=int)
        if position is None or not 0 <= position < 1 << 31:
            raise BadRequest(_("Choose the step that is to be skipped."))
        done = _done(lambda: runs.skip(here.workspace, here.hub, _id(run_id), position))
        if done is None:
            audit.note(here.hub, "step_skipped", here.user, here.workspace.id, run=run_id, step=position + 1)
        return _back_to(here, run_id, done, _("Skipped. What follows appears in a moment."))

    @pages.at("/w/<int:workspace_id>/events/<int:event_id>/replay", Right.ACT, methods=("POST",))
    def replay_event(here: Here, event_id: int) -> Response:
        done = _done(lambda: start_again(here.workspace, here.hub, _id(event_id)))
        if isinstance(done, Replayed) and done.started:
            audit.note(here.hub, "event_replayed", here.user, here.workspace.id, event=event_id)
            started = list(done.started.items())
            if len(started) == 1:
                return here.go(
                    "run", _("%(recipe)s started.", recipe=words.recipe(started[0][0])), run_id=started[0][1]
                )
            return here.go("activity", ngettext("%(num)s recipe started.", "%(num)s recipes started.", len(started)))
        why = done if isinstance(done, str) else _nothing(done)
        return here.go("activity", why, trouble=True)

    @pages.at("/w/<int:workspace_id>/deliveries/<int:delivery_id>/read", Right.ACT, methods=("POST",))
    def read_delivery(here: Here, delivery_id: int) -> Response:
        done = _done(lambda: read_again(here.workspace, here.hub, _id(delivery_id)))
        if done is None:
            audit.note(here.hub, "delivery_read_again", here.user, here.workspace.id, delivery=delivery_id)
        return here.go("activity", done or _("It is read again in a moment."), trouble=done is not None)

    @pages.at("/w/<int:workspace_id>/activity/several", Right.ACT, methods=("POST",))
    def act_on_several(here: Here) -> Response:
        what, show, recipe = (request.form.get(name, "") for name in ("what", "show", "recipe"))
        if what not in _POSSIBLE.get(show, ()):
            raise BadRequest(_("Choose what is to be done."))
        if "all" in request.form:
            return works.begin(here, what, show, recipe or None)
        return _several(here, what, show, recipe or None)


def shown_list(here: Here, find: Find, status: int = 200) -> Response:
    """The list of what happened, with the field to look somebody up."""
    before = request.args.get("before", type=int)
    show, recipe = request.args.get("show", ""), request.args.get("recipe") or None
    found = activity(here.hub, here.workspace, show, recipe, before)
    return here.show(
        "activity.html",
        status,
        found=found,
        filters=FILTERS,
        chart=events_per_day(here.hub, here.workspace) if found.is_overview else None,
        works=works.lines_of(here, going=True) if found.is_first else (),
        find=find,
    )


_POSSIBLE = {HELD: (RETRY, CANCEL, SKIP), FAILED: (RETRY, REPLAY)}
"""What can be done with many runs at once, by the state that they are in."""

_DO: dict[str, Callable[[Workspace, Hub, int], object]] = {
    RETRY: runs.retry,
    CANCEL: runs.cancel,
    SKIP: runs.skip_doubts,
    REPLAY: run_anew,
}


def _several(here: Here, what: str, show: str, recipe: str | None) -> Response:
    """Acts on the runs that were chosen on a page, which are few enough to be done at once."""
    chosen: list[int] = []
    for given in request.form.getlist("run")[:AT_ONCE]:
        with suppress(ValueError):
            chosen.append(_id(int(given)))
    done, why = 0, ""
    for run_id in chosen:
        try:
            _DO[what](here.workspace, here.hub, run_id)
            done += 1
        except HubError as refusal:
            why = told(refusal)
    if done:
        audit.note(here.hub, f"runs_{what}", here.user, here.workspace.id, count=done)
    left = len(chosen) - done
    rest = (
        ngettext("%(num)s other not: %(why)s", "%(num)s others not: %(why)s", left, why=why) if left and done else why
    )
    note = joined([works.became(what, done) if done else "", rest]) or _(
        "Nothing was chosen. Tick what you mean first."
    )
    return here.go("activity", note, trouble=not done, show=show, recipe=recipe)


def _id(given: int) -> int:
    if not 0 <= given < MOST_ID:
        raise NotFound(_("There is no such thing."))
    return given


def _done(act: Callable[[], T]) -> T | str:
    """What came of it, or why it could not be done."""
    from ...errors import NotFound as Missing

    try:
        return act()
    except (NotPossible, NotAgain) as refusal:
        return told(refusal)
    except Missing:
        raise NotFound(_("There is no such thing.")) from None


def _back_to(here: Here, run_id: int, done: object, says: str) -> Response:
    refusal = done if isinstance(done, str) else None
    return here.go("run", refusal or says, trouble=refusal is not None, run_id=run_id)


def _nothing(done: Replayed) -> str:
    why = joined(
        _("%(recipe)s did not start. %(reason)s", recipe=words.recipe(name), reason=told(reason))
        for name, reason in done.skipped.items()
    )
    return why or _("No recipe that is on starts with this event.")
