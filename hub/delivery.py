"""What a provider posted: the raw bytes, and what came with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import parse_qs, parse_qsl, urlsplit

from .errors import PayloadUnreadable


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


MOST_LEVELS = 200
"""How deep JSON may be nested: far more than any provider does, and far less than Python can write down again."""


def read_json(body: bytes) -> Any:
    """The body as JSON: integers of any size stay exact; NaN, bad UTF-8 and nesting without end are refused.

    Raises PayloadUnreadable.
    """
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise PayloadUnreadable("The body is not JSON that can be read.") from None
    # Counting is quick, and spares nearly all bodies the walk.
    if body.count(b"[") + body.count(b"{") > MOST_LEVELS and _is_deep(found):
        raise PayloadUnreadable(f"The body is JSON that is nested more than {MOST_LEVELS} levels deep.")
    return found


def _is_deep(found: Any) -> bool:
    level = [found]
    for _ in range(MOST_LEVELS + 1):
        holders = [item for item in level if isinstance(item, dict | list)]
        if not holders:
            return False
        level = [inner for item in holders for inner in (item.values() if isinstance(item, dict) else item)]
    return True


@dataclass(frozen=True)
class Delivery:
    """One HTTP request at a connection's webhook address.

    url         the public address that the provider called, with its query
    headers     names in lower case
    body        exactly the bytes that came; everything is verified on these
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime

    def __repr__(self) -> str:
        return f"Delivery({self.method}, {len(self.body)} bytes)"

    @cached_property
    def query(self) -> Mapping[str, list[str]]:
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    @cached_property
    def json(self) -> Any:
        """The body as JSON. Raises PayloadUnreadable."""
        return read_json(self.body)

    @cached_property
    def form_pairs(self) -> list[tuple[str, str]]:
        """The body as form fields, in order, repeated names kept. Raises PayloadUnreadable."""
        try:
            pairs = parse_qsl(
                self.body.decode("utf-8"),
                keep_blank_values=True,
                strict_parsing=bool(self.body),
                max_num_fields=2000,
                errors="strict",
            )
        except ValueError:
            raise PayloadUnreadable("The body is not a form that can be read.") from None
        return pairs

    @cached_property
    def form(self) -> dict[str, str]:
        """The body as form fields; of a repeated name the last counts. Raises PayloadUnreadable."""
        return dict(self.form_pairs)
