"""The ways of our own recipes, and who is where on them."""

from __future__ import annotations

import pytest

from hub import (
    registry,
)
from hub.setup.recipes.way import counted, ways
from hub.texts import placeholders
from tests.setup.recipes.drawing import text


@pytest.mark.parametrize("name", sorted(registry.recipes()))
def test_the_way_of_every_recipe_of_ours_is_drawn_to_its_end(name: str) -> None:
    for way in ways(registry.recipe(name), {}):
        lines = [text(line) for line in way.lines]
        assert len(lines) > 3
        assert "It is done" in lines[-1]
        assert not [
            line for line in lines if "cannot be drawn" in line or "it depends" in line or "another audience" in line
        ]


@pytest.mark.parametrize("name", sorted(registry.recipes()))
def test_what_a_setting_of_ours_chooses_and_fills_in_exists(name: str) -> None:
    for setting in registry.recipe(name).settings.values():
        if setting.words.chooses:
            of, _, choice = setting.words.chooses.partition(".")
            assert choice in registry.connector(of).choosable
        if setting.words.message:
            assert set(placeholders(setting.default)) <= set(setting.words.fills)


def test_people_are_counted_where_they_are_and_no_one_is_left_out() -> None:
    (way,) = ways(registry.recipe("abandoned_cart_text"), {})
    shown = counted(way, {(0, "wait_for"): 12, (1, "twilio.send_sms"): 2, (7, "sleep"): 3})
    assert [(text(line).split(" |")[0], line.people) for line in shown.lines if line.people] == [
        ("Wait 1 day 2 hours", 12),
        ("Send a text message", 2),
    ]
    assert text(shown.lines[-1]) == "3 more runs at a step that is not drawn here"
    assert not [line for line in counted(way, {}).lines if line.people]
