"""How large a difference may be: intervals that hold what is true 95 times out of 100. Pure arithmetic.

Of shares of people: the difference of two proportions by Newcombe's method 10 (Statistics in Medicine 17, 1998, page
873), made of two Wilson intervals. It keeps 95 % also where shares are small and one arm has a tenth of the people.
With 20 people in it, of whom one is expected to reach the goal, it is a little too wide rather than too narrow.

Of values per person: Welch's interval (Biometrika 34, 1947, page 28), from sums and sums of squares. Its freedom counts
those who were worth something: from the many who bought nothing, nobody learns how much orders differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

SURE = 0.95
Z = NormalDist().inv_cdf((1 + SURE) / 2)


@dataclass(frozen=True)
class Interval:
    """A number, and between which two it is 95 times out of 100."""

    best: float
    low: float
    high: float

    def times(self, factor: float) -> Interval:
        return Interval(self.best * factor, self.low * factor, self.high * factor)

    def less(self, amount: float) -> Interval:
        return Interval(self.best - amount, self.low - amount, self.high - amount)


@dataclass(frozen=True)
class Values:
    """What `count` people were worth, and `some` of them were worth something: the sum, and the sum of the squares."""

    count: int
    some: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        return self.total / self.count

    @property
    def variance_of_mean(self) -> float:
        # What is left of two nearly equal sums may come out a little below nothing.
        spread = max(0.0, self.squares - self.total * self.mean)
        return spread / (self.count - 1) / self.count


def share(reached: int, people: int) -> Interval:
    """The share of people who reached something, by Wilson's method. `people` is at least 1."""
    rate, z = reached / people, Z * Z
    middle = (rate + z / (2 * people)) / (1 + z / people)
    half = Z / (1 + z / people) * math.sqrt(rate * (1 - rate) / people + z / (4 * people * people))
    return Interval(rate, max(0.0, middle - half), min(1.0, middle + half))


def difference_of_shares(reached: int, people: int, reached_there: int, people_there: int) -> Interval:
    """How much larger the share is here than there. Each has at least one of the people."""
    here, there = share(reached, people), share(reached_there, people_there)
    best = here.best - there.best
    low = best - math.hypot(here.best - here.low, there.high - there.best)
    high = best + math.hypot(here.high - here.best, there.best - there.low)
    return Interval(best, low, high)


def difference_of_means(here: Values, there: Values) -> Interval:
    """How much more a person is worth here than there. In each at least two are worth something."""
    best, parts = here.mean - there.mean, (here.variance_of_mean, there.variance_of_mean)
    variance = sum(parts)
    if not variance:
        return Interval(best, best, best)
    freedom = variance**2 / (parts[0] ** 2 / (here.some - 1) + parts[1] ** 2 / (there.some - 1))
    half = students_t(freedom) * math.sqrt(variance)
    return Interval(best, best - half, best + half)


def students_t(freedom: float) -> float:
    """How many standard errors an interval has to either side, by Student's distribution with this freedom, from 5 on.

    The first terms of its expansion (Abramowitz and Stegun, 26.7.5), exact to 0.001 from there on.
    """
    z, v = Z, freedom
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / v**power for power, term in enumerate(terms, start=1))
