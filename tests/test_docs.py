"""What our pages say is so: their examples run, their links lead somewhere, and nothing is left out."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from hub import registry, schema, settings
from hub.app import create_app
from hub.cli import SECTIONS
from hub.core import Hub
from hub.recipe import Recipe
from tests.test_house import ROOT, files
from webhooks.receiver import PATH

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *files(".md")]


def relative_links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            yield target


def test_links_between_our_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in relative_links(page)
        if not (page.parent / target).exists()
    ]
    assert not broken


def modules_in(page: str, monkeypatch: pytest.MonkeyPatch) -> list[ModuleType]:
    """The page's Python examples as modules; one that declares a recipe can be imported by those after it."""
    made = []
    for number, source in enumerate(re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)):
        declared = re.search(r"^def (\w+)\(\s*event: Event,\s*\*", source, re.MULTILINE)
        module = ModuleType(f"recipes.{declared[1]}" if declared else f"example_{number}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(source, f"{page}, example {number + 1}", "exec"), vars(module))
        made.append(module)
    return made


@pytest.mark.parametrize("page", ["README.md", "recipes/README.md"])
def test_the_recipes_in_our_pages_are_valid(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [value for module in modules_in(page, monkeypatch) for value in vars(module).values()]
    made = {value.name: value for value in found if isinstance(value, Recipe)}
    assert made
    for recipe in made.values():
        assert recipe.refusal(recipe.on[0].sample) is None


def test_the_test_in_the_page_about_recipes_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    tests = [
        value
        for module in modules_in("recipes/README.md", monkeypatch)
        for name, value in vars(module).items()
        if name.startswith("test_")
    ]
    assert tests
    for test in tests:
        test()


def test_the_readme_names_every_setting() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert rows == list(settings.NAMES)


def test_the_readme_names_every_command() -> None:
    listed = (ROOT / "README.md").read_text().partition("## Commands")[2].partition("```\n")[2].partition("```")[0]
    commands = [name for names in SECTIONS.values() for name in names]
    assert not [name for name in commands if not re.search(rf"(hub|\|) {name}( |$)", listed, re.MULTILINE)]


def test_the_addresses_in_the_readme_are_served(tmp_path: Path) -> None:
    table = (ROOT / "README.md").read_text().partition("| Address |")[2].partition("\n\n")[0]
    addresses = re.findall(r"`(?:POST )?(/[^`]*)`", table)
    hub = Hub(settings.Settings(home=tmp_path))
    try:
        served = {rule.rule for rule in create_app(hub).url_map.iter_rules()}
    finally:
        hub.close()
    assert addresses
    assert not [address for address in addresses if address not in served and not address.startswith(PATH)]


@pytest.mark.parametrize("name", registry.connector_names())
def test_the_readme_tells_what_to_fill_in_for_every_connector(name: str) -> None:
    row = re.search(rf"^\| `{name}` \| (.+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert row is not None
    required = [field for field in registry.connector(name).fields.values() if field.required and not field.generated]
    assert not [field.name for field in required if f"`{field.name}`" not in row[1]]


def test_the_map_of_the_hub_names_every_module() -> None:
    page = (ROOT / "hub" / "README.md").read_text()
    modules = {path.name for path in (ROOT / "hub").glob("[a-z]*.py")}
    folders = {f"{path.parent.name}/" for path in (ROOT / "hub").glob("*/__init__.py")}
    assert not sorted(name for name in modules | folders if f"`{name}`" not in page)


def test_the_drawing_of_the_tables_names_every_table() -> None:
    drawing = (ROOT / "hub" / "README.md").read_text().partition("## The tables")[2]
    assert not sorted(name for name in schema.metadata.tables if not re.search(rf"\b{name}\b", drawing))
