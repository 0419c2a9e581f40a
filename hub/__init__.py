"""Regulars: what recipes and connectors are written with. This is the whole public API."""

from .connector import Action, Connector, Field, Item, Limit, Match, OAuth, Page, Trigger
from .delivery import Delivery
from .errors import (
    ActionFailed,
    NotAuthorized,
    NotSent,
    OutcomeUnknown,
    PayloadUnreadable,
    RateLimited,
    Rejected,
    ServiceDown,
    TryLater,
)
from .event import UNKNOWN, Consent, Event, Person, Place
from .recipe import Recipe, recipe
from .recipe_settings import Setting
from .schedule import Schedule, daily, monthly, weekly, yearly
from .step import (
    Step,
    Steps,
    ask_person,
    choose,
    complaint_closed,
    complaint_opened,
    now,
    sleep,
    sleep_until,
    together,
    wait_for,
)

__all__ = [
    "UNKNOWN",
    "Action",
    "ActionFailed",
    "Connector",
    "Consent",
    "Delivery",
    "Event",
    "Field",
    "Item",
    "Limit",
    "Match",
    "NotAuthorized",
    "NotSent",
    "OAuth",
    "OutcomeUnknown",
    "Page",
    "PayloadUnreadable",
    "Person",
    "Place",
    "RateLimited",
    "Recipe",
    "Rejected",
    "Schedule",
    "ServiceDown",
    "Setting",
    "Step",
    "Steps",
    "Trigger",
    "TryLater",
    "ask_person",
    "choose",
    "complaint_closed",
    "complaint_opened",
    "daily",
    "monthly",
    "now",
    "recipe",
    "sleep",
    "sleep_until",
    "together",
    "wait_for",
    "weekly",
    "yearly",
]
