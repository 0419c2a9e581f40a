"""A package that is broken is told, and holds up nothing else: neither other packages nor what is on already."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub import clock, registry, schema
from hub.errors import ConnectorInvalid
from tests import telling
from tests.world import World, tell

RECIPE = '''
from hub import Event, Steps, recipe, sleep
from tests import telling


@recipe(on=telling.happened, title="Greet")
def greet(event: Event) -> Steps:
    """Greets, and a day later again."""
    yield telling.do("hello")
    yield sleep(days=1)
    yield telling.do("hello again")
'''


@dataclass
class Shelf:
    """Where a consultant's packages lie."""

    folder: Path

    def write(self, package: str, **modules: str) -> str:
        """Writes a package; gives its full name."""
        name = f"{package}_of_{self.folder.name}"  # another one for each test: Python imports a module once
        (self.folder / name).mkdir(exist_ok=True)
        for module, source in ({"__init__": ""} | modules).items():
            (self.folder / name / f"{module}.py").write_text(source)
        return name


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    yield Shelf(tmp_path)
    forget()


FIND = registry._modules


def forget() -> None:
    for cache in (FIND, registry.connector, registry.recipes):
        cache.cache_clear()


def installed(monkeypatch: pytest.MonkeyPatch, group: str, *packages: str) -> None:
    points = [EntryPoint(name, name, group) for name in packages]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    registry.recipes.cache_clear()


BROKEN = ["def (:", "import nothing_of_this_name", "import sys; sys.exit(3)"]


@pytest.mark.parametrize("source", BROKEN)
def test_a_package_that_cannot_be_loaded_holds_up_no_other(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, source: str
) -> None:
    broken, good = shelf.write("broken", __init__=source), shelf.write("good", greet=RECIPE)
    installed(monkeypatch, "regulars.recipes", broken, good, "no_package_at_all")
    with caplog.at_level(logging.ERROR):
        assert list(registry.recipes()) == ["greet"]
    assert broken in caplog.text and "no_package_at_all" in caplog.text


@pytest.mark.parametrize("source", BROKEN)
def test_a_recipe_file_that_cannot_be_loaded_holds_up_no_other(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, source: str
) -> None:
    installed(monkeypatch, "regulars.recipes", shelf.write("both", broken=source, greet=RECIPE))
    with caplog.at_level(logging.ERROR):
        assert list(registry.recipes()) == ["greet"]
    assert "are left out, as it cannot be loaded" in caplog.text


@pytest.mark.parametrize("source", BROKEN)
def test_a_connector_that_cannot_be_loaded_is_told_as_one(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    installed(monkeypatch, "regulars.connectors", shelf.write("connectors", broken=source))
    with pytest.raises(ConnectorInvalid, match="The connector broken cannot be loaded"):
        registry.connector("broken")


def test_recipes_that_share_a_name_are_told_and_what_is_on_goes_on(
    world: World, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def find(**modules: str) -> None:
        """Has the hub find these modules, as after a start."""
        package = shelf.write("recipes", **modules)
        found = {name: f"{package}.{name}" for name in modules}
        monkeypatch.setattr(registry, "_modules", lambda group: known(group) or found)
        registry.recipes.cache_clear()

    def happen(key: str) -> None:
        world.deliver(connection, tell(events=[{"type": "happened", "id": key, "email": f"{key}@example.com"}]))
        world.settle()

    known = registry._modules
    find(greet=RECIPE)
    connection = world.connect("telling", account="a")
    world.enable("greet")
    happen("ada")
    find(greet=RECIPE, copy_of_greet=RECIPE, other=RECIPE.replace("def greet", "def other"))
    with caplog.at_level(logging.ERROR):
        assert list(registry.recipes()) == ["other"]
    assert "copy_of_greet are called 'greet' alike, so they are left out" in caplog.text
    with closing(world.another_hub()) as fresh:
        assert [note.partition(".")[0] for note in fresh.enabled.refresh()] == ["greet: keeps its old code"]
    happen("grace")
    world.pass_time(timedelta(days=1))
    assert [run.state for run in world.runs] == ["done", "done"]
    assert [inputs["what"] for _, inputs in telling.provider.done] == ["hello", "hello", "hello again", "hello again"]


def test_a_recipe_whose_code_is_gone_starts_nothing_and_others_start(
    world: World, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = shelf.write("recipes", greet=RECIPE, other=RECIPE.replace("def greet", "def other"))
    found = {name: f"{package}.{name}" for name in ("greet", "other")}
    known = registry._modules
    monkeypatch.setattr(registry, "_modules", lambda group: known(group) or found)
    registry.recipes.cache_clear()
    connection = world.connect("telling", account="a")
    for name in found:
        world.enable(name)
    del found["greet"]
    registry.recipes.cache_clear()
    with world.hub.database.write() as database:
        database.execute(sa.delete(schema.recipe_version).where(schema.recipe_version.c.recipe == "greet"))
    with closing(world.another_hub()) as fresh:
        world.deliver(connection, tell(events=[{"type": "happened", "id": "1", "email": "ada@example.com"}]))
        world.settle(fresh)
    assert [run.recipe for run in world.runs] == ["other"]


def test_one_businesss_connector_that_is_gone_keeps_no_other_business_from_its_events(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.practice()
    other = world.hub.workspaces.add("Another Bakery")
    theirs, _ = world.hub.connections.connect(other, "telling", {"account": "b"})
    known = registry._modules("regulars.connectors")
    monkeypatch.setattr(registry, "_modules", lambda group: {n: m for n, m in known.items() if n != "shopify"})
    registry.connector.cache_clear()
    world.hub.forget()
    compared: list[str] = []
    monkeypatch.setattr(world.hub.connections, "subscribe", compared.append)
    with caplog.at_level(logging.WARNING):
        clock.compare_subscriptions(world.hub)
    assert theirs.id in compared
    assert "Crumb & Co.: its subscriptions cannot be compared: The connector shopify" in caplog.text
