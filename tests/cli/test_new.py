"""`hub new`: a recipe that works and a connector that says what it lacks, in a package that the hub then finds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from tests.test_house import ROOT

GUIDE = (ROOT / "recipes" / "README.md").read_text()


@pytest.fixture
def bakery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A consultant's package as the guide shows how to begin one; we are in its folder."""
    folder = tmp_path / "bakery"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(GUIDE.partition("```toml\n")[2].partition("```")[0])
    monkeypatch.chdir(folder)
    return folder


def new(*words: str) -> Result:
    return CliRunner().invoke(main, ["new", *words], prog_name="hub")


def python(folder: Path, *words: str, paths: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HUB_HOME": str(folder / "var"), **(paths or {})}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def tried(folder: Path, file: str) -> subprocess.CompletedProcess[str]:
    together = f"{folder}{os.pathsep}{ROOT}"
    return python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", file, paths={"PYTHONPATH": together})


def test_a_new_recipe_works_and_its_test_passes(bakery: Path) -> None:
    made = new("recipe", "greet_buyer")
    assert made.exit_code == 0, made.output
    assert re.findall(r"^Made (.+)$", made.stdout, re.MULTILINE) == [
        "bakery/recipes/greet_buyer.py",
        "tests/test_greet_buyer.py",
    ]
    passed = tried(bakery, "tests/test_greet_buyer.py")
    assert (passed.returncode, "2 passed" in passed.stdout) == (0, True), passed.stdout


def test_a_new_connector_says_what_it_lacks(bakery: Path) -> None:
    assert new("connector", "acme_till").exit_code == 0
    told = tried(bakery, "tests/test_acme_till.py")
    assert told.returncode == 1
    for missing in (
        "acme_till: no function is marked @connector.connect",
        "acme_till: no function is marked @connector.check",
        "acme_till: no function is marked @connector.events",
        "the secret field 'api_key' says nowhere where to find it",
        "has no title or no line on what it is for (about)",
    ):
        assert missing in told.stdout, told.stdout
    assert "KeyError" not in told.stdout and "Traceback" not in told.stdout


def test_the_hub_finds_what_an_installed_package_brings(bakery: Path, tmp_path: Path) -> None:
    new("recipe", "greet_buyer")
    new("connector", "acme_till")
    site = tmp_path / "site"
    installed = python(
        bakery,
        *("-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site), "."),
    )
    assert installed.returncode == 0, installed.stderr
    both = {"PYTHONPATH": f"{site}{os.pathsep}{ROOT}"}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    listed = python(elsewhere, "-m", "hub.cli", "recipes", "--json", paths=both)
    assert listed.returncode == 0, listed.stderr
    assert {"greet_buyer", "order_thanks"} <= {item["name"] for item in json.loads(listed.stdout)}
    code = "from hub import registry; print(registry.connector_names()); registry.connector('acme_till')"
    found = python(elsewhere, "-c", code, paths=both)
    assert "'acme_till'" in found.stdout and "'shopify'" in found.stdout
    assert "ConnectorInvalid: acme_till: no function is marked @connector.connect" in found.stderr


def test_in_the_hubs_own_checkout_it_goes_where_ours_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (tmp_path / "tests" / "recipes").mkdir(parents=True)
    (tmp_path / "recipes").mkdir()
    monkeypatch.chdir(tmp_path / "recipes")
    assert new("recipe", "greet_buyer").exit_code == 0
    assert (tmp_path / "recipes" / "greet_buyer.py").is_file()
    assert (tmp_path / "tests" / "recipes" / "test_greet_buyer.py").is_file()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("recipe", "Greet-Buyer"), "cannot be a name here"),
        (("recipe", "import"), "cannot be a name here"),
        (("recipe", "order_thanks"), "There is a recipe 'order_thanks' already"),
        (("connector", "../up"), "cannot be a name here"),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(
    bakery: Path, words: tuple[str, str], says: str
) -> None:
    refused = new(*words)
    assert (refused.exit_code, says in refused.stderr) == (1, True), refused.output
    assert [path.name for path in bakery.iterdir()] == ["pyproject.toml"]


def test_what_is_there_is_never_written_over(bakery: Path) -> None:
    new("recipe", "greet_buyer")
    (bakery / "bakery" / "recipes" / "greet_buyer.py").write_text("mine")
    refused = new("recipe", "greet_buyer")
    assert refused.exit_code == 1 and "is there already" in refused.stderr
    assert (bakery / "bakery" / "recipes" / "greet_buyer.py").read_text() == "mine"


def test_where_there_is_no_package_it_says_how_to_begin_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused = new("recipe", "greet_buyer")
    assert (refused.exit_code, "entry point regulars.recipes" in refused.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []
