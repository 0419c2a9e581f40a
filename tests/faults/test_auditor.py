"""The auditor finds what is wrong: in a run where all went well, one thing is made wrong at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.history import EventLine, RunLine, StepLine, Story
from tests.faults.auditor import CONTACT, MEMBER, SMS, Findings, audit
from tests.faults.load import Delivery, Load, Order, Who
from tests.faults.observing import Books, Seen, Told

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ADA = Who(1, alike=False)
FIRST, SECOND = Order(1000, ADA, 0, NOW), Order(1001, ADA, 1, NOW)


@dataclass
class World:
    """Two orders of one buyer, the second placed after the first was acknowledged, and all that came of them."""

    load: Load
    told: list[Told]
    contacts: dict[str, list[dict[str, str]]]
    members: dict[str, dict[str, Any]]
    texts: dict[str, list[str]]
    asked: list[dict[str, Any]]
    events: Counter[str]

    def audited(self) -> dict[str, int]:
        seen = Seen(self.told, Books(self.contacts, self.members, self.texts, self.asked), self.events)
        return {name: len(found) for name, found in vars(audit(self.load, seen)).items() if found}

    def change_step(self, place: int, action: str, **changes: Any) -> None:
        (story,) = self.told[place].stories
        steps = tuple(replace(step, **changes) if step.action == action else step for step in story.steps)
        self.told[place] = replace(self.told[place], stories=[replace(story, steps=steps)])

    def change_run(self, place: int, **changes: Any) -> None:
        (story,) = self.told[place].stories
        self.told[place] = replace(self.told[place], stories=[replace(story, run=replace(story.run, **changes))])


def delivery(order: Order, at: float) -> Delivery:
    kind = "shopify.order.created"
    return Delivery(
        at, "shopify", f"order {order.number}", kind, lambda url: ({}, b""), order, True, at, at + 0.1, [200]
    )


def story(order: Order) -> Story:
    run = RunLine(order.number, "order_thanks", "v", "done", None, 1, "shopify.order.created", 0, 1, None)
    event = EventLine(1, "c", "shopify", "shopify.order.created", 0, 0, "taken", (), {})
    steps = tuple(
        StepLine(place, action, action, "done", 1, 0, 1, None, None, "Done.")
        for place, action in enumerate((CONTACT, MEMBER, SMS))
    )
    return Story(run, event, steps, {"order_number": order.number})


def sent(order: Order, began: int, status: int | None = 201, *, sends: bool = True) -> dict[str, Any]:
    text = order.text if sends else ""
    return {"sends": sends, "to": ADA.phone, "text": text, "status": status, "began": began, "ended": began + 1}


@pytest.fixture
def world() -> World:
    return World(
        Load([FIRST, SECOND], [delivery(FIRST, 0.0), delivery(SECOND, 1.0)], {}),
        [Told(FIRST, [story(FIRST)]), Told(SECOND, [story(SECOND)])],
        {ADA.email: [{"email": ADA.email, "firstname": SECOND.first_name}]},
        {ADA.email: {"tags": ["customer"], "merge_fields": {"FNAME": SECOND.first_name}}},
        {ADA.phone: [FIRST.text, SECOND.text]},
        [sent(FIRST, 0), sent(SECOND, 2)],
        Counter({"shopify.order.created": 2}),
    )


def test_where_all_went_well_nothing_is_found(world: World) -> None:
    assert world.audited() == {}


WRONG: dict[str, tuple[Callable[[World], object], dict[str, int]]] = {
    "an order has no run": (
        lambda w: w.told.__setitem__(0, Told(FIRST, [])) or w.texts[ADA.phone].remove(FIRST.text),
        {"lost": 1},
    ),
    "a run failed": (lambda w: w.change_run(0, state="failed", reason="It raised."), {"lost": 1}),
    "a run never ends": (lambda w: w.change_run(0, state="waiting"), {"lost": 1}),
    "an order has two runs": (lambda w: w.told.__setitem__(0, Told(FIRST, [story(FIRST)] * 2)), {"doubled": 1}),
    "a run is held": (lambda w: w.change_run(0, state="held", reason="Look."), {"unknown": 1}),
    "a text is missing": (lambda w: w.texts[ADA.phone].remove(FIRST.text), {"lost": 1}),
    "a text left twice": (lambda w: w.texts[ADA.phone].append(SECOND.text), {"doubled": 1}),
    "a text left and is told as refused": (
        lambda w: w.change_step(0, SMS, state="refused", reason="practice fault: this member failed"),
        {"untruthful": 1},
    ),
    "a step was refused for no reason": (
        lambda w: w.change_step(0, CONTACT, state="refused", reason="It was tried for three days."),
        {"lost": 1},
    ),
    "somebody is told to have opted out who did not": (
        lambda w: (w.change_step(0, SMS, state="refused", reason="they opted out"), w.texts[ADA.phone].pop(0)),
        {"lost": 1},
    ),
    "a run is done before its steps": (lambda w: w.change_step(0, MEMBER, state="waiting"), {"untruthful": 1}),
    "a contact is missing": (lambda w: w.contacts.clear(), {"lost": 2}),
    "a contact is there twice": (lambda w: w.contacts[ADA.email].append({"firstname": SECOND.first_name}), {"lost": 2}),
    "a member has no tag": (lambda w: w.members[ADA.email].update(tags=[]), {"lost": 2}),
    "texts are swapped": (lambda w: w.texts[ADA.phone].reverse(), {"out_of_order": 1}),
    "an old name stays": (lambda w: w.contacts[ADA.email][0].update(firstname=FIRST.first_name), {"out_of_order": 1}),
    "an old member stays": (
        lambda w: w.members[ADA.email]["merge_fields"].update(FNAME=FIRST.first_name),
        {"out_of_order": 1},
    ),
    "an event is missing": (lambda w: w.events.subtract({"shopify.order.created": 1}), {"lost": 1}),
    "an event was taken twice": (lambda w: w.events.update({"shopify.order.created": 1}), {"doubled": 1}),
    "a stranger is in the books": (lambda w: w.contacts.update({"forged@example.com": [{}]}), {"other": 1}),
    "a stranger got a text": (lambda w: w.texts.update({"+14155559999": ["Thank you!"]}), {"other": 1}),
    "a text went to somebody who had said STOP": (
        lambda w: (
            w.load.deliveries.append(replace(delivery(FIRST, -1.0), key="stop", type="stop", order=None)),
            setattr(w.load, "stopped", {ADA.number: "stop"}),
            w.events.update({"stop": 1}),
        ),
        {"other": 2},
    ),
    "a text was sent again unasked": (lambda w: w.asked.insert(0, sent(FIRST, -2, None)), {"blind": 1}),
}


@pytest.mark.parametrize(("make", "found"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_found(world: World, make: Callable[[World], object], found: dict[str, int]) -> None:
    make(world)
    assert world.audited() == found


def test_a_text_that_was_looked_for_may_be_sent_again(world: World) -> None:
    world.asked[:0] = [sent(FIRST, -6, None), sent(FIRST, -4, 200, sends=False)]
    assert world.audited() == {}


def test_orders_that_were_delivered_in_another_order_may_take_effect_in_that(world: World) -> None:
    world.load.deliveries[:] = [delivery(SECOND, 0.0), delivery(FIRST, 1.0)]
    world.texts[ADA.phone].reverse()
    world.contacts[ADA.email][0]["firstname"] = FIRST.first_name
    assert world.audited() == {}


@pytest.fixture
def between() -> World:
    """Somebody's orders are alike; between them they said STOP, so that only the first one is texted about."""
    who = Who(2, alike=True)
    first, second = Order(1000, who, 0, NOW), Order(1001, who, 1, NOW)
    stop = replace(delivery(first, 0.5), key="stop", type="stop", order=None)
    made = World(
        Load([first, second], [delivery(first, 0.0), stop, delivery(second, 1.0)], {who.number: "stop"}),
        [Told(first, [story(first)]), Told(second, [story(second)])],
        {who.email: [{"email": who.email, "firstname": first.first_name}]},
        {who.email: {"tags": ["customer"], "merge_fields": {"FNAME": first.first_name}}},
        {who.phone: [first.text]},
        [sent(first, 0)],
        Counter({"shopify.order.created": 2, "stop": 1}),
    )
    made.change_step(1, SMS, state="refused", reason="they opted out")
    return made


def test_a_text_about_an_order_from_before_the_stop_may_have_left(between: World) -> None:
    assert between.audited() == {}


def test_the_text_of_an_order_from_after_the_stop_is_found_among_texts_that_are_alike(between: World) -> None:
    (phone,) = between.texts
    between.texts[phone] *= 2
    assert between.audited() == {"other": 1, "untruthful": 1}
    between.texts[phone].pop()
    between.change_step(0, SMS, state="refused", reason="they opted out")
    between.change_step(1, SMS, state="done")
    assert between.audited() == {"other": 1}


def test_what_was_never_acknowledged_is_told(world: World) -> None:
    world.load.deliveries[0] = replace(world.load.deliveries[0], answered_at=None, statuses=[503, 503])
    assert world.audited() == {"other": 1}


def test_every_finding_has_a_name() -> None:
    found = {name for _, names in WRONG.values() for name in names}
    assert found == {*vars(Findings())}
