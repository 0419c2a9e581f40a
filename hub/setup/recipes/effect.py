"""What switching a recipe on or off does to people, said before it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from ...recipe import Recipe
from .. import words
from .preview import money
from .standing import Incoming, Inside, Lately
from .way import Text, Way

_NOUNS = {"sms": "text message", "email": "e-mail"}


def sends(ways: Sequence[Way]) -> str:
    """What a recipe sends to one person, at most."""
    most: Counter[Text] = Counter()
    for way in ways:
        most |= Counter(replace(text, parts=None, price=None, currency="", assumes="") for text in way.texts)
    said = [
        _sent(text, count) for text, count in sorted(most.items(), key=lambda item: (item[0].by or "", item[0].channel))
    ]
    return words.upper_first(" and ".join(said)) if said else "Sends no message itself"


def _sent(text: Text, count: int) -> str:
    if text.by:
        return f"has {text.by} write to them up to {words.counted(count, 'time')}"
    to = "to people who agreed to it" if text.marketing else "about what they did, unless they opted out"
    return f"sends {words.counted(count, _NOUNS.get(text.channel, 'message'))} {to}"


def how_many(recipe: Recipe, incoming: Incoming) -> str:
    """How often it will begin, from how often what starts it came in."""
    what = words.upper_first(words.starts(recipe.on))
    if len(recipe.schedules) == len(recipe.on):
        return f"{what}."
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
    kinds: dict[tuple[str, str | None], list[Text]] = {}
    for text in most.texts:
        kinds.setdefault((text.channel, text.by), []).append(text)
    said = [_weekly(texts, weekly) for texts in kinds.values()]
    assumed = dict.fromkeys(text.assumes for text in most.texts if text.assumes)
    return f"At most {' and '.join(said)} in the next week.", f"Assumed: {', '.join(assumed)}." if assumed else ""


def _weekly(texts: Sequence[Text], weekly: int) -> str:
    first, count = texts[0], weekly * len(texts)
    said = words.counted(count, _NOUNS.get(first.channel, "message")) + (f" through {first.by}" if first.by else "")
    prices = [text.price for text in texts if text.price is not None]
    return f"{said}, for about {money(sum(prices, Decimal(0)) * weekly, first.currency)}," if prices else said


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
