"""What can go wrong at a practice service when it is told to."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["latency", "status", "html", "malformed", "drop_before", "drop_after", "partial"]


class ConnectionDropped(Exception):
    """The server must close the connection without an answer."""


@dataclass
class Fault:
    """Something that goes wrong for the next `times` calls whose path contains `path`.

    kind     latency (then all goes well) · status (answers `status`) · html (502 with a page) · malformed (200 with
             broken JSON) · drop_before (connection closed, nothing done) · drop_after (done, then closed) ·
             partial (the service fails some members of a batch)
    seconds  for latency: how long; for status 429 and 503: the `Retry-After`, none if 0
    chance   how likely it is for each of these calls, from 0 to 1; `times` counts those that it strikes
    seed     of its dice: with the same seed, the same calls of a row are struck

    Raises ValueError for a kind that there is not.
    """

    kind: Kind
    path: str = ""
    times: int = 1
    status: int = 500
    seconds: float = 0.0
    chance: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"There is no fault {self.kind!r}. There are: {', '.join(get_args(Kind))}.")
        self._dice = random.Random(self.seed)

    def strikes(self, path: str) -> bool:
        """Whether it befalls the next call, which asks for this path."""
        if self.path not in path or self.times <= 0 or (self.chance < 1 and self._dice.random() >= self.chance):
            return False
        self.times -= 1
        return True
