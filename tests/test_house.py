"""The house rules that a reader would otherwise have to check by eye."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"hub", "connectors", "recipes", "webhooks", "tests"}
FILES = {"Procfile", "README.md", "pyproject.toml", "Makefile", "LICENSE", "CHANGELOG.md", "requirements.lock"}
MADE = re.compile(r"\..*|__pycache__|var|build|dist|.*\.egg-info")
"""Names that git does not keep, and dotfiles."""

LONGEST = 350
UNFINISHED = re.compile(r"(?<![\"'])\bTO(?:DO)\b|\bFIX(?:ME)\b|\bXX(?:X)\b|\bNot(?:ImplementedError)\b")
"""A quoted one is a provider's own word, such as the type of a task in HubSpot."""

MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|farm|root|home)/")

MAY_IMPORT = {
    "hub": {"hub", "webhooks"},
    "webhooks": {"hub", "webhooks"},
    "connectors": {"hub", "webhooks.signatures", "connectors"},
    "recipes": {"hub", "connectors", "recipes"},
}
"""Which of our own packages each may import; the way goes from recipes to connectors to the hub, and never back."""


def files(*endings: str) -> Iterator[Path]:
    for folder in sorted(FOLDERS):
        for file in sorted((ROOT / folder).rglob("*")):
            inside = file.relative_to(ROOT)
            if file.suffix in endings and not any(MADE.fullmatch(part) for part in inside.parts):
                yield file


def named(found: Iterator[str] | list[str]) -> str:
    return "\n".join(found)


def test_the_top_level_holds_only_what_belongs_there() -> None:
    here = {path.name for path in ROOT.iterdir() if not MADE.fullmatch(path.name)}
    assert here == FOLDERS | FILES


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_every_folder_says_what_belongs_there(folder: str) -> None:
    assert (ROOT / folder / "README.md").read_text().startswith("# ")


def test_no_file_is_too_long_to_read() -> None:
    # A migration is one list of tables, written once and never read as code.
    mine = [file for file in files(".py") if file.parent.name != "versions"]
    lengths = {file: len(file.read_text().splitlines()) for file in mine}
    assert not named([f"{file.relative_to(ROOT)}: {n} lines" for file, n in lengths.items() if n > LONGEST])


def test_nothing_is_unfinished_or_tied_to_one_machine() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in [*files(".py", ".md", ".html", ".js", ".css"), *(ROOT / name for name in FILES)]
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if UNFINISHED.search(line) or MACHINE_PATH.search(line)
    ]
    assert not named(found)


def imports(file: Path) -> Iterator[str]:
    """The full names of the modules that a file imports; `from webhooks import signatures` counts as both words."""
    package = list(file.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("folder", sorted(MAY_IMPORT))
def test_dependencies_point_one_way(folder: str) -> None:
    found = [
        f"{file.relative_to(ROOT)} imports {module}"
        for file in files(".py")
        if file.relative_to(ROOT).parts[0] == folder
        for module in imports(file)
        if module.split(".")[0] in FOLDERS
        and not any(f"{module}.".startswith(f"{allowed}.") for allowed in MAY_IMPORT[folder])
    ]
    assert not named(found)


def test_every_locked_package_has_one_version_and_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    packages = re.split(r"\n(?=\S)", lock.strip())
    assert not [p.splitlines()[0] for p in packages if not re.match(r"[a-z0-9-]+==\S+[^\n]*\\\n +--hash=sha256:", p)]
    assert "://" not in lock
    assert "--index" not in lock


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    wanted = {
        re.match(r"[\w-]+", item)[0] for item in project["dependencies"] + project["optional-dependencies"]["dev"]
    }
    assert {name.lower() for name in wanted} <= locked


def test_the_three_parts_are_in_the_procfile() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    assert lines == ["web: hub web", "worker: hub worker", "clock: hub clock"]


@pytest.mark.parametrize("command", ["run", "test"])
def test_the_readme_names_the_two_commands_and_make_knows_them(command: str) -> None:
    assert f"make {command}" in (ROOT / "README.md").read_text()
    assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
