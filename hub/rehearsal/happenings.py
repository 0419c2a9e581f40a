"""What happens meanwhile, as somebody writes it: "shopify.order_created after 2d", "twilio for 1h".

Events are made from the samples of their triggers: about the person whom the rehearsal is about, and such that they fit
what the recipe waits for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from .. import registry
from ..errors import NotFound, Rejected, SettingInvalid
from ..event import Consent, Event, Person
from ..matching import fits, with_values
from ..recipe import Recipe, value_at
from ..recipe_settings import duration
from ..trigger import Trigger

_AFTER = re.compile(r"(?P<what>[\w.]+)(?: +after +(?P<after>.+))?", re.IGNORECASE)
_DOWN = re.compile(r"(?P<what>\w+)(?: +after +(?P<after>.+?))? +for +(?P<lasts>.+)", re.IGNORECASE)


@dataclass(frozen=True)
class Happening:
    """That something happens to the person, so long after the event that starts the recipe."""

    trigger: Trigger
    after: timedelta


@dataclass(frozen=True)
class Trouble:
    """A service that does not answer: `connector`, from an instant on for so long."""

    connector: str
    since: datetime
    lasts: timedelta


def happening(text: str) -> Happening:
    """What "shopify.order_created after 2d" says; without "after" it happens at once. Raises SettingInvalid."""
    found = _AFTER.fullmatch(text.strip())
    if found is None:
        raise SettingInvalid(f"{text!r} says nothing that can happen. Write it such as: shopify.order_created after 2d")
    return Happening(trigger(found["what"]), _span(found["after"], text) if found["after"] else timedelta(0))


def trouble(text: str, start: datetime) -> Trouble:
    """What "twilio for 1h" or "twilio after 2d for 1h" says of a service that is down. Raises SettingInvalid."""
    found = _DOWN.fullmatch(text.strip())
    if found is None:
        raise SettingInvalid(f"{text!r} says nothing that can be down. Write it such as: twilio after 2d for 1h")
    connector = _connector(found["what"])
    after = _span(found["after"], text) if found["after"] else timedelta(0)
    return Trouble(connector.name, start + after, _span(found["lasts"], text))


def refusal(text: str) -> tuple[Any, Rejected]:
    """What "twilio.send_sms" or "twilio.send_sms=This is a landline." says: the action, and what its service answers.
    Raises SettingInvalid."""
    name, _, why = text.partition("=")
    try:
        found = registry.action(name.strip())
    except NotFound as missing:
        raise SettingInvalid(f"Nothing can refuse {name!r}. {missing}") from None
    return found, Rejected(why.strip() or f"{found.connector.title} refused it.")


def trigger(name: str) -> Trigger:
    """The trigger of a name as recipes write it, `shopify.order_created`, or of its type. Raises SettingInvalid."""
    of, _, rest = name.partition(".")
    triggers: list[Trigger] = list(_connector(of).triggers.values())
    found = next((one for one in triggers if rest in (one.name, one.name.replace(".", "_"))), None)
    if found is None:
        names = ", ".join(f"{of}.{one.name.replace('.', '_')}" for one in triggers)
        raise SettingInvalid(f"{name!r} does not happen. What can happen there: {names}.")
    return found


def _connector(name: str) -> Any:
    try:
        return registry.connector(name)
    except NotFound as missing:
        raise SettingInvalid(str(missing)) from None


def _span(text: str, whole: str) -> timedelta:
    try:
        return duration(text.strip())
    except ValueError:
        raise SettingInvalid(f"{text.strip()!r} in {whole!r} is no length of time. Write it such as: 2d") from None


# ---- events


def event_of(happening: Happening, start: Event, awaited: Iterable[Mapping[str, Any]]) -> Event:
    """The event that happens. Of what the recipe waits for (matches as data), it fits the first of its kind."""
    at, sample = start.at + happening.after, happening.trigger.sample
    fresh = replace(sample, key=f"{sample.key} {at.isoformat()}", at=at)
    wanted = [match for match in awaited if match["type"] == sample.type]
    if wanted and not any(fits(match, fresh, start) for match in wanted):
        shared = {path: value_at(start.data, path) for path in wanted[0]["same"]}
        fresh = with_values(fresh, {**wanted[0]["where"], **shared})
    return about(start.person, fresh)


def awaited(recipe: Recipe, steps: Iterable[Any]) -> list[Mapping[str, Any]]:
    """What ends a run of the recipe, and what these steps wait for."""
    ends = [match.as_data() for match in recipe.stop_when]
    return ends + [match for step in steps for match in step.inputs.get("any", ())]


def about(person: Person, event: Event) -> Event:
    """The event, about this person, with what it says about consent."""
    said = tuple(replace(consent, address=_address(person, consent)) for consent in event.consents)
    return replace(event, person=person, consents=said)


def _address(person: Person, consent: Consent) -> str:
    return (person.email if consent.channel == "email" else person.phone) or consent.address
