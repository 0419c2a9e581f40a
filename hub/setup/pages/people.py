"""People and privacy: looking somebody up, giving out and erasing what is kept, and what services asked for."""

from __future__ import annotations

import json
from typing import Any

from flask import make_response
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response
from wtforms import IntegerField
from wtforms.validators import InputRequired, NumberRange

from ... import tasks
from ...errors import HubError, SettingInvalid
from ...errors import NotFound as Missing
from .. import people as found_out
from ..access import audit
from ..access.roles import Right
from ..activity import ever_on
from ..language import _, lazy
from ..people import Who
from ..retold import told
from . import guarding, works
from .activity import Find, shown_list
from .forms import MISSING, Form, text
from .frame import Here, Pages

CONFIRMED = lazy("erase")
MOST_DAYS = 3650


class Keep(Form):
    days = IntegerField(
        lazy("Days"),
        [InputRequired(MISSING), NumberRange(0, MOST_DAYS, lazy("Choose a number of days from 0 to 3650."))],
        description=lazy("After a run has ended, what it said is kept for so long, and then removed. 0: not at all."),
        render_kw={"inputmode": "numeric", "size": 6, "autocomplete": "off"},
    )


class Erase(Form):
    word = text(lazy("Type “erase” to confirm"), size=12, autocapitalize="none")


def add(pages: Pages) -> None:
    @pages.at("/w/<int:workspace_id>/people", Right.SEE)
    def people(here: Here) -> Response:
        return _shown_all(here, Find(), Keep(days=here.workspace.retention_days))

    @pages.at("/w/<int:workspace_id>/people/find", Right.SEE, methods=("POST",))
    def find(here: Here) -> Response:
        return _look_up(here, in_activity=False)

    @pages.at("/w/<int:workspace_id>/activity/find", Right.SEE, methods=("POST",))
    def find_in_activity(here: Here) -> Response:
        return _look_up(here, in_activity=True)

    @pages.at("/w/<int:workspace_id>/people/<who>", Right.SEE)
    def person(here: Here, who: str) -> Response:
        return _shown(here, guarding.person_of(who), Erase())

    @pages.at("/w/<int:workspace_id>/people/<who>/open", Right.PRIVACY, methods=("POST",))
    def open_person(here: Here, who: str) -> Response:
        return _given(here, guarding.person_of(who), "person_opened", as_file=False)

    @pages.at("/w/<int:workspace_id>/people/<who>/export", Right.PRIVACY, methods=("POST",))
    def export_person(here: Here, who: str) -> Response:
        return _given(here, guarding.person_of(who), "person_exported", as_file=True)

    @pages.at("/w/<int:workspace_id>/people/<who>/erase", Right.PRIVACY, methods=("POST",))
    def erase_person(here: Here, who: str) -> Response:
        meant, form = guarding.person_of(who), Erase()
        if form.validate() and form.said("word").strip().strip('„“”"').lower() != CONFIRMED:
            form.refuse("word", _("Type the word %(word)s. Nothing was erased.", word=CONFIRMED))
        if form.errors:
            return _shown(here, meant, form, 400)
        task_id = tasks.begin_erasing(here.hub, here.workspace, here.user.id, meant.name)
        audit.note(here.hub, "person_erased", here.user, here.workspace.id, receipt=str(task_id))
        return here.go("work", task_id=task_id)

    @pages.at("/w/<int:workspace_id>/people/keep", Right.CHANGE, methods=("POST",))
    def keep_days(here: Here) -> Response:
        form = Keep()
        if not form.is_sent():
            return _shown_all(here, Find(person=""), form, 400)
        days = int(form.said("days"))
        here.hub.workspaces.keep_days(here.workspace, days)
        audit.note(here.hub, "retention_changed", here.user, here.workspace.id, days=days)
        return here.go("people", _("Saved."))

    @pages.at("/w/<int:workspace_id>/people/requests/<int:request_id>", Right.PRIVACY, methods=("POST",))
    def give_answer(here: Here, request_id: int) -> Response:
        try:
            document = here.hub.privacy.answer(here.workspace, request_id if request_id < 1 << 63 else 0)
        except Missing as missing:
            raise NotFound(told(missing)) from None
        audit.note(here.hub, "request_answered", here.user, here.workspace.id)
        return _as_file(document, f"request-{request_id}.json")


def _look_up(here: Here, *, in_activity: bool) -> Response:
    """Leads to the page about somebody. What was typed is in no address, and nothing keeps it."""
    form = Find()
    if form.is_sent():
        try:
            who = found_out.named(here.hub, here.workspace, form.said("person"))
        except Missing:
            form.refuse("person", _("This is neither. Give an e-mail address, or a number with its country code."))
        else:
            return here.go("person", who=str(who))
    if in_activity:
        return shown_list(here, form, 400)
    return _shown_all(here, form, Keep(days=here.workspace.retention_days), 400)


def _shown_all(here: Here, find: Find, keep: Keep, status: int = 200) -> Response:
    return here.show(
        "people.html",
        status,
        find=find,
        keep=keep,
        requests=found_out.requests(here.hub, here.workspace),
        erasures=works.lines_of(here, erasures=True),
    )


def _shown(here: Here, who: Who, form: Erase, status: int = 200, opened: dict[str, Any] | None = None) -> Response:
    return here.show(
        "person.html",
        status,
        who=str(who),
        is_number=who.is_number,
        known=found_out.known(here.hub, here.workspace, who),
        form=form,
        recipes=ever_on(here.hub, here.workspace),
        opened=json.dumps(opened, indent=2, ensure_ascii=False) if opened else None,
        names=found_out.names_in(opened) if opened else (),
    )


def _given(here: Here, who: Who, what: str, *, as_file: bool) -> Response:
    """What is kept about somebody, on the page or as a file."""
    try:
        found = here.hub.privacy.export_named(here.workspace, who.name, shared=who.is_number)
    except SettingInvalid as refusal:
        return here.go("person", told(refusal), trouble=True, who=str(who))
    except HubError as error:
        raise BadRequest(told(error)) from None
    audit.note(here.hub, what, here.user, here.workspace.id)
    if as_file:
        return _as_file(found, "what-is-kept.json")
    return _shown(here, who, Erase(word=""), opened=found)


def _as_file(document: dict[str, Any], name: str) -> Response:
    answer = make_response(json.dumps(document, indent=2, ensure_ascii=False).encode())
    answer.headers["Content-Type"] = "application/json; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
