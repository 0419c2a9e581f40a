"""What recipes ask somebody of the business: answered by whoever is signed in, or has the link from a message."""

from __future__ import annotations

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from ... import questions
from ...core import Hub
from ...errors import NotFound as Missing
from ...errors import SettingInvalid
from ...questions import MOST_CHARACTERS, Question
from ...runs import NotPossible
from ...workspaces import Workspace
from .. import words
from ..access import audit
from ..access.roles import NOBODY, Right
from ..language import _, lazy
from ..retold import told
from .forms import Form
from .frame import Here, Pages, shown

MOST_ID, MOST_POSITION = 1 << 63, 1 << 31


class Answer(Form):
    answer = TextAreaField(lazy("Your answer"), render_kw={"rows": 4, "maxlength": str(MOST_CHARACTERS)})


def add(pages: Pages) -> None:
    hub = pages.hub

    @pages.at("/w/<int:workspace_id>/questions/<int:run_id>/<int:position>", Right.ACT, methods=("GET", "POST"))
    def question(here: Here, run_id: int, position: int) -> Response:
        try:
            asked = questions.get(hub, here.workspace, min(run_id, MOST_ID - 1), min(position, MOST_POSITION - 1))
        except Missing:
            return here.go("home", _("This question is answered already, or its time is over."))
        form = Answer()
        if form.is_sent() and _answered(pages, here.workspace, asked, form):
            about = {"recipe": words.recipe(asked.recipe)}
            audit.note(hub, "question_answered", here.user, here.workspace.id, **about)
            return here.go("home", _("Thank you. The recipe goes on with your answer."))
        return _shown(hub, here.workspace, asked, form)

    @pages.at("/answer/<word>", NOBODY, methods=("GET", "POST"))
    def answer(word: str) -> Response:
        try:
            workspace, asked = questions.of_link(hub, word)
        except Missing:
            raise NotFound(
                _("This link does not work any more. What it asked is answered, or its time is over.")
            ) from None
        form = Answer()
        if form.is_sent() and _answered(pages, workspace, asked, form):
            audit.note(hub, "question_answered_by_link", None, workspace.id, recipe=words.recipe(asked.recipe))
            return shown("answered.html")
        return _shown(hub, workspace, asked, form)


def _answered(pages: Pages, workspace: Workspace, asked: Question, form: Answer) -> bool:
    """Whether the form's answer is taken; if not, it says why."""
    try:
        questions.answer(pages.hub, workspace, asked, form.said("answer"))
    except (SettingInvalid, NotPossible) as refusal:
        form.refuse("answer", told(refusal))
        return False
    return True


def _shown(hub: Hub, workspace: Workspace, asked: Question, form: Answer) -> Response:
    return shown(
        "question.html",
        question=asked,
        about=", ".join(questions.whom(hub, workspace, asked)),
        recipe=words.recipe(asked.recipe),
        until=words.moment(asked.until, asked.asked_at),
        form=form,
        name=workspace.name,
    )
