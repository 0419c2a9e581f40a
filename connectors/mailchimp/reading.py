"""Reading deliveries: forms with bracketed names become one event each.

The fields are those of https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hub import addresses
from hub.delivery import Delivery
from hub.errors import PayloadUnreadable
from hub.event import UNKNOWN, Consent, Event, Person

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\]){0,8})")
_GIVEN = {"subscribe": True, "unsubscribe": False, "cleaned": False}
"""What a type says about consent to newsletters; the others say nothing."""

_OBLIGATORY = {"upemail": ("new_email", "new_id", "list_id"), "campaign": ("id", "list_id", "status")}


def event(delivery: Delivery, types: Mapping[str, str]) -> Event:
    """The event that a delivery tells; `types` maps Mailchimp's words to ours. Raises PayloadUnreadable."""
    payload = nested(delivery)
    kind = payload.get("type")
    if not isinstance(kind, str):
        raise PayloadUnreadable("The form does not say in `type` what happened.")
    known = kind in types
    data = payload.get("data")
    if known:
        _must_have(data, _OBLIGATORY.get(kind, ("email", "list_id")))
    facts: Mapping[str, Any] = data if isinstance(data, dict) else {}
    at = _fired_at(payload) if known else delivery.received_at
    person = _person(facts)
    return Event(
        key=_key(kind, facts, payload) if known else f"{kind}:{hashlib.sha256(delivery.body).hexdigest()}",
        # A campaign that was cancelled comes as `campaign` too, and was not sent.
        type=UNKNOWN if kind == "campaign" and facts["status"] != "sent" else types.get(kind, UNKNOWN),
        at=at,
        data=payload,
        person=person,
        consents=_consents(kind, person, at),
    )


def nested(delivery: Delivery) -> dict[str, Any]:
    """The form as it was before it was flattened: `data[merges][FNAME]=Ada` → `{"data": {"merges": {"FNAME": "Ada"}}}`.

    Raises PayloadUnreadable.
    """
    found: dict[str, Any] = {}
    for name, value in delivery.form_pairs:
        match = _NAME.fullmatch(name)
        if match is None:
            raise PayloadUnreadable("A name in the form has brackets that do not fit.")
        *path, last = [match[1], *match[2][1:-1].split("][")] if match[2] else [match[1]]
        place = found
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise PayloadUnreadable("A name in the form stands for a value and for a group.")
        if isinstance(place.get(last), dict):
            raise PayloadUnreadable("A name in the form stands for a value and for a group.")
        place[last or str(len(place))] = value
    return found


def _must_have(data: Any, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not isinstance(data, dict) or not _is_text(data.get(name))]
    if missing:
        raise PayloadUnreadable(f"The form has no data[{missing[0]}].")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _fired_at(payload: Mapping[str, Any]) -> datetime:
    # No zone is given or documented; the API's own times are in UTC, so these are read as UTC too.
    try:
        return datetime.strptime(payload["fired_at"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except (KeyError, TypeError, ValueError):
        raise PayloadUnreadable("The form does not say in `fired_at` when it happened.") from None


def _key(kind: str, data: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    """Mailchimp gives deliveries no id, so a repeat is known by what happened, to whom and when.

    Someone in two audiences has one id, hence the audience. Where there is no id, the address is hashed.
    """
    who = data.get("id") or data.get("new_id") or hashlib.sha256(_spelled(data, payload).encode()).hexdigest()[:32]
    return f"{kind}:{data['list_id']}:{who}:{payload['fired_at']}"


def _spelled(data: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    return f"{data['list_id']} {data['email'].strip().lower()} {payload['fired_at']}"


def _person(data: Mapping[str, Any]) -> Person:
    email = data.get("new_email") or data.get("email")
    if not isinstance(email, str):
        return Person()
    member = data.get("new_id") or data.get("id")
    merges = data.get("merges")
    phone = merges.get("PHONE") if isinstance(merges, dict) else None
    return Person(
        email=addresses.email(email),
        # PHONE is the tag that Mailchimp gives its own field for it; without a country only +… can be told.
        phone=addresses.phone(phone) if isinstance(phone, str) else None,
        ids={"mailchimp.member": str(member)} if _is_text(member) else {},
    )


def _consents(kind: str, person: Person, at: datetime) -> tuple[Consent, ...]:
    if kind not in _GIVEN or person.email is None:
        return ()
    return (Consent("email", person.email, _GIVEN[kind], at),)
