"""A recipe's settings as a form. What was typed is checked where the command line's is (`hub.recipe_settings`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from markupsafe import Markup
from wtforms import BooleanField, Field, SelectField, StringField, TextAreaField
from wtforms.widgets import html_params

from ...connections import Connection
from ...effect.measure import MOST_HELD_OUT
from ...recipe import Recipe
from ...recipe_settings import Declared, checked
from .. import words
from ..language import _, joined, lazy
from ..pages.forms import MISSING, Form
from ..retold import told
from .choosing import Choice, Offered

SETTING, ACCOUNT, HOLD_OUT = "set_", "account_", "hold_out"
"""What field names begin with, so that a setting may be called anything; and the share of people who are left out."""

UNITS = {"minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}
_UNIT_WORDS = {"minutes": lazy("minutes"), "hours": lazy("hours"), "days": lazy("days"), "weeks": lazy("weeks")}

WRONG: Mapping[Any, str] = {
    timedelta: lazy("Type a number, such as 2 or 1.5, and choose what it counts."),
    int: lazy("Type a whole number, such as 3."),
    float: lazy("Type a number, such as 7.5."),
    Decimal: lazy("Type an amount, such as 12.50."),
    bool: lazy("Choose yes or no."),
}
CHOOSE = lazy("Choose one of these.")


class SpanField(Field):
    """A length of time: a number, and what it counts. It keeps what was set: 90 minutes stay 90 minutes."""

    def __init__(self, label: str = "", **kwargs: Any) -> None:
        self.number, self.unit = "", "hours"
        super().__init__(label, **kwargs)

    def process_data(self, value: Any) -> None:
        if isinstance(value, timedelta):
            self.number, self.unit = _split(value)
        self.data = self.given

    def process_formdata(self, valuelist: list[str]) -> None:
        if len(valuelist) == 2:
            self.number, self.unit = valuelist[0].strip()[:40], valuelist[1] if valuelist[1] in UNITS else "hours"
            self.data = self.given

    @property
    def given(self) -> str:
        """As the command line takes it."""
        return f"{self.number} {self.unit}" if self.number else ""

    def widget(self, field: SpanField, **kwargs: Any) -> Markup:
        about = {"id": field.id, "name": field.name, "value": field.number, "inputmode": "decimal", "size": "6"}
        options = Markup("").join(
            Markup('<option value="{}"{}>{}</option>').format(
                unit, Markup(" selected") if unit == field.unit else "", _UNIT_WORDS[unit]
            )
            for unit in UNITS
        )
        return Markup('<span class="span"><input {}> <select name="{}" aria-label="{}">{}</select></span>').format(
            Markup(html_params(**{**about, **kwargs})),
            field.name,
            _("%(setting)s: counted in", setting=field.label.text),
            options,
        )


def _split(span: timedelta) -> tuple[str, str]:
    """A span in the largest unit that needs no fraction."""
    seconds = span.total_seconds()
    for unit in ("weeks", "days", "hours"):
        if seconds and seconds % UNITS[unit] == 0 and (unit != "weeks" or seconds >= 4 * UNITS[unit]):
            return f"{seconds / UNITS[unit]:g}", unit
    return f"{seconds / UNITS['minutes']:g}", "minutes"


class SettingsForm(Form):
    """The form of one recipe, as `form_class` makes it."""

    recipe: Recipe

    def given(self) -> dict[str, str]:
        """What was filled in, as the command line would be given it: settings, and accounts where there are several."""
        found = {}
        for name in self.recipe.settings:
            text = _text(self[SETTING + name])
            # A text may be empty on purpose; where something has to be there, nothing was given.
            if text or not self.recipe.settings[name].required:
                found[name] = text
        for field in self:
            if field.name.startswith(ACCOUNT) and field.data:
                found[field.name.removeprefix(ACCOUNT)] = str(field.data)
        return found

    def values(self) -> dict[str, Any]:
        """The settings that are as they should be."""
        return checked(self.recipe.settings, self.given())[0]

    @property
    def left_out(self) -> int | None:
        """The percentage of people who are left out; None if that is no such number."""
        text = str(self[HOLD_OUT].data or "0").strip().removesuffix("%").strip()
        percent = int(text) if text.isascii() and text.isdigit() else None
        return percent if percent is not None and percent <= MOST_HELD_OUT else None

    def check(self) -> bool:
        """Whether everything can be used; if not, each fault stands beside its field."""
        given = {name: value for name, value in self.given().items() if name in self.recipe.settings}
        _values, missing, wrong = checked(self.recipe.settings, given)
        for name in missing:
            self.refuse(SETTING + name, MISSING)
        for name in wrong:
            kind = self.recipe.settings[name].type
            self.refuse(SETTING + name, CHOOSE if isinstance(kind, tuple) else WRONG.get(kind, MISSING))
        for field in self:
            if field.name.startswith(ACCOUNT) and not field.data:
                self.refuse(field.name, CHOOSE)
                return False
        if self.left_out is None:
            self.refuse(HOLD_OUT, _("Type a whole number from 0 to %(most)s.", most=MOST_HELD_OUT))
            return False
        return not missing and not wrong


def form_class(
    recipe: Recipe,
    offers: Mapping[str, Offered],
    accounts: Mapping[str, Sequence[Connection]],
) -> type[SettingsForm]:
    """The form of a recipe. `offers` has what may be chosen for settings that choose, `accounts` the connections of
    each service of which there are several."""
    fields: dict[str, Any] = {"recipe": recipe}
    for of, connections in accounts.items():
        title = connections[0].connector.title
        fields[ACCOUNT + of] = _select(
            _("%(service)s account", service=title), [(found.id, found.label) for found in connections]
        )
    for name, setting in recipe.settings.items():
        fields[SETTING + name] = _field(setting, offers.get(name), recipe.function.__module__)
    fields[HOLD_OUT] = _held_out()
    return type("SettingsForm", (SettingsForm,), fields)


def filled(
    recipe: Recipe, settings: Mapping[str, Any], accounts: Mapping[str, str], hold_out: int = 0
) -> dict[str, Any]:
    """What the fields of a form show at first: the settings that are on or were last, else the defaults."""
    found: dict[str, Any] = {ACCOUNT + of: account for of, account in accounts.items()}
    found[HOLD_OUT] = str(hold_out)
    for name, setting in recipe.settings.items():
        value = settings.get(name, None if setting.required else setting.default)
        found[SETTING + name] = _shown(setting, value)
    return found


def _shown(setting: Declared, value: Any) -> Any:
    if value is None:
        return None
    if setting.type in (bool, timedelta):
        return value
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _text(field: Field) -> str:
    if isinstance(field, BooleanField):
        return "yes" if field.data else "no"
    # A browser ends lines with two characters, and each would count in a text message.
    return str(field.data or "").replace("\r\n", "\n")


def _field(setting: Declared, offered: Offered | None, package: str) -> Any:
    """The field of a setting, in words of the `package` that declares it."""
    label, help = told(setting.words.label, package), told(setting.words.help, package)
    if offered is not None and offered.is_open:
        return _Suggested(label, offered.choices, description=help, render_kw=_PLAIN)
    if offered is not None and offered.choices:
        # The command line takes ids; here nobody has to know what they are.
        for lead in ("The id of ", "The internal name of "):
            help = words.upper_first(help.removeprefix(lead))
        return _select(label, offered.choices, help, none=_("Choose …") if setting.required else _("None"))
    if offered is not None:
        return StringField(label, description=joined([help, offered.trouble or ""]), render_kw=_PLAIN)
    if setting.words.message:
        return TextAreaField(label, description="", render_kw={"rows": "4", "data-previewed": True})
    if isinstance(setting.type, tuple):
        return _select(label, [(str(choice), str(choice)) for choice in setting.type], help)
    if setting.type is bool:
        return BooleanField(label, description=help)
    if setting.type is timedelta:
        return SpanField(label, description=help)
    number = {int: "numeric", float: "decimal", Decimal: "decimal"}.get(setting.type)
    if number:
        return StringField(label, description=help, render_kw={**_PLAIN, "inputmode": number, "size": "12"})
    if setting.type is list:
        return StringField(label, description=joined([help, _("Put commas between several.")]), render_kw=_PLAIN)
    return StringField(label, description=help, render_kw=_PLAIN)


def _held_out() -> Any:
    help = _(
        "In percent; 0 for nobody. For them it starts nothing, always for the same ones, and what they do is compared "
        "with what the others do. Ten is usual; the more people come in a week, the fewer are enough."
    )
    return StringField(_("Leave out"), description=help, render_kw={**_PLAIN, "inputmode": "numeric", "size": "4"})


_PLAIN = {"autocomplete": "off", "maxlength": "1000"}


class _Suggested(StringField):
    """A line of text, with what the account has already to choose from."""

    def __init__(self, label: str, offered: Sequence[Choice], **kwargs: Any) -> None:
        self.offered = offered
        super().__init__(label, **kwargs)

    def __call__(self, **kwargs: Any) -> Markup:
        listed = f"{self.id}-known"
        options = Markup("").join(Markup('<option value="{}">').format(key) for key, _title in self.offered)
        shown = super().__call__(**kwargs, list=listed)
        return Markup('{}<datalist id="{}">{}</datalist>').format(shown, listed, options)


class _Select(SelectField):
    """A choice that keeps what was chosen before, also where it is not offered any more."""

    def __init__(self, label: str, offered: Sequence[Choice], none: str, **kwargs: Any) -> None:
        self.offered, self.none = offered, none
        super().__init__(label, choices=[], validate_choice=False, coerce=_kept, **kwargs)

    def process(self, *given: Any, **more: Any) -> None:
        super().process(*given, **more)
        is_gone = self.data and all(key != self.data for key, _ in self.offered)
        gone = [(self.data, _("%(id)s (not found there)", id=str(self.data)))] if is_gone else []
        self.choices = [("", self.none), *gone, *self.offered]


def _select(label: str, choices: Sequence[Choice], help: str = "", none: str = "") -> Any:
    return _Select(label, choices, none or _("Choose …"), description=help)


def _kept(value: Any) -> str:
    return "" if value is None else str(value)
