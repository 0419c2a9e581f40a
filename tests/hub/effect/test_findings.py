"""What is said of a recipe and of its options: nothing too early, nothing that chance alone would say too often."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import pytest

from hub.effect import evidence, findings
from hub.effect.findings import IN, OUT, Compared, Sums, held_out
from hub.effect.intervals import difference_of_shares
from tests.hub.effect.chance import binomial, seeded

SEEDS = [20261125, None]
Day = dict[str, Sums]


def days_of(
    random: Random, days: int, people: int, share: float, rates: tuple[float, float], arms: tuple[str, str] = (IN, OUT)
) -> list[Day]:
    """People who come on each of these days, put into two arms by chance, of whom some reach the goal."""
    found = []
    for _ in range(days):
        here = binomial(random, people, share)
        counts = (here, people - here)
        found.append(
            {
                arm: Sums(people=count, reached=binomial(random, count, rate) if count else 0)
                for arm, count, rate in zip(arms, counts, rates, strict=True)
            }
        )
    return found


# ---- chance alone


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("days", "people", "share", "rate"), [(90, 20, 0.9, 0.10), (60, 60, 0.9, 0.30), (90, 8, 0.5, 0.05)]
)
def test_a_recipe_that_does_nothing_is_said_to_work_less_often_than_5_times_in_100(
    seed: int | None, days: int, people: int, share: float, rate: float
) -> None:
    (seed, random), trials = seeded(seed), 500
    said = peeked = 0
    for _ in range(trials):
        found = days_of(random, days, people, share, (rate, rate))
        # What is said at the end is what was said first on any day before it.
        said += held_out(found, share).verdict == "more"
        peeked += by_peeking(found)
    print(f"\nseed {seed}, {people} a day for {days} days, {share:.0%} in, {rate:.0%} reach it:", end=" ")
    print(f"said to work {said / trials:.1%}; by the first of daily 95 % intervals it would be {peeked / trials:.1%}")
    assert said / trials <= 0.05
    assert peeked / trials > 0.05


def by_peeking(days: Sequence[Day]) -> bool:
    """Whether the interval of any day is above nothing, as who trusts it daily would find."""
    sums = {IN: Sums(), OUT: Sums()}
    for day in days:
        sums = {arm: known + day[arm] for arm, known in sums.items()}
        here, there = sums[IN], sums[OUT]
        is_enough = min(here.people, there.people) > 0 and here.reached + there.reached >= 10
        if is_enough and difference_of_shares(here.reached, here.people, there.reached, there.people).low > 0:
            return True
    return False


@pytest.mark.parametrize("seed", SEEDS)
def test_options_that_are_alike_have_a_winner_less_often_than_5_times_in_100(seed: int | None) -> None:
    (seed, random), trials = seeded(seed), 500
    arms = ("subject=a", "subject=b")
    won = sum(
        findings.tested("subject", days_of(random, 90, 30, 0.5, (0.15, 0.15), arms), ["a", "b"]).winner is not None
        for _ in range(trials)
    )
    print(f"\nseed {seed}: a winner among equals {won / trials:.1%}")
    assert won / trials <= 0.05


def test_the_bet_is_fair_whatever_the_share() -> None:
    # What a fair bet is worth on average after ten people reached the goal, over everything that may have happened.
    for share in (0.5, 0.9, 0.95, 0.1):
        worth = sum(
            math.comb(10, here) * share**here * (1 - share) ** (10 - here) * evidence.for_more(here, 10 - here, share)
            for here in range(11)
        )
        assert worth == pytest.approx(1.0)


# ---- what is there


@pytest.mark.parametrize("seed", SEEDS)
def test_a_recipe_that_works_is_said_to_in_time(seed: int | None) -> None:
    (seed, random), trials = seeded(seed), 100
    found = [held_out(days_of(random, 90, 60, 0.9, (0.18, 0.10)), 0.9) for _ in range(trials)]
    said = sum(one.verdict == "more" for one in found)
    print(f"\nseed {seed}: of 18 % instead of 10 % within 90 days: {said / trials:.0%}")
    assert said / trials > 0.8
    assert not [one for one in found if one.verdict == "less"]


def test_a_recipe_that_does_harm_is_said_to() -> None:
    found = held_out(days_of(Random(1), 60, 100, 0.8, (0.10, 0.20)), 0.8)
    assert found.verdict == "less"
    assert found.more is not None
    assert found.more.high < 0


def test_a_test_has_the_winner_that_is_better_than_every_other() -> None:
    random = Random(3)
    rates = {"a": 0.10, "b": 0.20, "c": 0.11}
    days = [{f"s={o}": Sums(people=40, reached=binomial(random, 40, rate)) for o, rate in rates.items()}] * 40
    found = findings.tested("s", days, ["a", "b", "c"])
    assert (found.winner, found.verdict) == ("b", "more")
    assert found.against is not None
    assert (found.against.here, found.against.there) == (found.options["b"], found.options["c"])


def test_without_a_clear_winner_there_is_none() -> None:
    days = [{"s=a": Sums(people=20, reached=3), "s=b": Sums(people=20, reached=2)}] * 10
    found = findings.tested("s", days, ["a", "b"])
    assert (found.winner, found.verdict) == (None, "open")


# ---- too early


def compared(days: int, here: Sums, there: Sums) -> Compared:
    return held_out([{IN: here, OUT: there}] + [{}] * (days - 1), 0.9)


@pytest.mark.parametrize(
    ("days", "here", "there", "lacks"),
    [
        (6, Sums(900, 200), Sums(100, 2), "days"),
        (7, Sums(900, 200), Sums(29, 2), "people"),
        (7, Sums(900, 7), Sums(100, 2), "reached"),
        (7, Sums(900, 200), Sums(100, 2), None),
    ],
)
def test_too_little_is_said_to_be_too_little(days: int, here: Sums, there: Sums, lacks: str | None) -> None:
    found = compared(days, here, there)
    assert found.lacks == lacks
    assert (found.verdict == "early", found.more is None) == (lacks is not None, lacks is not None)


def test_one_option_is_no_test() -> None:
    assert findings.tested("s", [{"s=a": Sums(100, 50)}] * 10, ["a"]).lacks == "people"


# ---- money


def test_what_messages_cost_is_taken_off() -> None:
    here = Sums(people=1_000, reached=200, value=4_000_000, squares=4_000_000.0 * 40_000, cost=100_000)
    there = Sums(people=100, reached=30, value=300_000, squares=300_000.0 * 20_000)
    found = compared(10, here, there)
    # 4,000 for each here, 3,000 there: 1,000 more for each of 1,000, less 100,000 for messages.
    assert found.worth is not None
    assert found.worth.best == pytest.approx(900_000)
    assert found.worth.low < 900_000 < found.worth.high
    in_another = held_out([{IN: here, OUT: there}] + [{}] * 9, 0.9, same_currency=False)
    assert in_another.worth is not None
    assert in_another.worth.best == pytest.approx(1_000_000)


def test_a_few_orders_are_not_compared_by_what_they_were_worth() -> None:
    here = Sums(people=1_000, reached=200, value=4_000_000, squares=1e12)
    found = compared(10, here, Sums(people=100, reached=29, value=300_000, squares=1e10))
    assert (found.worth, found.more is None) == (None, False)
