"""What happens meanwhile: events about the person whom a rehearsal is about."""

from __future__ import annotations

from dataclasses import replace

from ..event import Consent, Event, Person


def about(person: Person, event: Event) -> Event:
    """The event, about this person, with what it says about consent."""
    said = tuple(replace(consent, address=_address(person, consent)) for consent in event.consents)
    return replace(event, person=person, consents=said)


def _address(person: Person, consent: Consent) -> str:
    return (person.email if consent.channel == "email" else person.phone) or consent.address
