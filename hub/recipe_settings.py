"""What an owner may choose in a recipe: the keyword-only parameters of its function, read and checked.

`def order_thanks(event, *, tag: str = "customer", wait: timedelta = timedelta(hours=1))` has the settings
`tag` and `wait`. `Annotated[str, Setting("Text message", help=…)]` gives one words for people.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from .errors import RecipeInvalid, SettingInvalid
from .event import Channel

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SPAN = re.compile(
    r"(\d+(?:\.\d+)?)\s*(?:(s)(?:ecs?|econds?)?|(m)(?:ins?|inutes?)?|(h)(?:rs?|ours?)?|(d)(?:ays?)?|(w)(?:eeks?)?)(?![a-z])",
    re.IGNORECASE,
)
_REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True)
class Setting:
    """Words for people about a setting.

    label    names it
    help     says what to enter, as a sentence
    message  for a text that people get: by which channel
    fills    for such a text: its placeholders, each with what a made-up person has there, for the preview
    chooses  what an id is chosen from, where the account can be asked: "mailchimp.audience"
    """

    label: str
    help: str = ""
    message: Channel | None = None
    fills: Mapping[str, str] = field(default_factory=dict, hash=False)
    chooses: str | None = None


@dataclass(frozen=True)
class Declared:
    """One setting of a recipe. `type` is str, int, float, bool, timedelta, Decimal, list or a Literal's values."""

    name: str
    type: Any
    default: Any
    words: Setting

    @property
    def required(self) -> bool:
        return self.default is _REQUIRED

    @property
    def type_name(self) -> str:
        if isinstance(self.type, tuple):
            return "one of " + ", ".join(map(str, self.type))
        return {timedelta: "duration", str: "text", list: "list", bool: "yes or no"}.get(self.type, "number")


def declared(function: Callable[..., Any]) -> dict[str, Declared]:
    """The settings of a recipe's function, by name. Raises RecipeInvalid for a type that nobody could fill in."""
    hints = get_type_hints(function, include_extras=True)
    found = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        hint, words = hints.get(parameter.name, str), Setting(parameter.name.replace("_", " ").capitalize())
        if get_origin(hint) is Annotated:
            hint, *extras = get_args(hint)
            words = next((extra for extra in extras if isinstance(extra, Setting)), words)
        found[parameter.name] = Declared(parameter.name, _kind(hint, parameter.name), parameter.default, words)
    return found


def _kind(hint: Any, name: str) -> Any:
    if get_origin(hint) is Literal:
        return get_args(hint)
    kind = get_origin(hint) or hint
    if kind in (str, int, float, bool, timedelta, Decimal, list):
        return kind
    raise RecipeInvalid(
        f"The setting {name!r} has a type that nobody can fill in. Use str, int, float, bool, timedelta, "
        "Decimal, list[str] or Literal."
    )


def still_known(declared: Mapping[str, Declared], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was set at an earlier time, without what the recipe has no setting for any more."""
    return {name: value for name, value in given.items() if name in declared}


def filled_in(settings: Mapping[str, Declared], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given values (text, or already of the type) with the defaults of the rest.

    Raises SettingInvalid, with every fault in one message.
    """
    values, missing, wrong = checked(settings, given)
    faults = [f"there is no setting {name!r}" for name in given if name not in settings]
    for name, setting in settings.items():
        if name in missing:
            faults.append(f"{name} is missing ({setting.words.help or setting.words.label})")
        elif name in wrong:
            faults.append(f"{name} should be {setting.type_name}")
    if faults:
        raise SettingInvalid("Check the settings: " + "; ".join(faults) + ".")
    return values


def checked(
    settings: Mapping[str, Declared], given: Mapping[str, Any]
) -> tuple[dict[str, Any], frozenset[str], frozenset[str]]:
    """The values as `filled_in` gives them, as far as they are right; the names of those that are missing, and of
    those that are not what they should be."""
    values: dict[str, Any] = {}
    missing, wrong = set(), set()
    for name, setting in settings.items():
        if name not in given and setting.required:
            missing.add(name)
        elif name not in given:
            values[name] = setting.default
        else:
            try:
                values[name] = _value(setting.type, given[name])
            except (ValueError, InvalidOperation):
                wrong.add(name)
    return values, frozenset(missing), frozenset(wrong)


def _value(kind: Any, value: Any) -> Any:
    if isinstance(kind, tuple):
        for choice in kind:
            if str(choice) == str(value):
                return choice
        raise ValueError
    if not isinstance(value, str):
        if isinstance(value, bool) is not (kind is bool):
            raise ValueError
        if isinstance(value, kind) or (kind in (float, Decimal) and isinstance(value, int)):
            return value
        raise ValueError
    if kind is bool:
        word = value.strip().lower()
        if word not in ("yes", "true", "on", "1", "no", "false", "off", "0"):
            raise ValueError
        return word in ("yes", "true", "on", "1")
    if kind is timedelta:
        return duration(value)
    if kind is list:
        return [part.strip() for part in value.split(",") if part.strip()]
    number = kind(value)
    if kind in (float, Decimal) and not math.isfinite(number):
        raise ValueError
    return number


def duration(text: str) -> timedelta:
    """`90m`, `1 h 30 min`, `3 days` as a timedelta. Months are refused, as they differ in length. Raises ValueError."""
    parts = [(number, "".join(unit).lower()) for number, *unit in _SPAN.findall(text)]
    if not parts or _SPAN.sub("", text).strip(" ,"):
        raise ValueError(f"{text!r} is not a duration")
    try:
        return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))
    except OverflowError:
        raise ValueError(f"{text!r} is longer than a calendar") from None
