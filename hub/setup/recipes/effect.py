"""What switching a recipe on or off does to people, said before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ...recipe import Recipe
from .. import words
from .preview import money
from .standing import Incoming, Inside, Lately
from .way import Text, Way

CHANNELS = {"sms": "text message", "email": "e-mail"}


def sends(ways: Sequence[Way]) -> str:
    """What a recipe sends to one person by itself, at most."""
    counts: dict[tuple[str, bool], int] = {}
    for way in ways:
        here: dict[tuple[str, bool], int] = {}
        for text in way.texts:
            key = text.channel, text.marketing
            here[key] = here.get(key, 0) + 1
        counts = {key: max(counts.get(key, 0), here.get(key, 0)) for key in counts | here}
    said = [
        f"{words.counted(count, CHANNELS.get(channel, channel))} {_TO[marketing]}"
        for (channel, marketing), count in sorted(counts.items())
    ]
    return f"Sends {' and '.join(said)}" if said else "Sends no message itself"


_TO = {True: "to people who agreed to it", False: "about what they did, unless they opted out"}


def how_many(recipe: Recipe, incoming: Incoming) -> str:
    """How often it will begin, from how often what starts it came in."""
    what = words.upper_first(words.any_of([match.type for match in recipe.on]))
    weekly = incoming.weekly
    if weekly is None:
        return f"{what}: how often is not known yet, as its tool was connected within the last day."
    lately = f"the last {words.span(incoming.span // words.DAY * words.DAY)}"
    if not incoming.count:
        return f"{what}: not once in {lately}. So few or none are to be expected in the next week."
    times = words.counted(incoming.count, "time")
    return f"{what}: {times} in {lately}, which is about {weekly:,} a week."


def next_week(ways: Sequence[Way], incoming: Incoming) -> tuple[str, str] | None:
    """How many messages leave in the next week and what they cost, and what is assumed for it; None if it sends none,
    or nobody can know."""
    weekly = incoming.weekly
    most = max(ways, key=lambda way: (len(way.texts), sum(text.parts or 0 for text in way.texts)), default=None)
    if most is None or not most.texts or not weekly:
        return None
    count = weekly * len(most.texts)
    said = f"At most {words.counted(count, _noun(most.texts))} in the next week"
    prices = [text.price for text in most.texts]
    if any(price is None for price in prices):
        return f"{said}.", "What they cost is not known beforehand."
    total = sum((price for price in prices if price is not None), Decimal(0)) * weekly
    first = most.texts[0]
    return f"{said}, for about {money(total, first.currency)}.", f"Assumed: {first.assumes}."


def _noun(texts: Sequence[Text]) -> str:
    channels = {text.channel for text in texts}
    return CHANNELS.get(channels.pop(), "message") if len(channels) == 1 else "message"


def who_is_inside(inside: Inside) -> str:
    """How many are under way: "12 are under way just now"."""
    if inside.more:
        return f"More than {inside.runs:,} are under way just now"
    if not inside.runs:
        return "Nobody is in it just now"
    return f"{inside.runs:,} {'is' if inside.runs == 1 else 'are'} under way just now"


def what_it_did(lately: Lately) -> str:
    """What it did lately: "Last 30 days: 64 began · 41 done · 17 stopped before their end · 1 went wrong"."""
    if not lately.started:
        return "Nothing yet in the last 30 days"
    said = [f"{lately.started:,} began"]
    said += [f"{lately.states[state]:,} {what}" for state, what in _BECAME.items() if lately.states.get(state)]
    return f"Last {words.span(max(words.DAY, lately.span // words.DAY * words.DAY))}: {' · '.join(said)}"


_BECAME = {"done": "done", "stopped": "stopped before their end", "failed": "went wrong", "held": "wait for you"}
