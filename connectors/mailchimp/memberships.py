"""Members of audiences: what the actions send, and what the answers mean.

https://mailchimp.com/developer/marketing/api/list-members/
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hub import Item, Page, Person, addresses
from hub.errors import ActionFailed, NotAuthorized, OutcomeUnknown, Rejected, TryLater

from .listing import listed, unreadable

if TYPE_CHECKING:
    from .client import Client

ONE_BY_ONE = 15.0
"""Seconds that a batch spends on members who are there already, so that it ends well within its holder's lease."""

GONE = ("absent", "archived")
MARK = "regulars_id"
"""The property by which one of our events is known from another with the same words: Mailchimp gives events no id."""


def upsert(
    client: Client,
    list_id: str,
    email: str,
    tags: Sequence[str],
    merge_fields: Mapping[str, Any] | None,
    status_if_new: str,
) -> dict[str, Any]:
    """Adds or updates one member. Without a `status` in the request, Mailchimp keeps that of a member it knows."""
    address = spelled(email)
    body = {"email_address": address, "status_if_new": status_if_new, **_merged(merge_fields)}
    member = client.lists.set_list_member(list_id, member_hash(address), body)
    try:
        change_tags(client, list_id, address, tags, "active")
    except Rejected as refusal:
        says = f"The member was updated, but the tags were refused: {refusal}"
        raise Rejected(says, status=refusal.status, code=refusal.code) from None
    return _brief(member)


def page(client: Client, audience: str, cursor: str | None) -> Page:
    """Members of an audience in the order in which they came, as the newest cannot move those that were not met yet."""
    start = int(cursor or 0)
    found = client.lists.get_list_members_info(
        audience, count=MEMBERS, offset=start, sort_field="timestamp_signup", sort_dir="ASC", fields=_FIELDS
    )
    try:
        items = [_item(member) for member in found["members"]]
        total = int(found["total_items"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unreadable() from None
    more = bool(items) and start + len(items) < total
    return Page(items, str(start + len(items)) if more else None, total)


MEMBERS = 500
"""Members of a page: half of what Mailchimp gives, as it takes its time for many."""

_TOLD = ("id", "email_address", "status", "merge_fields", "tags", "timestamp_signup", "last_changed", "language")
_FIELDS = ["total_items", *(f"members.{name}" for name in _TOLD)]


def _item(member: Mapping[str, Any]) -> Item:
    merged = member["merge_fields"]
    phone = addresses.phone(str(merged.get("PHONE") or ""))
    return Item(str(member["id"]), dict(member), Person(addresses.email(member["email_address"]), phone))


def upsert_many(client: Client, calls: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Adds or updates up to 500 members of one audience: an answer or an ActionFailed for each call, in order.

    The batch call sets the status of all it names: it knows no `status_if_new`, and with `update_existing` it would
    subscribe people again who opted out. What status they have cannot be asked for many at once, and might change
    between asking and writing. So the batch call only adds newcomers, which costs one call however many they are,
    and whoever it reports as known is updated one by one, by the call that leaves the status alone.
    """
    outcomes: list[Any] = [None] * len(calls)
    together: dict[str, int] = {}
    alone: list[int] = []
    for place, call in enumerate(calls):
        address = addresses.email(call["email"])
        if address is None:
            outcomes[place] = _no_address()
        elif address in together:  # one batch takes an address once
            alone.append(place)
        else:
            together[address] = place
    if together:
        answers = _add_newcomers(client, calls[0]["list_id"], [calls[place] for place in together.values()])
        for address, place in together.items():
            outcomes[place] = answers.get(address) or _not_mentioned()
            if outcomes[place] is _KNOWN:
                alone.append(place)
    _one_by_one(client, calls, sorted(alone), outcomes)
    return outcomes


_KNOWN = object()
"""Stands for the outcome of someone who is in the audience already."""


def _add_newcomers(client: Client, list_id: str, calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What became of each address: the answer, a refusal, or `_KNOWN`. Tags are added, none is taken away.

    https://mailchimp.com/developer/marketing/api/lists/batch-subscribe-or-unsubscribe/, and for the tags
    https://mailchimp.com/developer/release-notes/added-ability-sync-tags-existing-members/
    """
    body = {"members": [_newcomer(call) for call in calls], "sync_tags": False, "update_existing": False}
    answer = client.lists.batch_list_members(list_id, body)
    try:
        added = {addresses.email(item["email_address"]) or "": _brief(item) for item in answer["new_members"]}
        refused = {addresses.email(item["email_address"]) or "": _refusal(item) for item in answer["errors"]}
    except (KeyError, TypeError):
        raise unreadable() from None
    return {**refused, **added}


def _newcomer(call: Mapping[str, Any]) -> dict[str, Any]:
    tags = {"tags": list(call["tags"])} if call["tags"] else {}
    merged = _merged(call["merge_fields"])
    return {"email_address": spelled(call["email"]), "status": call["status_if_new"], **merged, **tags}


def _refusal(error: Mapping[str, Any]) -> Any:
    """A member's error in the batch answer. What compliance allows for a known member is for the single call to say."""
    said = str(error["error"])
    if error.get("error_code") == "ERROR_CONTACT_EXISTS" or "compliance state" in said:
        return _KNOWN
    parts = [said, error.get("field"), error.get("field_message")]
    return Rejected(": ".join(str(part) for part in parts if part), status=200, code=error.get("error_code"))


def _one_by_one(client: Client, calls: Sequence[Mapping[str, Any]], places: Sequence[int], outcomes: list[Any]) -> None:
    ends = time.monotonic() + ONE_BY_ONE
    stopped: TryLater | None = None
    for place in places:
        if stopped is None and time.monotonic() >= ends:
            stopped = TryLater("There were too many members to update in one go. The rest follows.", after=0)
        if stopped is not None:
            outcomes[place] = stopped
            continue
        try:
            outcomes[place] = upsert(client, **calls[place])
        except (TryLater, OutcomeUnknown, NotAuthorized) as failed:
            outcomes[place] = failed
            after = failed.after if isinstance(failed, TryLater) else None
            stopped = TryLater("A call before this one failed, so this one was not made.", after=after)
        except ActionFailed as failed:
            outcomes[place] = failed


def get(client: Client, list_id: str, email: str) -> dict[str, Any]:
    """Mailchimp's record of a member, or one with the status "absent"."""
    address = spelled(email)
    try:
        member: dict[str, Any] = client.lists.get_list_member(
            list_id, member_hash(address), exclude_fields=["_links", "stats"]
        )
    except Rejected as refusal:
        if refusal.status != 404:
            raise
        return {"list_id": list_id, "email_address": address, "status": "absent", "tags": [], "merge_fields": {}}
    if "status" not in member:
        raise unreadable()
    return member


def set_consent(client: Client, list_id: str, email: str, given: bool, status_if_new: str) -> dict[str, Any]:
    """Writes down a yes or a no; see the action."""
    address = spelled(email)
    now = get(client, list_id, address)["status"]
    wanted = _after_yes(now, status_if_new) if given else _after_no(now)
    if wanted == now:
        return {"id": member_hash(address), "list_id": list_id, "email_address": address, "status": now}
    body = {"email_address": address, "status_if_new": wanted}
    if not (given and now == "absent"):
        body["status"] = wanted  # left out for a newcomer who says yes: if they opted out just now, that holds
    return _brief(client.lists.set_list_member(list_id, member_hash(address), body))


def _after_yes(status: str, status_if_new: str) -> str:
    if status in ("subscribed", "pending"):
        return status
    # Of a customer who gets no campaigns (transactional) nothing was known so far; the others were out for a reason.
    return status_if_new if status in ("absent", "transactional") else "pending"


def _after_no(status: str) -> str:
    return status if status in ("unsubscribed", "cleaned") else "unsubscribed"


def change_tags(client: Client, list_id: str, email: str, tags: Sequence[str], status: str) -> dict[str, Any]:
    """Makes tags "active" or "inactive" on a member."""
    changes = [{"name": tag, "status": status} for tag in tags]
    if changes:
        client.lists.update_list_member_tags(list_id, member_hash(spelled(email)), {"tags": changes})
    return {"tags": list(tags)}


def archive(client: Client, list_id: str, email: str) -> dict[str, Any]:
    """Archives a member; a second time Mailchimp refuses, so then the status decides whether all is well."""
    try:
        client.lists.delete_list_member(list_id, member_hash(spelled(email)))
    except Rejected as refusal:
        if refusal.status not in (404, 405) or (status := get(client, list_id, email)["status"]) not in GONE:
            raise
        return {"status": status}
    return {"status": "archived"}


def trigger_journey(client: Client, journey_id: int, step_id: int, email: str) -> dict[str, Any]:
    """https://mailchimp.com/developer/marketing/api/customer-journeys-journeys-steps-actions/"""
    client.journeys.trigger(int(journey_id), int(step_id), {"email_address": spelled(email)})
    return {"journey_id": journey_id, "step_id": step_id}


def add_event(
    client: Client, list_id: str, email: str, name: str, properties: Mapping[str, Any] | None
) -> dict[str, Any]:
    """https://mailchimp.com/developer/marketing/api/list-member-events/"""
    made = secrets.token_hex(8)
    body = {"name": name, "properties": {**_as_text(properties), MARK: made}}
    client.lists.create_list_member_event(list_id, member_hash(spelled(email)), body)
    return {"id": made, "name": name}


def find_events(
    client: Client, since: datetime, list_id: str, email: str, name: str, properties: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """The answers that `add_event` gave or would have given for such events from `since` on, oldest first."""
    member = member_hash(spelled(email))
    try:
        # All of them: no page of Mailchimp's says in which order they come.
        events = list(listed(client.lists.get_list_member_events, list_id, member, name="events"))
    except Rejected as refusal:
        if refusal.status == 404:  # no such member, so no event on it
            return []
        raise
    wanted, earliest = _as_text(properties), since.replace(microsecond=0)  # Mailchimp's times are in whole seconds
    found = []
    try:
        for event in events:
            told = dict(event.get("properties") or {})
            made, at = told.pop(MARK, None), datetime.fromisoformat(event["occurred_at"])
            if made and event["name"] == name and told == wanted and at >= earliest:
                found.append((at, {"id": made, "name": name}))
    except (KeyError, TypeError, ValueError):
        raise unreadable() from None
    return [answer for _, answer in sorted(found, key=lambda pair: pair[0])]


def spelled(email: str) -> str:
    """The address as we send it. Raises Rejected where it is none: a hash would hide that."""
    address = addresses.email(email)
    if address is None:
        raise _no_address()
    return address


def member_hash(address: str) -> str:
    """How Mailchimp names a member in its addresses: the MD5 of the lower-case e-mail address."""
    return hashlib.md5(address.encode(), usedforsecurity=False).hexdigest()


def _brief(member: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a member that every answer has."""
    try:
        return {name: member[name] for name in ("id", "list_id", "email_address", "status")}
    except (KeyError, TypeError):
        raise unreadable() from None


def _merged(merge_fields: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"merge_fields": dict(merge_fields)} if merge_fields else {}


def _as_text(properties: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: str(value) for name, value in (properties or {}).items()}


def _no_address() -> Rejected:
    return Rejected("This is no e-mail address, so nothing was sent.")


def _not_mentioned() -> OutcomeUnknown:
    return OutcomeUnknown("Mailchimp's answer to the batch does not mention this member, so it may not have happened.")
