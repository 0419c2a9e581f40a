"""Whatever happens, a marketing message never leaves outside its hours, over a cap, or after a no.

Over the real outbox, with time that obeys, on many days of many people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from hub import OutcomeUnknown, Rejected, ServiceDown, registry
from hub.guards.caps import DAY, HOUR
from hub.guards.hours import _holidays
from hub.timing import to_datetime
from tests import telling
from tests.hub.guards.conftest import agree
from tests.hub.outbox.desk import Desk
from tests.prepared import Prepared
from tests.world import World

PEOPLE = {
    "+4915112345678": ("ada@example.com", "Europe/Berlin"),
    "+12125550100": ("bea@example.com", "America/New_York"),
    "+33612345678": ("cat@example.com", "Europe/Paris"),
}
NUMBERS = sorted(PEOPLE)
BERLIN = "+4915112345678"
DAY_PASSES = ("wait", 24 * 60)

ask = st.tuples(
    st.just("ask"), st.sampled_from(NUMBERS), st.sampled_from(["sms", "email"]), st.booleans(), st.integers(1, 168)
)
say = st.tuples(st.just("say"), st.sampled_from(NUMBERS), st.sampled_from(["sms", "email"]), st.booleans())
wait = st.tuples(st.just("wait"), st.sampled_from([10, 30, 60, 7 * 60 + 30, 13 * 60, 16 * 60, 24 * 60]))
fail = st.tuples(st.just("fail"), st.sampled_from(["down", "refused", "unknown"]))
HAPPENINGS = st.lists(st.one_of(ask, ask, ask, wait, wait, wait, say, fail), min_size=20, max_size=60)


@pytest.fixture(scope="module", autouse=True)
def telling_is_known() -> Iterator[None]:
    """The connector `telling`, for all examples together."""
    known = registry._modules("regulars.connectors") | {"telling": "tests.telling"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_modules", lambda group: known if group.endswith("connectors") else {})
        registry.connector.cache_clear()
        yield
    registry.connector.cache_clear()


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
@example(
    happenings=[("ask", BERLIN, kind, True, 168) if kind else DAY_PASSES for kind in [*["sms", "", "email", ""] * 4]]
)
@example(happenings=[("wait", 19 * 60 + 30), ("ask", BERLIN, "sms", True, 24), ("wait", 30)])
@given(happenings=HAPPENINGS)
def test_no_marketing_leaves_outside_its_hours_over_a_cap_or_after_a_no(
    prepared: Prepared, happenings: list[tuple]
) -> None:
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/hub.db"
        prepared.fill(url)
        world = World(url, Path(folder))
        try:
            _Watched(Desk(world)).go_through(happenings)
        finally:
            world.close()


class _Watched:
    """A desk where every message that leaves is checked as it leaves."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.clock = desk, desk.world.clock
        telling.provider.__init__()
        self.left: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self.word: dict[tuple[str, str], bool] = {}
        self.fails: str | None = None
        self.faults: list[str] = []
        self.texts: set[str] = set()
        self.people = {email: desk.person(email) for email, _ in PEOPLE.values()}
        for number, (email, _) in PEOPLE.items():
            for channel, address in (("sms", number), ("email", email)):
                self.say(number, channel, address, given=True)
        telling.provider.answer = self.leaves
        telling.provider.after = self.after

    def say(self, number: str, channel: str, address: str, *, given: bool) -> None:
        agree(self.desk, address, given)
        self.word[number, channel] = given

    def go_through(self, happenings: list[tuple]) -> None:
        for number, (kind, *told) in enumerate(happenings):
            if kind == "ask":
                self.ask(number, *told)
            elif kind == "say":
                whom, channel, given_ = told
                self.say(whom, channel, whom if channel == "sms" else PEOPLE[whom][0], given=given_)
            elif kind == "wait":
                self.clock.advance(timedelta(minutes=told[0]))
            else:
                self.fails = told[0]
            self.desk.drain()
            assert self.faults == []
        for _ in range(40):  # whatever waits leaves, or is of no use any more
            self.clock.advance(timedelta(hours=7, minutes=13))
            self.desk.drain()
        assert self.faults == []
        assert {"waiting", "claimed"} & set(self.desk.states()) == set() or self.fails == "unknown"

    def ask(self, number: int, whom: str, channel: str, knows: bool, hours: int) -> None:
        email, _ = PEOPLE[whom]
        useful = timedelta(hours=hours)
        if channel == "sms":
            step = telling.send(whom, f"{number} {knows}", purpose="marketing", useful_for=useful)
        else:
            step = telling.mail(email, f"{number} {knows}", useful_for=useful)
        self.desk.put(step, person=self.people[email] if knows else None)

    def leaves(self, name: str, inputs: dict[str, str]) -> object:
        to, now = inputs["to"], self.clock.now()
        whom = to if to in PEOPLE else next(number for number, (email, _) in PEOPLE.items() if email == to)
        channel = "sms" if name == "send" else "email"
        fails, self.fails = self.fails, None
        if fails == "down":
            return ServiceDown("Down.")
        if fails == "refused":
            return Rejected("No.")
        self.fails = "unknown" if fails == "unknown" else None
        if inputs["text"] in self.texts:  # the same message once more, as nobody knew whether it had left
            return {}
        self.texts.add(inputs["text"])
        self.check(whom, channel, now)
        self.left[to].append((channel, now))
        if inputs["text"].endswith("True"):  # of whom the hub knows that both addresses are theirs
            lately = sum(at > now - 7 * DAY for _, at in self.left[f"{whom} known"])
            self.require(lately < 4, "a fifth in a week to one person")
            self.left[f"{whom} known"].append((channel, now))
        return {}

    def after(self, name: str, inputs: dict[str, str]) -> BaseException | None:
        fails, self.fails = self.fails, None
        return OutcomeUnknown("No answer.") if fails == "unknown" else None

    def check(self, whom: str, channel: str, now: int) -> None:
        """Notes what is wrong with a message that leaves now: what is raised in a call is the call's own trouble."""
        zone = PEOPLE[whom][1] if channel == "sms" else "UTC"
        local = to_datetime(now).astimezone(ZoneInfo(zone))
        first, last = (9, 20) if channel == "sms" else (8, 21)
        self.require(first <= local.hour < last, f"{channel} at {local}")
        if whom.startswith("+33") and channel == "sms":
            self.require(local.weekday() != 6 and local.date() not in _holidays(local.year), f"in France at {local}")
        self.require(self.word[whom, channel], "after a no")
        pause = 24 * HOUR if channel == "sms" else 16 * HOUR
        mine = self.left[whom if channel == "sms" else PEOPLE[whom][0]]
        self.require(all(at + pause <= now for _, at in mine), f"{channel} too soon")
        self.require(sum(at > now - 7 * DAY for _, at in mine) < 4, f"a fifth {channel} in a week")

    def require(self, is_so: bool, what: str) -> None:
        if not is_so:
            self.faults.append(what)
