"""`hub new`: the beginning of a recipe or a connector, in the package of whoever writes it."""

from __future__ import annotations

import keyword
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import click

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

RECIPE = '''"""{title}."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from connectors import mailchimp, shopify
from hub import Event, Setting, Steps, recipe, wait_for


def known(event: Event) -> bool:
    """The order has an e-mail address."""
    return event.person.email is not None


@recipe(on=shopify.order_created, title="{title}", filters=[known])
def {name}(
    event: Event,
    *,
    audience: Annotated[str, Setting("Audience", "Whose members are tagged.", chooses="mailchimp.audience")],
    tag: str = "customer",
    wait: timedelta = timedelta(days=1),
) -> Steps:
    """Tags whoever ordered, a day later, unless the order is cancelled by then."""
    cancelled = yield wait_for(shopify.order_cancelled.matching(same="id"), timeout=wait)
    if cancelled:
        return "The order was cancelled."
    yield mailchimp.upsert_member(audience, event.person.email, tags=[tag])
    return "They are tagged."
'''

RECIPE_TEST = '''"""What {name} does, played by the real engine in time that passes at once."""

from __future__ import annotations

from connectors import mailchimp, shopify
from {module} import {name}
from hub.testing import rehearse

ORDER = shopify.order_created.sample


def test_whoever_orders_is_tagged() -> None:
    run = rehearse({name}, ORDER, audience="practice")
    assert run.steps[-1] == mailchimp.upsert_member("practice", ORDER.person.email, tags=["customer"])
    assert (run.state, run.says) == ("done", "They are tagged.")


def test_whoever_cancels_is_not() -> None:
    run = rehearse({name}, ORDER, happenings=[shopify.order_cancelled.sample], audience="practice")
    assert (run.says, run.of(mailchimp.upsert_member)) == ("The order was cancelled.", [])
'''

CONNECTOR = '''"""{title}."""

from __future__ import annotations

from hub import Connector, Field, Limit
from webhooks.signatures import hmac_header

connector = Connector(
    "{name}",
    title="{title}",
    about="",
    fields=[
        Field("api_key", "API key", secret=True),
        Field("webhook_secret", "Webhook secret", secret=True),
    ],
    verify=hmac_header("x-{header}-signature", fields=["webhook_secret"]),
    limit=Limit(concurrent=4),
)
'''

CONNECTOR_TEST = '''"""What every connector promises, of {name}: a check that fails says what is missing."""

from __future__ import annotations

import pytest

from {module} import connector
from hub.testing import Check, contract


@pytest.mark.parametrize("check", contract(connector), ids=str)
def test_it_keeps_the_contract(check: Check) -> None:
    check()
'''


@dataclass(frozen=True)
class Place:
    """Where recipes, or connectors, of a package are written: its folder, the Python package, and where tests are."""

    root: Path
    package: str

    @property
    def folder(self) -> Path:
        under = self.root / "src" if (self.root / "src").is_dir() else self.root
        return under.joinpath(*self.package.split("."))

    def tests(self, kind: str) -> Path:
        tests = self.root / "tests"
        return tests / kind if (tests / kind).is_dir() else tests


@click.group()
def new() -> None:
    """Begin a recipe or a connector, with its test, in your own package."""


@new.command()
@click.argument("name")
def recipe(name: str) -> None:
    """Make a recipe that works, with a test that passes: change both from there."""
    from .. import registry
    from ..errors import SettingInvalid

    place = _place("recipes", name)
    if name in registry.recipes():
        raise SettingInvalid(f"There is a recipe {name!r} already. Choose another name.")
    words = {"name": name, "title": _title(name), "module": f"{place.package}.{name}"}
    test = place.tests("recipes") / f"test_{name}.py"
    _write(place, {place.folder / f"{name}.py": RECIPE, test: RECIPE_TEST}, words)
    click.echo(f"It works already. Try it, then make it yours: pytest {test.relative_to(place.root)}")


@new.command()
@click.argument("name")
def connector(name: str) -> None:
    """Make the beginning of a connector; its test says what is missing."""
    place = _place("connectors", name)
    words = {"name": name, "title": _title(name), "module": f"{place.package}.{name}", "header": name.replace("_", "-")}
    test = place.tests("connectors") / f"test_{name}.py"
    _write(place, {place.folder / name / "__init__.py": CONNECTOR, test: CONNECTOR_TEST}, words)
    click.echo(f"Its test says what is missing, one thing after the other: pytest {test.relative_to(place.root)}")


def _place(kind: str, name: str) -> Place:
    """Where such a thing belongs, by the nearest pyproject.toml. Raises SettingInvalid for a name that cannot be one,
    and SetupError where there is no package for it."""
    from ..errors import SettingInvalid, SetupError

    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise SettingInvalid(f"{name!r} cannot be a name here: small letters, digits and _, such as greet_buyer.")
    here = Path.cwd()
    for folder in (here, *here.parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            points = _points(file, f"regulars.{kind}")
            if points:
                return Place(folder, next(iter(points.values())))
            break
    raise SetupError(
        f"Here is no package of {kind}. Go to one whose pyproject.toml has an entry point regulars.{kind}; "
        f"{kind}/README.md shows how to begin one."
    )


def _points(file: Path, group: str) -> dict[str, str]:
    from ..errors import SetupError

    try:
        project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    except ValueError:
        raise SetupError(f"{file} cannot be read. Mend it first.") from None
    found = project.get("entry-points", {}).get(group, {})
    return {str(name): str(value) for name, value in found.items()}


def _write(place: Place, files: dict[Path, str], words: dict[str, str]) -> None:
    """Writes new files, and what makes their folders packages. Raises SettingInvalid if one is there already."""
    from ..errors import SettingInvalid

    for file in files:
        if file.exists():
            raise SettingInvalid(f"{file.relative_to(place.root)} is there already. Choose another name.")
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.format(**words), encoding="utf-8")
        click.echo(f"Made {file.relative_to(place.root)}")
    folder = place.folder
    while folder != place.root and folder.name != "src":
        (folder / "__init__.py").touch()
        folder = folder.parent


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
