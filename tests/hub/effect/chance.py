"""Numbers by chance, quickly: how many of so many reach a goal."""

from __future__ import annotations

import math
import secrets
from bisect import bisect
from functools import lru_cache
from itertools import accumulate
from random import Random


def seeded(seed: int | None) -> tuple[int, Random]:
    """Chance from a seed, or from a fresh one, which is told so that it can be had again."""
    seed = secrets.randbits(32) if seed is None else seed
    return seed, Random(seed)


def binomial(random: Random, count: int, rate: float) -> int:
    """How many of `count` succeed, each at this rate."""
    return bisect(_cumulated(count, rate), random.random())


@lru_cache(maxsize=10_000)
def _cumulated(count: int, rate: float) -> list[float]:
    def chance(successes: int) -> float:
        ways = math.lgamma(count + 1) - math.lgamma(successes + 1) - math.lgamma(count - successes + 1)
        return math.exp(ways + successes * math.log(rate) + (count - successes) * math.log(1 - rate))

    return list(accumulate(chance(successes) for successes in range(count)))
