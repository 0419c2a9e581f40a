"""Static lists: many contacts added or removed in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from hub.errors import ActionFailed, OutcomeUnknown, Rejected

from .batches import NOT_FOUND
from .wording import contact_number

if TYPE_CHECKING:
    from .client import Client

CHANGED = {"add": "recordsIdsAdded", "remove": "recordIdsRemoved"}
"""Where HubSpot's answer names the contacts that were changed; it does spell them differently."""


def change(
    client: Client, what: Literal["add", "remove"], calls: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any] | ActionFailed]:
    """One outcome per call, in order; all calls are about the same list."""
    list_id = quote(str(calls[0]["list_id"]), safe="")
    ids = [_number(call) for call in calls]
    sent = list(dict.fromkeys(id for id in ids if isinstance(id, str)))
    answer = client.call("PUT", f"/crm/v3/lists/{list_id}/memberships/{what}", sent) if sent else {}
    if not isinstance(answer, dict):
        raise OutcomeUnknown("HubSpot's answer does not say who is on the list now.")
    # Who is not there cannot be added, but is on no list either.
    missing = {str(id) for id in answer.get("recordIdsMissing") or ()} if what == "add" else set()
    changed = {str(id) for id in answer.get(CHANGED[what]) or ()}
    gone = Rejected("HubSpot has no contact with this id, so the list stays as it is.", code=NOT_FOUND)
    return [id if isinstance(id, Rejected) else gone if id in missing else {"changed": id in changed} for id in ids]


def _number(call: Mapping[str, Any]) -> str | Rejected:
    try:
        return contact_number(call["contact_id"])
    except Rejected as error:
        return error
