"""A recipe's settings are its function's keyword-only parameters; what an owner enters is read or refused in words."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

import pytest

from hub import Setting
from hub.errors import RecipeInvalid, SettingInvalid
from hub.recipe_settings import declared, duration, filled_in


def order_thanks(
    event,
    *,
    tag: str = "customer",
    text: Annotated[str, Setting("Text message", "What to send.")],
    wait: timedelta = timedelta(hours=1),
    times: int = 2,
    share: float = 0.5,
    least: Decimal = Decimal("10.00"),
    quiet: bool = True,
    tags: list[str] = [],  # noqa: B006
    how: Literal["sms", "email", 3] = "sms",
    plain="",
):
    yield


SETTINGS = declared(order_thanks)


def test_keyword_only_parameters_are_settings_and_others_are_not():
    assert list(SETTINGS) == [
        "tag", "text", "wait", "times", "share", "least", "quiet", "tags", "how", "plain",
    ]  # fmt: skip


def test_words_for_people_come_from_the_annotation_or_the_name():
    assert SETTINGS["text"].words == Setting("Text message", "What to send.")
    assert SETTINGS["tag"].words == Setting("Tag")
    assert declared(lambda *, first_tag="": None)["first_tag"].words.label == "First tag"


def test_a_setting_without_a_default_is_required():
    assert [name for name, setting in SETTINGS.items() if setting.required] == ["text"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tag", "text"),
        ("wait", "duration"),
        ("times", "number"),
        ("share", "number"),
        ("least", "number"),
        ("quiet", "yes or no"),
        ("tags", "list"),
        ("how", "one of sms, email, 3"),
        ("plain", "text"),
    ],
)
def test_a_type_is_named_in_words(name, words):
    assert SETTINGS[name].type_name == words


@pytest.mark.parametrize("hint", [dict, bytes, "str | None", set, object])
def test_a_type_that_nobody_could_fill_in_is_refused(hint):
    def recipe(event, *, odd=None):
        yield

    recipe.__annotations__["odd"] = hint
    with pytest.raises(RecipeInvalid, match="'odd'"):
        declared(recipe)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("tag", " vip ", " vip "),
        ("wait", "1 h 30 min", timedelta(minutes=90)),
        ("wait", timedelta(days=3), timedelta(days=3)),
        ("times", "3", 3),
        ("times", 3, 3),
        ("share", "0.25", 0.25),
        ("share", 1, 1),
        ("least", "9.90", Decimal("9.90")),
        ("quiet", " Yes ", True),
        ("quiet", "off", False),
        ("quiet", False, False),
        ("tags", "a, b ,,c", ["a", "b", "c"]),
        ("tags", "", []),
        ("tags", ["a"], ["a"]),
        ("how", "email", "email"),
        ("how", "3", 3),
    ],
)
def test_what_is_entered_is_read_as_its_type(name, given, expected):
    value = filled_in(SETTINGS, {"text": "Hi", name: given})[name]
    assert (value, type(value)) == (expected, type(expected))


def test_the_rest_has_its_defaults():
    assert filled_in(SETTINGS, {"text": "Hi"}) == {
        "tag": "customer", "text": "Hi", "wait": timedelta(hours=1), "times": 2, "share": 0.5,
        "least": Decimal("10.00"), "quiet": True, "tags": [], "how": "sms", "plain": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("wait", "soon"),
        ("wait", "3"),
        ("wait", 3),
        ("wait", "9999999999999 weeks"),
        ("times", "3.5"),
        ("times", ""),
        ("times", None),
        ("times", True),
        ("share", "half"),
        ("share", "nan"),
        ("share", "inf"),
        ("share", "1e400"),
        ("least", "ten"),
        ("least", "NaN"),
        ("least", "Infinity"),
        ("quiet", "perhaps"),
        ("quiet", 1),
        ("how", "pigeon"),
        ("tag", 5),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(name, given):
    with pytest.raises(SettingInvalid, match=rf"{name} should be "):
        filled_in(SETTINGS, {"text": "Hi", name: given})


def test_every_fault_is_told_at_once():
    with pytest.raises(SettingInvalid) as caught:
        filled_in(SETTINGS, {"colour": "red", "times": "many"})
    assert str(caught.value) == (
        "Check the settings: there is no setting 'colour'; text is missing (What to send.); times should be number."
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("1 h 30 min", timedelta(minutes=90)),
        ("3 days", timedelta(days=3)),
        ("2 Weeks, 1 day", timedelta(days=15)),
        ("1.5 hours", timedelta(minutes=90)),
        ("45 secs", timedelta(seconds=45)),
        ("0s", timedelta(0)),
    ],
)
def test_a_duration_reads_as_people_write_it(text, expected):
    assert duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "3", "h", "-1 h", "1 month", "3 months", "2 dogs", "5 sausages", "1 h later", "1:30"]
)
def test_what_is_no_duration_is_not_taken_for_one(text):
    with pytest.raises(ValueError, match="is not a duration"):
        duration(text)
