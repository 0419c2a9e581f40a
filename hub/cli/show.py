"""What commands print: a table for people, or one JSON document for scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click

from ..timing import to_the_second

_UNPRINTED = re.compile("[\x7f-\x9f\ud800-\udfff]")
"""What JSON allows in a text, but a terminal takes for a command or cannot show: a provider may send it."""


def document(value: Any) -> None:
    """Prints one JSON document."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    click.echo(_UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str) -> None:
    """Prints rows below their headers, or `empty`, which says what would be here and how it gets there."""
    if not rows:
        click.echo(empty)
        return
    cells = [list(headers), *([plain("" if cell is None else str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headers))]
    for row in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def plain(text: str) -> str:
    """Text from outside without what a terminal would take for a command."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def moment(ms: int | None) -> str:
    """An instant for people, in UTC to the second."""
    return "" if ms is None else to_the_second(ms)


def span(length: timedelta) -> str:
    """A duration as `hub enable` takes it: `3 d`, `1 h 30 min`."""
    rest, parts = round(length.total_seconds()), []
    for seconds, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"
