"""Static lists: many contacts added or removed in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from hub.errors import ActionFailed, OutcomeUnknown, Rejected

if TYPE_CHECKING:
    from .client import Client

CHANGED = {"add": "recordsIdsAdded", "remove": "recordIdsRemoved"}
"""Where HubSpot's answer names the contacts that were changed; it does spell them differently."""


def change(
    client: Client, what: Literal["add", "remove"], calls: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any] | ActionFailed]:
    """One outcome per call, in order; all calls are about the same list."""
    list_id = quote(str(calls[0]["list_id"]), safe="")
    ids = [str(call["contact_id"]) for call in calls]
    answer = client.call("PUT", f"/crm/v3/lists/{list_id}/memberships/{what}", list(dict.fromkeys(ids)))
    if not isinstance(answer, dict):
        raise OutcomeUnknown("HubSpot's answer does not say who is on the list now.")
    missing = {str(id) for id in answer.get("recordIdsMissing") or ()}
    changed = {str(id) for id in answer.get(CHANGED[what]) or ()}
    gone = Rejected("HubSpot has no contact with this id, so the list stays as it is.")
    return [gone if id in missing else {"changed": id in changed} for id in ids]
