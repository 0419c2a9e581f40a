"""Finding what packages bring, and going on when one of them is broken."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from hub import registry

GOOD = '''
from hub import Event, Steps, recipe, sleep
from tests import telling


@recipe(on=telling.happened, title="Rest")
def rest(event: Event) -> Steps:
    """Rests for a day."""
    yield sleep(days=1)
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A consultant's package of recipes, the only one that is known."""
    name = f"recipes_of_{tmp_path.name}"  # another one for each test: Python imports a module once
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    found = {"rest": f"{name}.rest", "broken": f"{name}.broken"}
    monkeypatch.setattr(registry, "_modules", lambda group: found)
    registry.recipes.cache_clear()
    return folder


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def (:", "SyntaxError"),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        (GOOD.replace("def rest", "def other").replace("yield sleep(days=1)", "return None"), "yields no step"),
    ],
)
def test_a_recipe_file_that_cannot_be_loaded_is_told_and_holds_up_no_other(
    package: Path, caplog: pytest.LogCaptureFixture, source: str, why: str
) -> None:
    (package / "rest.py").write_text(GOOD)
    (package / "broken.py").write_text(source)
    with caplog.at_level(logging.ERROR):
        assert list(registry.recipes()) == ["rest"]
    assert f"{package.name}.broken" in caplog.text and why in caplog.text
    registry.recipes.cache_clear()


def test_ours_are_registered_as_an_outsiders_package_would_be() -> None:
    assert {"hubspot", "mailchimp", "shopify", "twilio"} <= set(registry.connector_names())
    registry.recipes.cache_clear()
    assert {"abandoned_cart", "order_thanks", "sync_customer", "welcome_series"} <= set(registry.recipes())
