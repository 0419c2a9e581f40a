"""Forms of the pages: WTForms' fields, filled in by what was sent. That a form is ours, the frame has seen to."""

from __future__ import annotations

from typing import Any

from flask import request
from wtforms import Form as AnyForm
from wtforms import PasswordField, StringField
from wtforms.form import BaseForm
from wtforms.i18n import get_translations
from wtforms.meta import DefaultMeta
from wtforms.validators import InputRequired

from ...errors import HubError
from ..language import lazy
from ..measures import LANGUAGE
from ..retold import told

MISSING = lazy("Please fill this in.")


class Form(AnyForm):
    """A form of ours. It takes what was sent, and shows the values that it is made with where nothing was.

    `fresh`: it is not the form that was sent, but another one on the same page.
    """

    class Meta(DefaultMeta):
        def get_translations(self, form: BaseForm) -> Any:
            """WTForms' own sentences in the language of the page."""
            return get_translations([LANGUAGE.get()])

    def __init__(self, *, fresh: bool = False, **values: Any) -> None:
        sent = request.form if request.method == "POST" and not fresh else None
        super().__init__(sent, data=values)

    def is_sent(self) -> bool:
        """Whether it was sent and everything in it is as it should be."""
        return request.method == "POST" and self.validate()

    def said(self, field: str) -> str:
        """What was typed into a field, or what it was made with."""
        return str(self[field].data or "")

    def refuse(self, field: str, error: HubError | str) -> None:
        """Says beside a field why what was typed there will not do."""
        self[field].errors = [*self[field].errors, told(error)]


def text(label: str, *, help: str = "", optional: bool = False, autocomplete: str = "off", **more: Any) -> StringField:
    """A line of text."""
    validators = [] if optional else [InputRequired(MISSING)]
    shown = {"autocomplete": autocomplete, **more}
    return StringField(label, validators, description=help, render_kw=shown)


def secret(label: str, *, help: str = "", optional: bool = False, autocomplete: str = "off") -> PasswordField:
    """A line that is not shown while it is typed, and never again."""
    validators = [] if optional else [InputRequired(MISSING)]
    return PasswordField(label, validators, description=help, render_kw={"autocomplete": autocomplete})
