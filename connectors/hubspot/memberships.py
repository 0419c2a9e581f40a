"""Static lists: which there are, and many contacts added or removed in one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from hub.errors import ActionFailed, OutcomeUnknown, Rejected

from .batches import NOT_FOUND
from .wording import contact_number

if TYPE_CHECKING:
    from .client import Client

CHANGED = {"add": "recordsIdsAdded", "remove": "recordIdsRemoved"}
"""Where HubSpot's answer names the contacts that were changed; it does spell them differently."""


CONTACTS = "0-1"
STATIC = ("MANUAL", "SNAPSHOT")
MOST = 500
"""Lists on one page of a search, as HubSpot allows."""


def lists(client: Client) -> Iterator[tuple[str, str]]:
    """The static lists of contacts, each with its id and name."""
    asked = {"objectTypeId": CONTACTS, "processingTypes": list(STATIC), "additionalProperties": [], "count": MOST}
    offset, more = 0, True
    while more:
        told = client.call("POST", "/crm/v3/lists/search", asked | {"offset": offset})
        try:
            yield from ((str(found["listId"]), str(found["name"])) for found in told["lists"])
            # An offset that does not rise would be asked for without end.
            more, offset = bool(told["hasMore"]) and told["offset"] > offset, told["offset"]
        except (KeyError, TypeError):
            raise OutcomeUnknown("HubSpot's answer does not say which lists there are.") from None


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
