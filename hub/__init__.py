"""Regulars: what recipes and connectors are written with. This is the whole public API."""

from .connector import Action, Connector, Field, Limit, Match, OAuth, Trigger
from .delivery import Delivery
from .errors import (
    ActionFailed,
    NotAuthorized,
    OutcomeUnknown,
    PayloadUnreadable,
    RateLimited,
    Rejected,
    ServiceDown,
    TryLater,
)
from .event import UNKNOWN, Consent, Event, Person
from .recipe import Recipe, recipe
from .recipe_settings import Setting
from .step import Step, Steps, ask_person, choose, now, sleep, sleep_until, together, wait_for

__all__ = [
    "UNKNOWN",
    "Action",
    "ActionFailed",
    "Connector",
    "Consent",
    "Delivery",
    "Event",
    "Field",
    "Limit",
    "Match",
    "NotAuthorized",
    "OAuth",
    "OutcomeUnknown",
    "PayloadUnreadable",
    "Person",
    "RateLimited",
    "Recipe",
    "Rejected",
    "ServiceDown",
    "Setting",
    "Step",
    "Steps",
    "Trigger",
    "TryLater",
    "ask_person",
    "choose",
    "now",
    "recipe",
    "sleep",
    "sleep_until",
    "together",
    "wait_for",
]
