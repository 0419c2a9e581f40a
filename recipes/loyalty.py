"""Tiers of a loyalty programme: how an owner writes them down, and which one somebody has or has earned."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from connectors import mailchimp, shopify
from hub import Setting, Step, Steps

PREFIX = "tier-"
"""What the tags of tiers begin with, in the shop and in Mailchimp."""

USUAL = ["Bronze 100 5", "Silver 250 10", "Gold 500 15"]
UNREADABLE = "Write each tier as its name, its sum and its reward in percent, such as Gold 500 15."

Tiers = Annotated[list[str], Setting("Tiers", "Each with its sum and its reward in percent: Gold 500 15.")]
Counts = Annotated[
    Literal["all time", "last 12 months"], Setting("What counts", "12 months need the app's right to read all orders.")
]


@dataclass(frozen=True)
class Tier:
    """A tier, from which sum it is earned, and the discount that it gives, in percent."""

    name: str
    limit: Decimal
    percent: float

    @property
    def tag(self) -> str:
        return PREFIX + "-".join(self.name.lower().split())


def tiers_in(lines: Sequence[str]) -> list[Tier] | None:
    """The tiers that are written down as "Gold 500 15", the lowest first; None if one is not."""
    try:
        parts = [line.rsplit(maxsplit=2) for line in lines]
        return sorted((Tier(name, Decimal(limit), float(percent)) for name, limit, percent in parts), key=_limit)
    except (ValueError, InvalidOperation):
        return None


def _limit(tier: Tier) -> Decimal:
    return tier.limit


def earned(tiers: Sequence[Tier], spent: Decimal) -> int:
    """How many of the tiers such a sum has earned; the last of these is somebody's own."""
    return sum(spent >= tier.limit for tier in tiers)


def held(tiers: Sequence[Tier], tags: Sequence[str]) -> int:
    """The same by the tags that somebody has."""
    return max((place for place, tier in enumerate(tiers, start=1) if tier.tag in tags), default=0)


def spent_by(customer: Mapping[str, Any], at: datetime, counts: str) -> Generator[Step, Any, Decimal]:
    """What somebody paid, less what was refunded."""
    if counts == "all time":
        return Decimal(customer["total_spent"])
    orders = yield shopify.orders_of(customer_id=customer["id"], since=at - timedelta(days=365))
    return sum((Decimal(order["kept"]) for order in orders), Decimal(0))


def tagged(customer: Mapping[str, Any], audience: str, tiers: Sequence[Tier], place: int) -> Steps:
    """Gives somebody the tag of their tier, and takes those of all others."""
    tag, email = (tiers[place - 1].tag if place else None), customer["email"]
    others = [other for other in customer["tags"] if other.startswith(PREFIX) and other != tag]
    if tag:
        yield shopify.add_customer_tags(customer["id"], [tag])
    if others:
        yield shopify.remove_customer_tags(customer["id"], others)
    if email:
        yield mailchimp.upsert_member(audience, email, tags=[tag] if tag else [])
        if others:
            yield mailchimp.remove_tags(audience, email, others)
    return None
