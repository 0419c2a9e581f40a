"""Whether something works, for people who look every day: evidence that may be looked at at any time. Pure arithmetic.

Whoever looks at a 95 % interval each day for three months, and stops at the first one that tells a difference, finds
one where there is none far more often than 5 times in 100. So the verdict does not come from the interval.

Everybody who comes is put into an arm by chance, with a share that is known: of those who reach the goal, as many come
from an arm as its share says, if the arms do the same. Against that, a bet is made on each of them who reaches it: that
they come from the better arm, as often as they would if it made more people reach it by a twentieth, a tenth, and so on
up to three times as many; the same sum on each. If the arms do the same, nobody can expect to win such a bet, and the
chance that it ever multiplies what was put in by twenty is below one in twenty, whenever one looks and however long
(Ville's inequality). That holds exactly, for any number of people. It is a sequential probability ratio test over a
mixture: https://arxiv.org/abs/2210.01948 reviews them.
"""

from __future__ import annotations

import math

FALSE = 0.05
"""How often at most something is said to work, or to win, that does not."""

TIMES_MORE = (1.05, 1.1, 1.2, 1.35, 1.5, 2.0, 3.0)
"""What is bet on: how many times as many reach the goal in the better arm."""


def for_more(reached: int, reached_there: int, share: float) -> float:
    """How many times the bet that more people reach the goal here than there has multiplied what was put in.

    `share` is the chance to be put here rather than there, between 0 and 1. Said of what is known by some day; of many
    days the largest counts.
    """
    bets = [_logarithm(reached, reached_there, share, times) for times in TIMES_MORE]
    largest = max(bets)
    mean = sum(math.exp(bet - largest) for bet in bets) / len(bets)
    return math.exp(min(largest + math.log(mean), 700.0))  # beyond that there are no numbers


def _logarithm(reached: int, reached_there: int, share: float, times: float) -> float:
    everybody = share * times + 1 - share
    return reached * math.log(times / everybody) - reached_there * math.log(everybody)


def is_enough(evidence: float, verdicts: int = 1) -> bool:
    """Whether something may be said on this evidence, where one of so many things could have been said by mistake."""
    return evidence >= verdicts / FALSE
