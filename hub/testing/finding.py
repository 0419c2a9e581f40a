"""What all checks use: a fault as a sentence, and values to fill a connector's fields with."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
from typing import Any

from ..connector import Connector, Field


def none_of(faults: Iterable[str]) -> None:
    """Raises AssertionError that lists every fault, one per line."""
    if found := list(faults):
        raise AssertionError("\n".join(found))


def account(connector: Connector) -> dict[str, Any]:
    """Values for the connector's fields: those of its practice account where it brings one, else made up."""
    module = f"{connector.package}.practice"
    practice = importlib.import_module(module).service.account if importlib.util.find_spec(module) else {}
    filled = {item.name: practice.get(item.name) or _made_up(item) for item in connector.fields.values()}
    return {name: value for name, value in filled.items() if value is not None}


def _made_up(item: Field) -> str | None:
    if item.secret:
        return f"made-up-{item.name}-0f1e2d3c4b5a"
    return f"example-{item.name}" if item.required else None


def secrets(connector: Connector) -> dict[str, list[str]]:
    """A value for each secret field, as a verifier gets them."""
    filled = account(connector)
    return {item.name: [str(filled[item.name])] for item in connector.fields.values() if item.secret}


def told(connector: Connector, *texts: object) -> list[str]:
    """The names of the secret fields whose value one of these texts gives away."""
    written = " ".join(f"{text!s} {text!r}" for text in texts)
    return [name for name, values in secrets(connector).items() if any(value in written for value in values)]
