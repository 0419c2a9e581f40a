"""Tools that cannot post our shape: their owner says where in theirs each thing stands, and what their words mean.

`person.email=payload.invitee.email, data.start=payload.start_time` says where; a number in a dotted name counts in a
list. `invitee.created=appointment.booked` says what a type of theirs is called here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from hub.delivery import Delivery
from hub.errors import SettingInvalid

OURS = re.compile(r"(type|at|id|person\.(email|phone|name|zone)|data(\.\w+)+)")


def adapt(delivery: Delivery, fields: Mapping[str, Any]) -> Delivery:
    """The delivery in our shape. What the tool sent stays in it whole, as `sent`."""
    places, names = pairs(fields.get("mapping") or ""), pairs(fields.get("types") or "")
    if not (places or names) or not isinstance(delivery.json, dict):
        return delivery
    sent = delivery.json
    ours: dict[str, Any] = {} if places else dict(sent)
    for path, theirs in places.items():
        if (value := value_at(sent, theirs)) is not None:
            _put(ours, path.split("."), value)
    kind = ours.get("type")
    if isinstance(kind, str) and kind in names:
        ours["type"] = names[kind]
    return replace(delivery, body=json.dumps(ours | {"sent": sent}).encode())


@lru_cache(maxsize=1_000)
def pairs(text: str) -> dict[str, str]:
    """What stands before and after each `=`, between commas or lines. Raises SettingInvalid for anything else."""
    found = {}
    for item in filter(None, (part.strip() for part in re.split(r"[,\n]", text))):
        before, is_there, after = (part.strip() for part in item.partition("="))
        if not (before and is_there and after):
            raise SettingInvalid(f"{item!r} does not say what stands where. Write it like: person.email=customer.mail")
        found[before] = after
    return found


def check(mapping: str, types: str) -> None:
    """Raises SettingInvalid for a field that we have not, and for what cannot be read."""
    pairs(types)
    if unknown := [name for name in pairs(mapping) if not OURS.fullmatch(name)]:
        raise SettingInvalid(
            f"{', '.join(unknown)}: there is no such field. There are type, at, id, person.email, person.phone, "
            "person.name, person.zone, and data. with a name of yours after it."
        )


def value_at(sent: Any, path: str) -> Any:
    """The value under a dotted name, None where there is none: `value_at(form, "answers.0.text")`."""
    for part in path.split("."):
        if isinstance(sent, dict):
            sent = sent.get(part)
        elif isinstance(sent, list) and part.isdecimal() and int(part) < len(sent):
            sent = sent[int(part)]
        else:
            return None
    return sent


def _put(ours: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = ours.setdefault(part, {})
        if not isinstance(inner, dict):
            return
        ours = inner
    ours[path[-1]] = value
