"""A delivery with one thing changed: in each place, each of a few values that do not belong there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, Literal
from urllib.parse import urlencode

from ..delivery import Delivery


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = _Absent()
"""Stands for: the place is taken out."""

STRANGER = "regulars/never-heard-of"
ODD: tuple[Any, ...] = (ABSENT, STRANGER, "", None, 10**30, -1, True, [7], {"a": 7})

_DEPTH = 3

Change = tuple[str, Any, Delivery]
"""Where, what is there now, and the changed delivery."""


def changes(delivery: Delivery, kind: Literal["json", "form"], *, only: tuple[Any, ...] = ODD) -> Iterator[Change]:
    """Every header and every place in the body, three levels down and in the first of each list, with each value."""
    texts = [value for value in only if value is ABSENT or isinstance(value, str)]
    yield from _in_headers(delivery, texts)
    yield from _in_form(delivery, texts) if kind == "form" else _in_json(delivery, only)


def _in_headers(delivery: Delivery, texts: list[Any]) -> Iterator[Change]:
    for name in delivery.headers:
        rest = {other: value for other, value in delivery.headers.items() if other != name}
        for value in texts:
            headers = rest if value is ABSENT else rest | {name: value}
            yield f"the header {name}", value, replace(delivery, headers=headers)


def _in_form(delivery: Delivery, texts: list[Any]) -> Iterator[Change]:
    pairs = delivery.form_pairs
    for place, (name, _) in enumerate(pairs):
        for value in texts:
            kept = [] if value is ABSENT else [(name, value)]
            body = urlencode([*pairs[:place], *kept, *pairs[place + 1 :]]).encode()
            yield f"the field {name}", value, replace(delivery, body=body)


def _in_json(delivery: Delivery, only: tuple[Any, ...]) -> Iterator[Change]:
    for path in _paths(delivery.json, ()):
        for value in only:
            body = json.dumps(_changed(delivery.json, path, value)).encode()
            yield ".".join(map(str, path)), value, replace(delivery, body=body)


def _changed(holder: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of the holder in which this place holds the value; what is not on the way there is shared."""
    first, *rest = path
    copied = holder.copy()
    if rest:
        copied[first] = _changed(holder[first], tuple(rest), value)
    elif value is ABSENT:
        del copied[first]
    else:
        copied[first] = value
    return copied


def _paths(value: Any, above: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for part, inner in inside:
        yield (*above, part)
        if len(above) + 1 < _DEPTH:
            yield from _paths(inner, (*above, part))
