"""Versions: a run ends on the code it started with, whatever becomes of the recipe's file meanwhile."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import sqlalchemy as sa

from hub import registry, schema, versions
from hub.errors import RecipeInvalid, RecipeMissing
from tests import telling
from tests.world import World, happen

PACKAGE = "recipes_of_a_test"
HEAD = """
from datetime import timedelta
from hub import sleep, recipe
from tests import telling
"""
OLD = """
@recipe(on=telling.happened, title="Greet")
def greet(event, *, word: str = "hello"):
    '''Greets twice.'''
    yield telling.do(f"old {word}")
    yield sleep(days=1)
    yield telling.do(f"old {word} again")
    return "old"
"""
NEW = OLD.replace("old", "new")


class Shelf:
    """A package of recipes whose files are edited, as `registry` would find it after a start of the hub."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / PACKAGE
        self.folder.mkdir()
        (self.folder / "__init__.py").touch()
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        self._use = lambda found: monkeypatch.setattr(registry, "recipes", lambda: found)

    def write(self, name: str, source: str) -> None:
        (self.folder / f"{name}.py").write_text(HEAD + dedent(source))

    def remove(self, name: str) -> None:
        (self.folder / f"{name}.py").unlink()

    def load(self) -> None:
        """What a start of the hub does: imports what is there now."""
        forget()
        importlib.invalidate_caches()
        found = {}
        for file in sorted(self.folder.glob("[a-z]*.py")):
            module = importlib.import_module(f"{PACKAGE}.{file.stem}")
            found |= {made.name: made for made in registry._recipes_in(module)}
        self._use(found)


def forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World) -> Iterator[Shelf]:
    world.connect("telling", account="a")
    yield Shelf(tmp_path, monkeypatch)
    forget()


@pytest.fixture
def started(shelf: Shelf, world: World) -> Callable[..., None]:
    """Switches `greet` on as it is in the shelf, and lets it come to its sleep."""

    def start(**sources: str) -> None:
        for name, source in sources.items():
            shelf.write(name, source)
        shelf.load()
        world.enable("greet")
        happen(world)

    return start


def done() -> list[Any]:
    return [inputs["what"] for _, inputs in telling.provider.done]


def go_on(world: World) -> None:
    """A day later, in a process that was started anew."""
    world.clock.advance(timedelta(days=1))
    with closing(world.another_hub()) as hub:
        hub.enabled.refresh()
        world.settle(hub)


# ---- a run under way


def test_a_run_under_way_ends_on_the_code_it_started_with(world: World, shelf: Shelf, started: Any) -> None:
    started(greet=OLD)
    shelf.write("greet", NEW)
    shelf.load()
    go_on(world)
    assert done() == ["old hello", "old hello again"]
    assert (world.runs[0].state, world.runs[0].reason) == ("done", "old")


def test_a_new_run_uses_the_edited_code_after_a_start(world: World, shelf: Shelf, started: Any) -> None:
    started(greet=OLD)
    shelf.write("greet", NEW)
    shelf.load()
    with closing(world.another_hub()) as hub:
        assert hub.enabled.refresh() == ["greet: new runs use its edited code; runs under way keep the old."]
        assert hub.enabled.refresh() == []
    world.hub.enabled.refresh()
    happen(world, key="2", email="bob@example.com")
    assert done() == ["old hello", "new hello"]
    first, second = world.runs
    assert first.version != second.version and first.enabled_id != second.enabled_id


def test_a_run_ends_also_when_its_recipe_is_gone(world: World, shelf: Shelf, started: Any) -> None:
    started(greet=OLD)
    shelf.remove("greet")
    shelf.load()
    go_on(world)
    assert done() == ["old hello", "old hello again"]


def test_sub_recipes_and_helpers_of_the_package_are_kept_along(world: World, shelf: Shelf, started: Any) -> None:
    parts = """
        WORD = "old"

        def part(event):
            from .words import polite
            yield telling.do(f"{WORD} part")
            yield sleep(days=1)
            yield telling.do(polite(WORD))
        """
    started(
        words="def polite(word):\n    return f'{word}, please'\n",
        parts=parts,
        greet=f"""
            from {PACKAGE}.parts import part

            @recipe(on=telling.happened, title="Greet")
            def greet(event):
                '''Greets by its parts.'''
                yield from part(event)
                return "done"
            """,
    )
    shelf.write("words", "def polite(word):\n    return 'rude'\n")
    shelf.write("parts", parts.replace("old", "new"))
    shelf.load()
    go_on(world)
    assert done() == ["old part", "old, please"]


def test_a_recipe_that_yields_from_another_recipe_keeps_it(world: World, shelf: Shelf, started: Any) -> None:
    started(
        inner=OLD.replace("greet", "inner"),
        greet="""
            from .inner import inner

            @recipe(on=telling.happened, title="Greet")
            def greet(event):
                '''Greets as another recipe does.'''
                return (yield from inner(event, word="you"))
            """,
    )
    shelf.write("inner", NEW.replace("greet", "inner"))
    shelf.load()
    go_on(world)
    assert done() == ["old you", "old you again"]
    assert world.runs[0].reason == "old"


def test_a_fault_in_kept_code_is_told_with_its_line(world: World, shelf: Shelf, started: Any) -> None:
    started(greet=OLD.replace('return "old"', "return 1 / 0"))
    shelf.write("greet", NEW)
    shelf.load()
    go_on(world)
    assert world.runs[0].reason == "The recipe failed with ZeroDivisionError in line 12."


# ---- code that cannot be used


def test_a_run_whose_code_is_not_kept_is_held_and_goes_on_when_it_is_back(
    world: World, shelf: Shelf, started: Any
) -> None:
    started(greet=OLD)
    (kept,) = world.rows(schema.recipe_version)
    with world.hub.database.write() as connection:
        connection.execute(sa.delete(schema.recipe_version))
    shelf.remove("greet")
    shelf.load()
    go_on(world)
    assert world.runs[0].state == "held"
    assert "is not kept here" in world.runs[0].reason
    with world.hub.database.write() as connection:
        connection.execute(sa.insert(schema.recipe_version).values(dict(kept._mapping)))
        connection.execute(sa.update(schema.run).values(state="running", due_at=world.clock.now()))
    go_on(world)
    assert world.runs[0].state == "done"


@pytest.mark.parametrize("change", ["source", "hash", "recipe"])
def test_code_that_was_changed_in_the_database_is_never_run(
    world: World, shelf: Shelf, started: Any, change: str
) -> None:
    started(greet=OLD)
    (row,) = world.rows(schema.recipe_version)
    values = {
        "source": {"source": row.source[:-1] + bytes([row.source[-1] ^ 1])},
        "hash": {"hash": "0" * 32},
        "recipe": {"recipe": "other"},
    }[change]
    with world.hub.database.write() as connection:
        connection.execute(sa.update(schema.recipe_version).values(values))
    shelf.remove("greet")
    shelf.load()
    with closing(world.another_hub()) as hub, pytest.raises(RecipeMissing):
        hub.versions.load(values.get("recipe", "greet"), values.get("hash", row.hash))
    go_on(world)
    assert world.runs[0].state == "held"
    assert done() == ["old hello"]


def test_kept_code_cannot_be_read_in_the_database(world: World, shelf: Shelf, started: Any) -> None:
    started(greet=OLD)
    assert b"telling" not in world.rows(schema.recipe_version)[0].source


def test_a_recipe_that_was_edited_after_the_hub_started_is_not_taken_for_its_new_code(
    world: World, shelf: Shelf
) -> None:
    shelf.write("greet", OLD)
    shelf.load()
    shelf.write("greet", NEW)
    with pytest.raises(RecipeInvalid, match="Restart the hub"):
        world.enable("greet")
    shelf.load()
    world.enable("greet")
    happen(world)
    assert done() == ["new hello"]


def test_a_process_that_loaded_an_older_file_runs_the_code_that_was_switched_on(
    world: World, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.write("greet", OLD)
    shelf.load()
    older = registry.recipes()
    shelf.write("greet", NEW)
    shelf.load()
    world.enable("greet")
    monkeypatch.setattr(registry, "recipes", lambda: older)
    with closing(world.another_hub()) as hub:
        world.hear()
        world.settle(hub)
    assert done() == ["new hello"]


# ---- what belongs to a version


def test_many_threads_at_once_find_the_same_code(shelf: Shelf) -> None:
    """While Python collects garbage, other threads may run in the middle of everything."""
    shelf.write("greet", OLD)
    shelf.load()
    greet = registry.recipe("greet")
    often, switching = gc.get_threshold(), sys.getswitchinterval()

    def meanwhile(phase: str, info: Any) -> None:
        sum(range(50))

    gc.callbacks.append(meanwhile)
    gc.set_threshold(5)
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: versions.version_of(versions.bundle_of(greet)), range(200)))
    finally:
        gc.callbacks.remove(meanwhile)
        gc.set_threshold(*often)
        sys.setswitchinterval(switching)
    assert len(set(found)) == 1


def test_the_version_is_of_the_code_and_of_all_that_it_imports_from_its_package(world: World, shelf: Shelf) -> None:
    shelf.write("words", "WORD = 1\n")
    shelf.write("greet", "from .words import WORD\n" + OLD)
    shelf.load()
    first = versions.version_of(versions.bundle_of(registry.recipe("greet")))
    shelf.load()
    assert versions.version_of(versions.bundle_of(registry.recipe("greet"))) == first
    shelf.write("words", "WORD = 2\n")
    shelf.load()
    assert versions.version_of(versions.bundle_of(registry.recipe("greet"))) != first


@pytest.mark.parametrize("line", [f"import {PACKAGE}.words", "from . import words", f"from {PACKAGE} import words"])
def test_importing_a_whole_module_of_recipes_is_refused_with_what_to_write(
    world: World, shelf: Shelf, line: str
) -> None:
    shelf.write("words", "WORD = 1\n")
    shelf.write("greet", line + "\n" + OLD)
    shelf.load()
    with pytest.raises(RecipeInvalid, match=rf"Write: from {PACKAGE}\.words import"):
        world.enable("greet")


def test_the_same_code_is_kept_once(world: World, shelf: Shelf) -> None:
    shelf.write("greet", OLD)
    shelf.load()
    world.enable("greet")
    world.enable("greet", word="hi")
    assert len(world.rows(schema.recipe_version)) == 1
