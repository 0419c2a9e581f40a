"""A rehearsal decides as a hub does: random recipes and happenings, played in both, come out the same to the second."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connectors import hubspot, mailchimp, shopify, twilio
from connectors.shopify.practice import signed
from connectors.shopify.practice.people import consent_payload
from hub import Event, Rejected, ServiceDown, Steps, now, recipe, registry, sleep, sleep_until, together, wait_for
from hub.outbox.calling import LEAVES
from hub.recipe import Recipe
from hub.rehearsal import Entry, Play, Trouble
from hub.rehearsal.driving import next_due
from hub.rehearsal.reading import journals
from hub.rehearsal.stage import SEED
from hub.rehearsal.timeline import entries
from hub.step import Step
from hub.timing import Chance, to_ms
from tests.prepared import Prepared
from tests.recipes.events import ADA, AUDIENCE, CUSTOMER, NOON, PHONE, Sent, after, customer, in_newsletter, order, read
from tests.world import World

EXAMPLES = int(os.environ.get("EXAMPLES", "40"))
"""How many recipes are played; the same ones each time."""

ZONE = ZoneInfo("UTC")
NUMBERS = (PHONE, "+15005550009", "+15005550004", "+4915123456789")
"""One that gets texts, a landline, one that opted out, one of whom nobody knows whether they agreed."""

AWAITED = (shopify.order_created, mailchimp.member_unsubscribed, shopify.customer_updated)

Line = tuple[Any, ...]


@dataclass(frozen=True)
class Program:
    """A recipe as data: what it does in turn, what ends it, and whether it starts once per person."""

    lines: Sequence[Line]
    ends: frozenset[int]
    is_once: bool

    def made(self) -> Recipe:
        def random_recipe(event: Event) -> Steps:
            """Does this and that."""
            heard: list[str] = []
            for line in self.lines:
                try:
                    heard.append(_told((yield _yielded(line, event))))
                except Rejected as refusal:
                    heard.append(f"refused: {refusal}")
                if line[0] == "leave" and len(heard) % 2:
                    break
            return " | ".join(heard)[:400]

        options: dict[str, Any] = {"once_per": "person"} if self.is_once else {}
        ends = [AWAITED[number] for number in sorted(self.ends)]
        return recipe(on=shopify.customer_created, title="Random", stop_when=ends, **options)(random_recipe)


def _told(answer: Any) -> str:
    """What an answer tells, without the numbers by chance that messages and events get."""
    if isinstance(answer, list):
        return str([_told(each) for each in answer])
    if isinstance(answer, Event):
        return answer.type
    return str({**answer, "sid": ""} if isinstance(answer, dict) else answer)


def _yielded(line: Line, event: Event) -> Any:
    kind, *given = line
    if kind == "together":
        return together(_step(each, event) for each in given[0])
    return _step(line, event)


def _step(line: Line, event: Event) -> Step:
    kind, *given = line
    if kind == "text":
        return twilio.send_sms(NUMBERS[given[0]], f"Hello {given[1]}", purpose=given[2])
    if kind == "member":
        return mailchimp.upsert_member(AUDIENCE, ADA, tags=[given[0]])
    if kind == "contact":
        return hubspot.upsert_contact(ADA, first_name=given[0])
    if kind == "look up":
        return shopify.find_customer(ADA)
    if kind == "sleep":
        return sleep(hours=given[0])
    if kind == "until":
        return sleep_until(event.at + timedelta(hours=given[0]))
    if kind == "wait":
        return wait_for(AWAITED[given[0]], timeout=timedelta(hours=given[1]))
    return now()


hours = st.sampled_from([0, 1, 5, 24, 72])
simple = st.one_of(
    st.tuples(st.just("text"), st.integers(0, 3), st.integers(0, 9), st.sampled_from(["marketing", "transactional"])),
    st.tuples(st.just("member"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("contact"), st.sampled_from(["Ada", "Adda"])),
    st.tuples(st.just("look up")),
)
several = st.lists(st.one_of(simple, st.tuples(st.just("sleep"), hours)), min_size=1, max_size=3)
lines = st.one_of(
    simple,
    st.tuples(st.just("sleep"), hours),
    st.tuples(st.just("until"), hours),
    st.tuples(st.just("wait"), st.integers(0, 2), hours),
    st.tuples(st.sampled_from(["now", "leave"])),
    st.tuples(
        st.just("together"), st.lists(st.one_of(simple, st.tuples(st.just("sleep"), hours)), min_size=1, max_size=3)
    ),
)
programs = st.builds(
    Program, st.lists(lines, min_size=1, max_size=7), st.frozensets(st.integers(0, 2), max_size=2), st.booleans()
)
happenings = st.lists(
    st.tuples(st.sampled_from(["order", "unsubscribe", "update", "yes", "no", "again"]), st.integers(0, 100)),
    max_size=4,
)
troubles = st.one_of(st.none(), st.tuples(st.sampled_from(["twilio", "mailchimp"]), hours, st.sampled_from([1, 30])))


def posted(kind: str, at: datetime) -> Sent:
    if kind == "order":
        return order(at)
    if kind == "unsubscribe":
        return in_newsletter("unsubscribe", at)
    if kind in ("update", "again"):
        return customer(at, "customers/update" if kind == "update" else "customers/create")
    state = {"state": "subscribed" if kind == "yes" else "unsubscribed", "level": None, "at": at.isoformat()}
    payload = consent_payload({"id": CUSTOMER, "phone": PHONE, "sms": state}, "sms")
    return signed("customers_marketing_consent/update", payload, "secret", triggered_at=at.isoformat())


Decided = list[tuple[str, str | None, list[Step], tuple[Entry, ...]]]


class Both:
    """Plays the same in a hub of tests and in a rehearsal."""

    def __init__(self, prepared: Prepared, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepared, self.folder, self.monkeypatch = prepared, folder, monkeypatch
        self.numbers = itertools.count()

    def hub(self, made: Recipe, sent: list[tuple[datetime, Sent]], trouble: Trouble | None) -> Decided:
        home = self.folder / str(next(self.numbers))
        home.mkdir()
        url = f"sqlite:///{home / 'hub.db'}"
        self.prepared.fill(url)
        world = World(url, home)
        try:
            return self._played(world, made, sent, trouble)
        finally:
            world.close()

    def _played(
        self, world: World, made: Recipe, sent: list[tuple[datetime, Sent]], trouble: Trouble | None
    ) -> Decided:
        services = world.practice().services
        accounts = {account.connector.name: account for account in world.hub.connections.list(world.workspace)}
        world.hub.chance = Chance(SEED)
        world.use(self.monkeypatch, made)
        world.enable(made.name)
        if trouble is not None:
            world.hub.stand_in = lambda step: _down(step, trouble, world)
        rest = sorted(sent, key=lambda item: item[0])
        world.clock.go_to(to_ms(rest[0][0]))
        while True:
            while rest and to_ms(rest[0][0]) <= world.clock.now():
                event = read(rest[0][1])
                name = event.type.partition(".")[0]
                services[name].meet(event)
                headers = {key.lower(): value for key, value in rest[0][1][0].items()}
                world.deliver(accounts[name], rest[0][1][1], headers)
                rest.pop(0)
            world.settle()
            ahead = [at for at in (next_due(world.hub), to_ms(rest[0][0]) if rest else None) if at is not None]
            if not ahead:
                break
            world.clock.go_to(min(ahead))
        return [
            (found.run.state, found.run.reason, [line.step for line in found.lines], entries(found, ZONE))
            for found in journals(world.hub, world.workspace)
        ]


def _down(step: Any, trouble: Trouble, world: World) -> Any:
    """What a rehearsal answers for a service that is down."""
    is_down = to_ms(trouble.since) <= world.clock.now() < to_ms(trouble.since + trouble.lasts)
    if is_down and step.action.connector.name == trouble.connector:
        raise ServiceDown(f"{step.action.connector.title} does not answer.")
    return LEAVES


def rehearsed(made: Recipe, sent: list[tuple[datetime, Sent]], trouble: Trouble | None) -> Decided:
    events = [read(each) for _, each in sent]
    play = Play(made, troubles=[trouble] if trouble else (), agreed=False)
    found = [played.run for played in play.events(events) if played.run.state != "skipped"]
    return [(run.state, run.says, run.steps, run.timeline) for run in found]


@pytest.fixture
def both(prepared: Prepared, tmp_path: Path) -> Iterator[Both]:
    with pytest.MonkeyPatch.context() as patch:
        yield Both(prepared, tmp_path, patch)
    for cache in (registry.connector, registry.recipes):
        cache.cache_clear()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(program=programs, later=happenings, down=troubles)
def test_a_rehearsal_decides_as_a_hub_does(
    both: Both, program: Program, later: list[tuple[str, int]], down: tuple[str, int, int] | None
) -> None:
    made = program.made()
    sent = [(NOON, customer())] + [(at, posted(kind, at)) for kind, at in ((k, after(hours=h)) for k, h in later)]
    trouble = Trouble(down[0], after(hours=down[1]), timedelta(hours=down[2])) if down else None
    assert rehearsed(made, sent, trouble) == both.hub(made, sent, trouble)
