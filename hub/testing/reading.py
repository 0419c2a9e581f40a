"""Promises on reading deliveries: samples tell what they say, nothing is lost, and nothing odd breaks the reader."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from .. import addresses, values
from ..connector import Connector, Trigger
from ..delivery import Delivery
from ..errors import PayloadUnreadable, StepNotData
from ..event import UNKNOWN, Event
from .changes import ABSENT, STRANGER, changes
from .finding import none_of

NONSENSE = (
    b"",
    b"null",
    b"true",
    b"7",
    b'"text"',
    b"[]",
    b"{}",
    b"[null]",
    b"[[]]",
    b"[7]",
    b'{"a":',
    b"\xff\xfe",
    b"a=b",
    b"=",
)
"""Bodies that no provider sends."""


def every_sample_tells_an_event_of_its_type(connector: Connector) -> None:
    def faults() -> Iterator[str]:
        for trigger, _, events in _samples(connector):
            if trigger.type not in [event.type for event in events]:
                yield f"{trigger.type}: {trigger.sample_file} tells {[event.type for event in events] or 'nothing'}"

    none_of(faults())


def every_sample_file_is_used_and_repeats_no_name(connector: Connector) -> None:
    used = {trigger.sample_file for trigger in connector.triggers.values()}
    files = sorted((connector.folder / "samples").glob("*.json"))
    faults = [f"{file.name}: no trigger uses it" for file in files if file.name not in used]
    for file in files:
        repeated: list[str] = []

        def noted(pairs: list[tuple[str, Any]], repeated: list[str] = repeated) -> dict[str, Any]:
            repeated += [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
            return dict(pairs)

        json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=noted)
        faults += [f"{file.name}: has {name!r} twice in one object" for name in repeated]
    none_of(faults)


def the_providers_payload_is_kept_whole(connector: Connector) -> None:
    def faults() -> Iterator[str]:
        for trigger, delivery, events in _samples(connector):
            if lost := _lost(connector, delivery, events):
                yield f"{trigger.type}: event.data lacks {lost} values of the payload"

    none_of(faults())


def every_event_is_well_formed(connector: Connector) -> None:
    none_of(
        f"{trigger.type}: {fault}"
        for trigger, _, events in _samples(connector)
        for event in events
        for fault in _event_faults(connector, event)
    )


def the_same_delivery_has_the_same_keys_each_time(connector: Connector) -> None:
    def faults() -> Iterator[str]:
        keys = connector.function("keys")
        for trigger, delivery, events in _samples(connector):
            again = list(connector.read(replace(delivery, received_at=delivery.received_at + timedelta(days=1))))
            if [event.key for event in again] != [event.key for event in events]:
                yield f"{trigger.type}: its events get other keys when the delivery comes again"
            if len({event.key for event in events}) < len(events):
                yield f"{trigger.type}: two events of one delivery share a key"
            if keys and not all(isinstance(key, str) and key for key in keys(delivery)):
                yield f"{trigger.type}: keys(delivery) gives something that is no text, or empty"

    none_of(faults())


def something_unheard_of_becomes_an_unknown_event(connector: Connector) -> None:
    for trigger, delivery, _ in _samples(connector):
        for _, _, changed in changes(delivery, connector.body, only=(STRANGER, ABSENT)):
            events = _read(connector, changed)
            if events and all(event.type == UNKNOWN for event in events):
                if lost := _lost(connector, changed, events):
                    raise AssertionError(f"{trigger.type}: when it is unknown, event.data lacks {lost} values")
                return
    none_of([f"{connector.name}: no change of a sample makes an UNKNOWN event, so a new kind of event would be lost"])


def an_odd_payload_is_read_or_refused_but_breaks_nothing(connector: Connector) -> None:
    def faults() -> Iterator[str]:
        for trigger, delivery, _ in _samples(connector):
            odd = [(f"the body {body!r}", replace(delivery, body=body)) for body in NONSENSE]
            odd += [(f"{place} = {value!r}", changed) for place, value, changed in changes(delivery, connector.body)]
            for what, changed in odd:
                try:
                    events = list(connector.read(changed))
                except PayloadUnreadable:
                    continue
                except Exception as error:
                    yield f"{trigger.type}: {what} raises {error!r} and not PayloadUnreadable"
                else:
                    yield from (f"{trigger.type}: {what}: {f}" for e in events for f in _event_faults(connector, e))

    none_of(_first_of_each(faults(), 20))


def _samples(connector: Connector) -> Iterator[tuple[Trigger, Delivery, list[Event]]]:
    for trigger in connector.triggers.values():
        delivery = trigger.sample_delivery
        yield trigger, delivery, list(connector.read(delivery))


def _read(connector: Connector, delivery: Delivery) -> list[Event]:
    try:
        return list(connector.read(delivery))
    except Exception:
        return []


def _event_faults(connector: Connector, event: Event) -> Iterator[str]:
    if event.type != UNKNOWN and event.type not in connector.triggers:
        yield f"an event has the type {event.type!r}, which is not declared"
    if not (isinstance(event.key, str) and event.key):
        yield "an event has no key"
    if event.at.utcoffset() != timedelta(0):
        yield "event.at is not in UTC"
    if not isinstance(event.data, Mapping):
        yield "event.data is no mapping"
    else:
        try:
            values.write(event.data)
        except StepNotData:
            yield "event.data is not plain data, so it cannot be kept"
    yield from _person_faults(event)


def _person_faults(event: Event) -> Iterator[str]:
    person = event.person
    if person.email is not None and person.email != addresses.email(person.email):
        yield "person.email is not in one spelling: use hub.addresses.email"
    if person.phone is not None and person.phone != addresses.phone(person.phone):
        yield "person.phone is not in E.164: use hub.addresses.phone"
    if not all(isinstance(kind, str) and isinstance(value, str) and value for kind, value in person.ids.items()):
        yield "person.ids has something that is no text, or empty"
    for consent in event.consents:
        spelled = addresses.email(consent.address) if consent.channel == "email" else addresses.phone(consent.address)
        if consent.address != spelled:
            yield "a consent's address is not in one spelling: use hub.addresses"
        if consent.at.utcoffset() != timedelta(0):
            yield "a consent's time is not in UTC"


def _lost(connector: Connector, delivery: Delivery, events: Iterable[Event]) -> int:
    """How many values of the payload are in no event's data."""
    sent = (
        Counter(value for _, value in delivery.form_pairs)
        if connector.body == "form"
        else Counter(_leaves(delivery.json))
    )
    kept = Counter(leaf for event in events for leaf in _leaves(event.data))
    return sum((sent - kept).values())


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def _first_of_each(faults: Iterable[str], most: int) -> Iterator[str]:
    """The first few, each said once."""
    for number, fault in enumerate(dict.fromkeys(faults)):
        if number == most:
            yield "… and more"
            return
        yield fault


CHECKS = (
    every_sample_tells_an_event_of_its_type,
    every_sample_file_is_used_and_repeats_no_name,
    the_providers_payload_is_kept_whole,
    every_event_is_well_formed,
    the_same_delivery_has_the_same_keys_each_time,
    something_unheard_of_becomes_an_unknown_event,
    an_odd_payload_is_read_or_refused_but_breaks_nothing,
)
