"""Enabled recipes: on with settings and accounts, off without losing runs, and brought up to date with their code."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub import Event, Steps, recipe, registry, schema, sleep
from hub.errors import ConnectionMissing, NotFound, SettingInvalid
from hub.recipe_settings import declared
from tests import telling
from tests.world import World, happen


@recipe(on=telling.happened, title="Greet")
def greet(event: Event, *, word: str = "hello", times: int = 1) -> Steps:
    """Greets, and a day later again."""
    yield telling.do([word, times])
    yield sleep(days=1)
    yield telling.do([word, "again"])


@recipe(on=telling.happened, title="Greet")
def greet_by_name(event: Event, *, name: str) -> Steps:
    """Greets by a name that must be given."""
    yield telling.do(name)


@pytest.fixture(autouse=True)
def known(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.use(monkeypatch, greet, greet_by_name)


def on(world: World) -> list[tuple[str, dict[str, Any]]]:
    return [(entry.recipe, dict(entry.settings)) for _, entry in world.hub.enabled.of(world.workspace)]


def done() -> list[Any]:
    return [inputs["what"] for _, inputs in telling.provider.done]


# ---- on and off


def test_a_recipe_is_on_with_its_settings_and_defaults(world: World) -> None:
    world.connect("telling", account="a")
    world.enable("greet", word="ahoy")
    assert on(world) == [("greet", {"word": "ahoy", "times": 1})]


def test_new_settings_are_for_new_runs_and_runs_under_way_keep_theirs(world: World) -> None:
    world.connect("telling", account="a")
    world.enable("greet", word="hello")
    happen(world, key="1")
    world.enable("greet", word="ahoy")
    happen(world, key="2")
    world.pass_time(timedelta(days=1))
    assert sorted(map(str, done())) == ["['ahoy', 'again']", "['ahoy', 1]", "['hello', 'again']", "['hello', 1]"]
    assert on(world) == [("greet", {"word": "ahoy", "times": 1})]


def test_a_recipe_that_is_off_starts_nothing_and_ends_what_it_started(world: World) -> None:
    world.connect("telling", account="a")
    world.enable("greet")
    happen(world, key="1")
    world.hub.enabled.disable(world.workspace, "greet")
    happen(world, key="2")
    world.pass_time(timedelta(days=1))
    assert done() == [["hello", 1], ["hello", "again"]]
    with pytest.raises(NotFound, match="is not on"):
        world.hub.enabled.disable(world.workspace, "greet")


def test_settings_are_sealed_and_in_nothing_that_is_printed(world: World) -> None:
    world.connect("telling", account="a")
    world.enable("greet", word="canary")
    (row,) = world.rows(schema.enabled_recipe)
    assert b"canary" not in row.settings
    (entry,) = [entry for _, entry in world.hub.enabled.of(world.workspace)]
    assert "canary" not in repr(entry)


def test_switched_on_by_two_at_once_it_is_on_once(world: World) -> None:
    world.connect("telling", account="a")
    threads = [threading.Thread(target=world.enable, args=("greet",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(on(world)) == 1


def test_one_business_knows_nothing_of_the_recipes_of_another(world: World) -> None:
    world.connect("telling", account="a")
    world.enable("greet")
    other = world.hub.workspaces.add("Another Bakery")
    assert list(world.hub.enabled.of(other)) == []


# ---- what is missing or wrong


def test_wrong_settings_are_told_all_at_once_and_switch_nothing_on(world: World) -> None:
    world.connect("telling", account="a")
    with pytest.raises(SettingInvalid) as caught:
        world.enable("greet", times="often", colour="red")
    assert "no setting 'colour'" in str(caught.value) and "times should be number" in str(caught.value)
    assert on(world) == []


def test_an_unknown_recipe_is_told_with_those_that_there_are(world: World) -> None:
    with pytest.raises(NotFound, match=r"There are: .*greet"):
        world.enable("wave")


def test_without_an_account_it_cannot_be_switched_on(world: World) -> None:
    with pytest.raises(ConnectionMissing, match="no Telling account is connected"):
        world.enable("greet")


def test_of_several_accounts_one_must_be_chosen_and_only_its_events_start(world: World) -> None:
    first = world.connect("telling", account="a")
    second = world.connect("telling", account="b")
    with pytest.raises(ConnectionMissing, match=r"2 Telling accounts: choose one with telling=CONNECTION"):
        world.enable("greet")
    world.enable("greet", telling=second.id)
    happen(world, account=first)
    assert done() == []
    happen(world, account=second)
    assert done() == [["hello", 1]]


# ---- brought up to date


def with_new_code(monkeypatch: pytest.MonkeyPatch, world: World, made: Any) -> None:
    """The recipe `greet` as another function, as if its file had been edited."""
    fresh = replace(made, name="greet", settings=declared(made.function) if made is not greet else made.settings)
    world.use(monkeypatch, fresh)
    current = world.hub.versions.current
    monkeypatch.setattr(world.hub.versions, "current", lambda asked: "edited" if asked is fresh else current(asked))
    keep = world.hub.versions.keep

    def kept(connection: Any, asked: Any) -> str:
        return "edited" if asked is fresh else keep(connection, asked)

    monkeypatch.setattr(world.hub.versions, "keep", kept)


def test_what_did_not_change_stays_as_it_is(world: World) -> None:
    world.connect("telling", account="a")
    world.enable("greet", word="ahoy")
    assert world.hub.enabled.refresh() == []
    assert len(world.rows(schema.enabled_recipe)) == 1


def test_edited_code_keeps_the_settings_that_it_still_has(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect("telling", account="a")
    world.enable("greet", word="ahoy", times="3")

    @recipe(on=telling.happened, title="Greet")
    def shorter(event: Event, *, word: str = "hello", mood: str = "calm") -> Steps:
        """Has lost a setting and gained one."""
        yield telling.do([word, mood])

    with_new_code(monkeypatch, world, shorter)
    assert world.hub.enabled.refresh() == ["greet: new runs use its edited code; runs under way keep the old."]
    assert on(world) == [("greet", {"word": "ahoy", "mood": "calm"})]
    assert world.hub.enabled.refresh() == []


def test_edited_code_that_needs_a_setting_waits_for_it_and_the_old_code_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.connect("telling", account="a")
    world.enable("greet", word="ahoy")
    with_new_code(monkeypatch, world, greet_by_name)
    (note,) = world.hub.enabled.refresh()
    assert note.startswith("greet: keeps its old code.") and "name is missing" in note
    assert on(world) == [("greet", {"word": "ahoy", "times": 1})]


def test_a_recipe_whose_file_is_gone_keeps_its_old_code(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect("telling", account="a")
    world.enable("greet")
    left = {name: made for name, made in registry.recipes().items() if name != "greet"}
    monkeypatch.setattr(registry, "recipes", lambda: left)
    (note,) = world.hub.enabled.refresh()
    assert note.startswith("greet: keeps its old code. There is no recipe 'greet'.")


def test_a_recipe_that_is_off_is_left_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect("telling", account="a")
    world.enable("greet")
    world.hub.enabled.disable(world.workspace, "greet")
    with_new_code(monkeypatch, world, greet_by_name)
    assert world.hub.enabled.refresh() == []
