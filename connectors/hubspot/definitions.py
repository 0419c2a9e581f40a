"""Properties of contacts: making the ones that a recipe writes, where an account does not have them yet.

https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from hub.errors import OutcomeUnknown, Rejected

if TYPE_CHECKING:
    from .client import Client

Holds = Literal["text", "number", "date", "datetime", "yes_no"]

_PATH = "/crm/v3/properties/contacts"
_YES_NO = [
    {"label": label, "value": value, "hidden": False, "displayOrder": place}
    for place, (label, value) in enumerate((("Yes", "true"), ("No", "false")))
]
_SHAPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "fieldType": "text"},
    "number": {"type": "number", "fieldType": "number"},
    "date": {"type": "date", "fieldType": "date"},
    "datetime": {"type": "datetime", "fieldType": "date"},
    "yes_no": {"type": "bool", "fieldType": "booleancheckbox", "options": _YES_NO},
}
"""What holds such values, in HubSpot's words: its type, and how people fill it in."""


def ensure(client: Client, name: str, label: str, holds: str, group: str) -> dict[str, Any]:
    """Makes the property if there is none of this name. Raises Rejected if there is one that holds something else."""
    shape = _SHAPES.get(holds)
    if shape is None:
        raise Rejected(f"A property holds one of these: {', '.join(_SHAPES)}.")
    found = _look_up(client, name)
    created = found is None and _create(client, {"name": name, "label": label, "groupName": group} | shape)
    if found is None and not created:  # somebody else made it in between
        found = _look_up(client, name)
    if found is not None and found["type"] != shape["type"]:
        raise Rejected(f"HubSpot has a property of this name already, and it holds a {found['type']}, not a {holds}.")
    return {"name": name, "created": created}


def yes_no(client: Client) -> Iterator[tuple[str, str]]:
    """The names and labels of the properties that hold a yes or no, and may be written."""
    found = client.call("GET", _PATH)
    results = found.get("results") if isinstance(found, dict) else None
    if not isinstance(results, list):
        raise OutcomeUnknown("HubSpot's answer does not list the properties.")
    for item in results:
        is_fixed = (item.get("modificationMetadata") or {}).get("readOnlyValue")
        if item.get("type") == "bool" and not item.get("hidden") and not is_fixed:
            yield str(item["name"]), str(item["label"])


def _look_up(client: Client, name: str) -> dict[str, Any] | None:
    try:
        found = client.call("GET", f"{_PATH}/{quote(name, safe='')}")
    except Rejected as error:
        if error.status == 404:
            return None
        raise
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise OutcomeUnknown("HubSpot's answer does not say what the property holds.")
    return found


def _create(client: Client, definition: dict[str, Any]) -> bool:
    """Whether it was made: not if there is one by now."""
    try:
        client.call("POST", _PATH, definition)
    except Rejected as error:
        if error.status == 409:
            return False
        raise
    return True
