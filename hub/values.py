"""Plain data: what steps take and return, and how it is written down.

Plain data is None, bool, int, float, str, datetime (aware), timedelta, Decimal, and lists and string-keyed
mappings of these. Tuples are read back as lists, and a number as a mapping's key as text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .errors import StepNotData

_TAGS: dict[str, Callable[[Any], Any]] = {
    "$at": datetime.fromisoformat,
    "$for": lambda seconds: timedelta(seconds=seconds),
    "$decimal": Decimal,
}


def _tagged(value: object) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise StepNotData("A time without its zone was passed to a step. Make it aware, for example with UTC.")
        return {"$at": value.isoformat()}
    if isinstance(value, timedelta):
        return {"$for": value.total_seconds()}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise StepNotData(
        f"A {type(value).__name__} was passed to a step. Pass plain data: text, numbers, times, lists, mappings."
    )


def _untagged(found: dict[str, Any]) -> Any:
    if len(found) == 1:
        ((key, value),) = found.items()
        if key in _TAGS:
            # A provider's own data may look like one of our tags; then it stays as it came.
            with suppress(ValueError, TypeError, ArithmeticError):
                return _TAGS[key](value)
    return found


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True, default=_tagged)
_decoder: json.JSONDecoder = json.JSONDecoder(object_hook=_untagged)


def write(value: Any) -> bytes:
    """Plain data as bytes, the same bytes for equal data. Raises StepNotData for anything else."""
    try:
        return _encoder.encode(value).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError):
        raise StepNotData(
            "A step's inputs cannot be written down. Pass plain data: text, numbers, times, lists, "
            "mappings with text keys."
        ) from None


def read(data: bytes) -> Any:
    """The plain data that `write` wrote."""
    return _decoder.decode(data.decode("utf-8", "surrogatepass"))


def fingerprint(action: str, inputs: bytes) -> bytes:
    """Sixteen bytes that two steps share only if they ask for the same: the action and its written inputs."""
    return hashlib.blake2b(inputs, digest_size=16, person=b"step", key=action.encode()[:64]).digest()
