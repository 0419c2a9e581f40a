"""What the commands share: the hub opened for a moment, the workspace that is meant, ids and pairs on the line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..core import Hub
    from ..workspaces import Workspace

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])


@contextmanager
def opened() -> Iterator[Hub]:
    """The hub of this environment, for one command. A hub that runs finds what the command left it to do."""
    from ..core import Hub
    from ..settings import from_environment

    hub = Hub(from_environment())
    try:
        yield hub
    finally:
        hub.close()


def in_workspace(function: Function) -> Function:
    """Adds `-w`."""
    option = click.option(
        "-w", "--workspace", metavar="NAME", help="The workspace; may be left out where there is one."
    )
    return option(function)


def as_json(function: Function) -> Function:
    """Adds `--json`."""
    option = click.option("--json", "json", is_flag=True, help="Print one JSON document.")
    return option(function)


def first_in(hub: Hub, named: str | None, look: Callable[[Workspace], T]) -> T:
    """What `look` finds in the workspace of this name, or in the first of all that has it: an id needs no -w.

    Raises NotFound if none has it.
    """
    from ..errors import NotFound

    workspaces = hub.workspaces.list() if named is None else [hub.workspaces.named(named)]
    missing: NotFound | None = None
    for workspace in workspaces:
        try:
            return look(workspace)
        except NotFound as error:
            missing = error
    raise missing or NotFound("There is no workspace yet. Make one with: hub workspace add NAME")


class Id(click.ParamType[int]):
    """The id of something in a listing."""

    name = "id"

    def __init__(self, listings: str) -> None:
        self.listings = listings

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if not str(value).isascii() or not str(value).isdigit() or not 0 < int(value) < 2**63:
            self.fail(f"{value!r} is no id. Take one from: {self.listings}", param, ctx)
        return int(value)


RUN_ID = click.argument("run_id", metavar="RUN", type=Id("hub runs"))


class Pairs(click.ParamType[tuple[str, str]]):
    """`FIELD=VALUE`; the value may hold spaces and further equals signs."""

    name = "FIELD=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, sign, text = str(value).partition("=")
        if not sign or not name.strip():
            # Not what was typed: it may be a secret whose name was forgotten.
            self.fail("Write each as NAME=VALUE, in quotes if the value has spaces.", param, ctx)
        return name.strip(), text


def given(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The pairs by name. A name that stands there twice is a wrong usage."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise click.UsageError(f"{name} is given twice.")
        found[name] = value
    return found
