"""What was found out: of a recipe against the people it left out, and of the options that it tried out. Pure.

Only people whose time is over are compared: all of them had as long to reach the goal. Nothing is said before there are
`LEAST_DAYS` of them, as a week has better and worse days, with `LEAST_PEOPLE` in each arm and `LEAST_REACHED` who
reached the goal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from . import evidence
from .intervals import Interval, Values, difference_of_means, difference_of_shares

LEAST_DAYS, LEAST_PEOPLE, LEAST_REACHED = 7, 30, 10
LEAST_FOR_VALUES = 30
"""Who reached the goal in each arm, before what they were worth is compared: a few large orders are chance."""

IN, OUT = "in", "out"
"""The arms of a recipe: whoever it starts for, and whoever it leaves out."""

Lack = Literal["days", "people", "reached"]
Verdict = Literal["more", "less", "open", "early"]
"""That more, or fewer, reach the goal here than there; that it is open; that it is too early to say anything."""


@dataclass(frozen=True)
class Sums:
    """What became of the people of one arm, added up. Money is in the smallest sums that are counted, `measure.UNITS`
    of them in one of its currency."""

    people: int = 0
    reached: int = 0
    unsubscribed: int = 0
    sent: int = 0
    value: int = 0
    squares: float = 0.0
    cost: int = 0
    discounts: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.people + other.people,
            self.reached + other.reached,
            self.unsubscribed + other.unsubscribed,
            self.sent + other.sent,
            self.value + other.value,
            self.squares + other.squares,
            self.cost + other.cost,
            self.discounts + other.discounts,
        )

    @property
    def values(self) -> Values:
        return Values(self.people, self.reached, self.value, self.squares)


Days = Sequence[Mapping[str, Sums]]
"""What became of the people who came on a day, by arm; a day after the other, also those on which nobody came."""


@dataclass(frozen=True)
class Compared:
    """Two arms. `lacks`: what there is too little of to say anything, if there is. `more`: how many more reached the
    goal here than if everybody had been there. `worth`: what they were worth more, after messages were paid."""

    here: Sums
    there: Sums
    verdict: Verdict
    lacks: Lack | None = None
    more: Interval | None = None
    worth: Interval | None = None


@dataclass(frozen=True)
class Tested:
    """A test of several options, each with what became of whoever got it. `winner`: the one that reaches the goal more
    often than every other; None where none is clear, for which `verdict` tells whether it is too early or open."""

    name: str
    options: Mapping[str, Sums]
    verdict: Verdict
    lacks: Lack | None = None
    winner: str | None = None
    against: Compared | None = None


def added_up(days: Days, arm: str) -> Sums:
    return sum((day.get(arm, Sums()) for day in days), Sums())


def held_out(days: Days, share_in: float, *, same_currency: bool = True) -> Compared:
    """A recipe against whom it left out. `share_in` is the chance to be let in. What messages cost is taken off what
    people were worth, if it is in the same currency."""
    here, there = added_up(days, IN), added_up(days, OUT)
    if lacks := _lacks(days, (here, there)):
        return Compared(here, there, "early", lacks)
    worth = None
    if min(here.reached, there.reached) >= LEAST_FOR_VALUES and (here.value or there.value):
        worth = difference_of_means(here.values, there.values).times(here.people)
        worth = worth.less(here.cost) if same_currency else worth
    more = difference_of_shares(here.reached, here.people, there.reached, there.people).times(here.people)
    verdict: Verdict = "open"
    if evidence.is_enough(_most(days, IN, OUT, share_in)):
        verdict = "more"
    elif evidence.is_enough(_most(days, OUT, IN, 1 - share_in)):
        verdict = "less"
    return Compared(here, there, verdict, None, more, worth)


def tested(name: str, days: Days, options: Sequence[str]) -> Tested:
    """The options of a test, each as likely as the others, whose arms are named `test=option`."""
    arms = {option: f"{name}={option}" for option in sorted(options)}
    sums = {option: added_up(days, arm) for option, arm in arms.items()}
    if lacks := _lacks(days, tuple(sums.values())):
        return Tested(name, sums, "early", lacks)
    pairs = len(arms) * (len(arms) - 1)
    best, *rest = sorted(arms, key=lambda option: sums[option].reached / sums[option].people, reverse=True)
    here, there = sums[best], sums[rest[0]]
    more = difference_of_shares(here.reached, here.people, there.reached, there.people).times(here.people)
    is_clear = all(evidence.is_enough(_most(days, arms[best], arms[other], 0.5), pairs) for other in rest)
    verdict: Verdict = "more" if is_clear else "open"
    against = Compared(here, there, verdict, None, more)
    return Tested(name, sums, verdict, None, best if is_clear else None, against)


def _lacks(days: Days, arms: Sequence[Sums]) -> Lack | None:
    if len(days) < LEAST_DAYS:
        return "days"
    if len(arms) < 2 or min(arm.people for arm in arms) < LEAST_PEOPLE:
        return "people"
    return "reached" if sum(arm.reached for arm in arms) < LEAST_REACHED else None


def _most(days: Days, here: str, there: str, share: float) -> float:
    """The most evidence on any day that more reach the goal here: nobody has to look on the right one."""
    most, reached, reached_there = 0.0, 0, 0
    for day in days:
        reached += day.get(here, Sums()).reached
        reached_there += day.get(there, Sums()).reached
        most = max(most, evidence.for_more(reached, reached_there, share))
    return most
