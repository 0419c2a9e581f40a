"""What the practice account knows, and the rules by which members change: no HTTP here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from hub import addresses
from hub.practice import moment

Record = dict[str, Any]

STATUSES = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional")
_LIST_ID = re.compile(r"[a-z0-9]{8,12}")


class Refused(ValueError):
    """The change is against Mailchimp's rules: `title` and `detail` are its words."""

    def __init__(self, title: str, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.title, self.detail, self.field = title, detail, field


def new_books() -> Record:
    """A new account with the audience `practice`."""
    books: Record = {"lists": {}, "tags": {}, "journeys": [], "made": 0}
    audience(books, "practice")
    return books


def audience(books: Record, list_id: str) -> Record | None:
    """The audience, made where its id is possible; None if it is not."""
    lists: dict[str, Record] = books["lists"]
    found = lists.get(list_id)
    if found is None and _LIST_ID.fullmatch(list_id):
        found = {"id": list_id, "web_id": number(books), "name": list_id.title(), "date_created": stamp()}
        lists[list_id] = found | {"members": {}, "contacts": {}, "webhooks": {}}
    return lists.get(list_id)


def number(books: Record) -> int:
    """The next number that nothing else in this account has."""
    books["made"] += 1
    return int(books["made"])


def stamp() -> str:
    """Now, as Mailchimp writes it."""
    return _second(int(moment.seconds()))


@lru_cache(maxsize=2)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()


def member_hash(address: str) -> str:
    return hashlib.md5(address.lower().encode(), usedforsecurity=False).hexdigest()


def find(held: Record, subscriber: str) -> Record | None:
    """A member by hash, contact id or e-mail address."""
    members: dict[str, Record] = held["members"]
    if "@" in subscriber:
        return members.get(member_hash(subscriber))
    return members.get(subscriber.lower()) or members.get(held["contacts"].get(subscriber))


def add(books: Record, held: Record, body: Mapping[str, Any], status: object) -> Record:
    """A new member. Raises Refused."""
    address = body.get("email_address")
    if not isinstance(address, str) or addresses.email(address) is None:
        raise Refused("Invalid Resource", "Please provide a valid email address.", "email_address")
    if status not in STATUSES:
        raise Refused("Invalid Resource", "The status is not one of those allowed.", "status")
    _check(body)
    key = member_hash(address)
    made = number(books)
    member = {
        "id": key,
        "email_address": address,
        "unique_email_id": hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()[:10],
        "contact_id": hashlib.sha1(f"{held['id']} {key}".encode(), usedforsecurity=False).hexdigest()[:32],
        "web_id": made,
        "status": status,
        "merge_fields": {},
        "tags": [],
        "events": [],
        "opted_out": status in ("unsubscribed", "cleaned"),
        "timestamp_signup": stamp(),
    }
    held["members"][key] = member
    held["contacts"][member["contact_id"]] = key
    change(books, member, body, None)
    return member


def rename(books: Record, held: Record, member: Record, address: str) -> Record:
    """The member under another address. Raises Refused, and then nothing has changed."""
    renamed = add(books, held, {"email_address": address}, "transactional")
    if renamed["id"] != member["id"]:
        del held["members"][member["id"]], held["contacts"][member["contact_id"]]
    renamed.update({name: member[name] for name in ("status", "opted_out", "merge_fields", "tags", "events")})
    return renamed


def change(
    books: Record, member: Record, body: Mapping[str, Any], status: object, *, replace_tags: bool = False
) -> None:
    """Merge fields, tags and status as asked. Raises Refused, and then nothing has changed.

    Someone who opted out or bounced cannot be subscribed by API, only asked (`pending`): they must say so themselves.
    """
    _check(body)
    if status is not None:
        if status not in STATUSES:
            raise Refused("Invalid Resource", "The status is not one of those allowed.", "status")
        if status == "subscribed" and member["opted_out"] and member["status"] != "subscribed":
            raise Refused(
                "Member In Compliance State",
                f"{member['email_address']} is in a compliance state due to unsubscribe, bounce, or compliance review "
                "and cannot be subscribed.",
            )
        member["status"] = status
        member["opted_out"] = member["opted_out"] or status in ("unsubscribed", "cleaned")
    member["merge_fields"].update(body.get("merge_fields") or {})
    tag(books, member, body.get("tags") or [], replace=replace_tags)
    member["last_changed"] = stamp()


def _check(body: Mapping[str, Any]) -> None:
    """Raises Refused where merge fields or tags have another shape than they must."""
    if not isinstance(body.get("merge_fields") or {}, dict):
        raise Refused("Invalid Resource", "Merge fields are an object.", "merge_fields")
    tags = body.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(name, str) for name in tags):
        raise Refused("Invalid Resource", "Tags are a list of names.", "tags")


def tag(books: Record, member: Record, names: Iterable[str], *, replace: bool = False) -> None:
    """Adds tags, or puts these in place of all."""
    kept = [] if replace else member["tags"]
    member["tags"] = list(dict.fromkeys([*kept, *names]))
    for name in member["tags"]:
        if name not in books["tags"]:
            books["tags"][name] = number(books)


def shown(books: Record, list_id: str, member: Record) -> Record:
    """A member as the API shows it."""
    merges = member["merge_fields"]
    return {
        **shown_in_batch(books, list_id, member),
        "contact_id": member["contact_id"],
        "full_name": f"{merges.get('FNAME', '')} {merges.get('LNAME', '')}".strip(),
        "web_id": member["web_id"],
        "source": "API - Generic",
    }


def shown_in_batch(books: Record, list_id: str, member: Record) -> Record:
    """A member as the answer to a batch shows it, which is less."""
    return {
        "id": member["id"],
        "email_address": member["email_address"],
        "unique_email_id": member["unique_email_id"],
        "email_type": "html",
        "status": member["status"],
        "merge_fields": dict(member["merge_fields"]),
        "timestamp_signup": member["timestamp_signup"],
        "last_changed": member["last_changed"],
        "language": "en",
        "vip": False,
        "tags_count": len(member["tags"]),
        "tags": [{"id": books["tags"][name], "name": name} for name in member["tags"]],
        "list_id": list_id,
    }
