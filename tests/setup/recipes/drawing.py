"""Recipes drawn, for tests."""

from __future__ import annotations

from typing import Any

from connectors import shopify
from hub import recipe
from hub.recipe import Recipe
from hub.setup.recipes.way import ways
from hub.setup.timeline import Line


def made(function: Any, **declared: Any) -> Recipe:
    return recipe(**{"on": shopify.order_created, "title": "A test"} | declared)(function)


def drawn(function: Any, settings: dict[str, Any] | None = None, **declared: Any) -> list[str]:
    (way,) = ways(made(function, **declared), settings or {})
    return [text(line) for line in way.lines]


def text(line: Line) -> str:
    words = "".join(part if isinstance(part, str) else part.iso for part in (*line.says, *line.outcome))
    says = "".join(line.says) + (f" | {''.join(line.outcome)}" if line.outcome else "")
    assert words
    return "  " * line.depth + says
