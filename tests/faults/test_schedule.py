"""The seed alone makes the schedule and the load."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.load import load
from tests.faults.schedule import (
    ALL,
    CALLED,
    CLOCKS,
    DATABASE,
    DISK,
    KINDS,
    PARTS,
    PROVIDER_FAULTS,
    REDIS,
    SMALL_DISK,
    TOKENS_END,
    Fault,
    schedule,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MANY = range(400)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_is_the_same_schedule_and_load(kind: str) -> None:
    assert schedule(7, kind) == schedule(7, kind) != schedule(8, kind)

    def told(seed: int) -> list[tuple[object, ...]]:
        made = load(seed, NOW)
        return [(d.at, d.key, d.type, d.order, d.patient) for d in made.deliveries]

    assert told(7) == told(7) != told(8)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_machine_lacks_leaves_the_other_faults_as_they_are(kind: str) -> None:
    for seed in MANY:
        left = [fault for fault in schedule(seed, kind) if fault.what != "jump" and fault.target != DISK]
        assert schedule(seed, kind, {CLOCKS, SMALL_DISK}) == left


@pytest.mark.parametrize("kind", KINDS)
def test_some_seed_has_each_fault_at_each_target(kind: str) -> None:
    drawn = {(fault.what, fault.target) for seed in MANY for fault in schedule(seed, kind)}
    parts = {(what, part) for what in ("kill", "restart", "freeze", "jump") for part in PARTS[kind]}
    answers = {(what, connector) for connector, faults in CALLED.items() for what in faults}
    if kind == "embedded":
        own = {("disk full", DISK), ("read-only", DISK)}
    else:
        own = {(what, DATABASE) for what in ("stop", "kill", "break connections of", "jump")} | {("jump", ALL)}
        own |= {(what, REDIS) for what in ("stop", "kill", "flush")}
    assert drawn == parts | own | answers | {(TOKENS_END, "hubspot")}
    assert {what for what, _ in answers} == {*PROVIDER_FAULTS}


@pytest.mark.parametrize("kind", KINDS)
def test_faults_of_one_machine_follow_each_other(kind: str) -> None:
    def ends_before_the_next(faults: Sequence[Fault]) -> bool:
        return all(one.at + one.seconds < two.at for one, two in zip(faults, faults[1:], strict=False))

    for seed in MANY:
        played = schedule(seed, kind)
        everywhere = [fault for fault in played if fault.target == ALL]
        assert all(
            ends_before_the_next([fault for fault in played if fault.target == part or fault in everywhere])
            for part in [*PARTS[kind], DATABASE]
        )


def test_orders_are_placed_before_they_are_delivered_and_each_of_a_buyer_is_later_than_the_last() -> None:
    made = load(7, NOW)
    assert all(NOW - timedelta(hours=1) <= order.at < NOW for order in made.orders)
    for order, following in zip(made.orders, made.orders[1:], strict=False):
        assert order.who != following.who or order.at < following.at
