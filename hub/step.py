"""What a recipe yields: steps as data. The engine does them and sends the answers back."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import values

if TYPE_CHECKING:
    from .trigger import Match, Trigger

SLEEP, SLEEP_UNTIL, WAIT_FOR, NOW, ASK, CHOOSE = "sleep", "sleep_until", "wait_for", "now", "ask_person", "choose"
COMPLAINT_OPENED, COMPLAINT_CLOSED = "complaint_opened", "complaint_closed"
"""The steps that the engine answers itself; every other action belongs to a connector."""

OWN = frozenset({SLEEP, SLEEP_UNTIL, WAIT_FOR, NOW, ASK, CHOOSE, COMPLAINT_OPENED, COMPLAINT_CLOSED})


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One thing to do: an action's name and its inputs. Two steps are equal if they ask for the same, as it is written
    down: a tuple is a list there."""

    action: str
    inputs: Mapping[str, Any]
    line: int = field(default=0, compare=False, repr=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Step):
            return NotImplemented
        return self.action == other.action and values.write(self.inputs) == values.write(other.inputs)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Step({self.action})"


@dataclass(frozen=True, slots=True)
class Together:
    """Several steps at once; the answer is the list of their answers, in order."""

    steps: tuple[Step, ...]


Steps = Generator[Step | Together, Any, str | None]
"""What a recipe function returns: a generator of steps. Its return value is one line about how it ended."""


class _Made(threading.local):
    steps: list[Step] | None = None


_made = _Made()


@contextmanager
def made_steps() -> Iterator[list[Step]]:
    """Collects the steps made on this thread meanwhile, so that one that was never yielded is noticed."""
    before, _made.steps = _made.steps, []
    try:
        yield _made.steps
    finally:
        _made.steps = before


def make(action: str, inputs: Mapping[str, Any], *, depth: int = 2) -> Step:
    """A step, remembered with the recipe's line that made it."""
    if _made.steps is None:
        return Step(action, inputs)
    step = Step(action, inputs, sys._getframe(depth).f_lineno)
    _made.steps.append(step)
    return step


def sleep(*, weeks: float = 0, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> Step:
    """Go on after this long: `yield sleep(days=3)`. Restarts and upgrades do not matter."""
    span = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return make(SLEEP, {"for": span})


def sleep_until(at: datetime) -> Step:
    """Go on at this time, or at once if it has passed: `yield sleep_until(event.at + timedelta(days=3))`."""
    return make(SLEEP_UNTIL, {"at": at})


def wait_for(*triggers: Trigger | Match, timeout: timedelta) -> Step:
    """Wait until one of these happens to the same person: the answer is the Event, or None after `timeout`.

    Events that came since the run's own event count too, even if they came before the wait began; each event
    answers one wait of a run. Narrow a trigger with `same` or `where`:
    `yield wait_for(shopify.order_created.matching(same="checkout_token"), timeout=timedelta(days=3))`.
    """
    if not triggers:
        raise TypeError("wait_for needs at least one trigger to wait for.")
    return make(WAIT_FOR, {"any": [trigger.as_data() for trigger in triggers], "timeout": timeout})


def ask_person(question: str, *, choices: Sequence[str] = (), timeout: timedelta, default: str | None = None) -> Step:
    """Ask somebody of the business: `yield ask_person("Refund it?", choices=["Yes", "No"], timeout=timedelta(days=1))`.

    It waits on the page, and whoever is told by e-mail gets a link to it. The answer is one of the `choices`; without
    any, it is a text that they write. After `timeout` it is `default`.
    """
    if not question.strip():
        raise TypeError("ask_person needs a question.")
    if choices and default is not None and default not in choices:
        raise TypeError("The default of ask_person must be one of its choices.")
    if isinstance(choices, str) or not all(isinstance(choice, str) and choice.strip() for choice in choices):
        raise TypeError("The choices of ask_person are a list of texts.")
    inputs = {"question": question, "choices": list(choices), "timeout": timeout, "default": default}
    return make(ASK, inputs)


def now() -> Step:
    """The time: `at = yield now()`. The answer stays the same when the run is replayed; `datetime.now()` would not."""
    return make(NOW, {})


def choose(test: str, /, **options: Any) -> Step:
    """One of these, to find out which is better: `subject = yield choose("subject", a="Hello!", b="Good morning")`.

    The answer is one option's value, by chance and evenly. A person gets the same option in every run of the recipe;
    an event about nobody gets its own. `hub effect` compares how often each option reaches the recipe's goal. What an
    option says may be edited; another name is another option.
    """
    for name in (test, *options):
        if not _NAME.fullmatch(name):
            raise TypeError(f"{name!r} cannot name a test or an option: use up to 40 letters, digits, _ and -.")
    if len(options) < 2:
        raise TypeError("choose needs at least two options to choose from.")
    return make(CHOOSE, {"test": test, "options": options})


_NAME = re.compile(r"[\w-]{1,40}")


def complaint_opened(name: str = "") -> Step:
    """The person complains: marketing to them waits until it is closed. `name` tells one complaint from another, as
    the id of its ticket does, and must tell nothing personal: `yield complaint_opened(ticket["id"])`."""
    return make(COMPLAINT_OPENED, {"name": name})


def complaint_closed(name: str = "") -> Step:
    """A complaint is settled: what waited because of it leaves, unless another one is open."""
    return make(COMPLAINT_CLOSED, {"name": name})


def together(*steps: Step | Iterable[Step]) -> Together:
    """Do several steps at once: `contact, member = yield together(hubspot.…(…), mailchimp.…(…))`.

    If one of them is rejected, the error is thrown after all have ended.
    """
    flat: list[Step] = []
    for step in steps:
        flat.extend([step] if isinstance(step, Step) else step)
    return Together(tuple(flat))
