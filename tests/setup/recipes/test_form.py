"""Settings as a form: every kind of setting, what was typed stays, and one check for page and command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from connectors import shopify
from hub import Event, Setting, Steps, recipe, sleep
from hub.errors import SettingInvalid
from hub.recipe_settings import filled_in
from hub.setup.recipes.choosing import Offered
from hub.setup.recipes.form import SettingsForm, filled, form_class


@recipe(on=shopify.order_created, title="Everything")
def everything(
    event: Event,
    *,
    audience: Annotated[str, Setting("Audience", "The id of the audience.", chooses="mailchimp.audience")],
    text: Annotated[str, Setting("Text", message="sms", fills={"first_name": "Ada"})] = "Hello {first_name}",
    wait: Annotated[timedelta, Setting("Wait")] = timedelta(minutes=90),
    least: Annotated[Decimal, Setting("At least")] = Decimal("10.00"),
    share: Annotated[float, Setting("Share")] = 10.0,
    times: Annotated[int, Setting("How often")] = 2,
    quiet: Annotated[bool, Setting("Quiet")] = True,
    how: Annotated[Literal["sms", "email"], Setting("How")] = "sms",
    tags: Annotated[list[str], Setting("Tags")] = [],  # noqa: B006
    errors: Annotated[str, Setting("A name that a form has too")] = "",
) -> Steps:
    """Has every kind of setting."""
    yield sleep(hours=1)
    return None


SENT: Mapping[str, Any] = {
    "set_audience": "a1",
    "set_text": "One\r\nTwo",
    "set_wait": ["2", "days"],
    "set_least": "12.50",
    "set_share": "7.5",
    "set_times": "3",
    "set_how": "email",
    "set_tags": "a, b",
    "set_errors": "",
}

Make = Callable[..., SettingsForm]


@pytest.fixture
def make() -> Iterator[Make]:
    app = Flask("test")

    def made(sent: Mapping[str, Any] | None = None, offers: Any = None, **settings: Any) -> SettingsForm:
        form = form_class(everything, offers or {}, {})
        values = filled(everything, settings, {})
        if sent is None:
            with app.test_request_context():
                return form(**values)
        with app.test_request_context(method="POST", data=MultiDict(sent)):
            return form(**values)

    yield made


def test_a_form_shows_the_defaults_and_gives_them_back(make: Make) -> None:
    form = make(audience="a1")
    assert form.check()
    defaults = {name: setting.default for name, setting in everything.settings.items()}
    assert form.values() == defaults | {"audience": "a1"}


def test_what_is_sent_is_what_the_command_line_would_be_given(make: Make) -> None:
    form = make(SENT)
    assert form.check()
    assert form.given() == {
        "audience": "a1",
        "text": "One\nTwo",
        "wait": "2 days",
        "least": "12.50",
        "share": "7.5",
        "times": "3",
        "quiet": "no",
        "how": "email",
        "tags": "a, b",
        "errors": "",
    }
    assert form.values() == filled_in(everything.settings, form.given())


@pytest.mark.parametrize(
    ("name", "typed", "fault"),
    [
        ("set_audience", "", "Please fill this in."),
        ("set_wait", ["soon", "days"], "Type a number, such as 2 or 1.5, and choose what it counts."),
        ("set_wait", ["", "days"], "Type a number, such as 2 or 1.5, and choose what it counts."),
        ("set_wait", ["-1", "days"], "Type a number, such as 2 or 1.5, and choose what it counts."),
        ("set_least", "1,50", "Type an amount, such as 12.50."),
        ("set_least", "NaN", "Type an amount, such as 12.50."),
        ("set_share", "ten", "Type a number, such as 7.5."),
        ("set_times", "2.5", "Type a whole number, such as 3."),
        ("set_how", "pigeon", "Choose one of these."),
        ("set_how", "", "Choose one of these."),
    ],
)
def test_a_fault_stands_beside_its_field_and_what_was_typed_stays(
    make: Make, name: str, typed: Any, fault: str
) -> None:
    form = make({**SENT, name: typed})
    assert not form.check()
    assert form.errors == {name: [fault]}
    shown = str(form[name]())
    assert (typed[0] if isinstance(typed, list) else typed) in shown
    with pytest.raises(SettingInvalid):
        filled_in(everything.settings, form.given())


@pytest.mark.parametrize(
    ("span", "number", "unit"),
    [
        (timedelta(minutes=90), "90", "minutes"),
        (timedelta(hours=26), "26", "hours"),
        (timedelta(days=14), "14", "days"),
        (timedelta(weeks=6), "6", "weeks"),
        (timedelta(seconds=30), "0.5", "minutes"),
        (timedelta(0), "0", "minutes"),
    ],
)
def test_a_length_of_time_is_shown_as_it_was_set(make: Make, span: timedelta, number: str, unit: str) -> None:
    form = make(audience="a1", wait=span)
    shown = str(form["set_wait"]())
    assert f'value="{number}"' in shown and f'<option value="{unit}" selected>{unit}</option>' in shown
    assert form.values()["wait"] == span


def test_a_length_of_time_that_is_sent_in_pieces_is_refused(make: Make) -> None:
    for pieces in (["2"], ["2", "days", "3"], ["2", "<script>"]):
        form = make({**SENT, "set_wait": pieces})
        assert "<script>" not in str(form["set_wait"]())
        assert form.check() is (len(pieces) == 2 or form.values().get("wait") is not None)


def test_what_can_be_chosen_is_offered_by_its_title(make: Make) -> None:
    offers = {"audience": Offered((("a1", "Customers"), ("b2", "Wholesale")))}
    form = make(offers=offers, audience="a1")
    shown = str(form["set_audience"]())
    assert re.search(r'<option selected value="a1">Customers</option>', shown)
    assert '<option value="b2">Wholesale</option>' in shown
    assert form["set_audience"].description == "The audience."


def test_what_was_chosen_and_is_gone_is_kept_and_said(make: Make) -> None:
    form = make(offers={"audience": Offered((("a1", "Customers"),))}, audience="old")
    assert '<option selected value="old">old (not found there)</option>' in str(form["set_audience"]())
    assert form.values()["audience"] == "old"


def test_an_account_that_cannot_be_asked_leaves_a_field_to_type_in(make: Make) -> None:
    form = make(offers={"audience": Offered(trouble="Mailchimp could not be asked just now.")}, audience="a1")
    assert str(form["set_audience"]()).startswith("<input")
    assert form["set_audience"].description == "The id of the audience. Mailchimp could not be asked just now."


def test_what_may_be_anything_suggests_what_there_is(make: Make) -> None:
    form = make(offers={"audience": Offered((("vip", "vip"), ('"><b>', "x")), is_open=True)}, audience="new")
    shown = str(form["set_audience"]())
    assert 'list="set_audience-known"' in shown and 'value="new"' in shown
    assert (
        '<datalist id="set_audience-known"><option value="vip"><option value="&#34;&gt;&lt;b&gt;"></datalist>' in shown
    )
    assert form.values()["audience"] == "new"


@pytest.mark.parametrize("nasty", ['"><script>alert(1)</script>', "' onfocus='x", "</textarea><b>"])
def test_nothing_that_was_typed_becomes_part_of_the_page(make: Make, nasty: str) -> None:
    offers = {"audience": Offered(((nasty, nasty),))}
    form = make({name: [nasty, nasty] if name == "set_wait" else nasty for name in SENT}, offers=offers)
    form.check()
    for field in form:
        shown = str(field())
        assert "<script" not in shown and "<b>" not in shown and "' onfocus" not in shown
