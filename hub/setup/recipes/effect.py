"""What switching a recipe on or off does to people, said before it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from ...recipe import Recipe
from .. import starting, words
from ..language import _, ngettext
from ..measures import listed, money
from .standing import Incoming, Inside, Lately
from .way import Text, Way


def sends(ways: Sequence[Way]) -> str:
    """What a recipe sends to one person, at most."""
    most: Counter[Text] = Counter()
    for way in ways:
        most |= Counter(replace(text, parts=None, price=None, currency="", assumes="") for text in way.texts)
    said = [
        _sent(text, count) for text, count in sorted(most.items(), key=lambda item: (item[0].by or "", item[0].channel))
    ]
    return words.upper_first(listed(said)) if said else _("Sends no message itself")


def _sent(text: Text, count: int) -> str:
    if text.by:
        return ngettext(
            "has %(service)s write to them up to %(num)s time",
            "has %(service)s write to them up to %(num)s times",
            count,
            service=text.by,
        )
    messages = _messages(text.channel, count)
    if text.marketing:
        return ngettext(
            "sends %(messages)s to people who agreed to it",
            "sends %(messages)s to people who agreed to them",
            count,
            messages=messages,
        )
    return _("sends %(messages)s about what they did, unless they opted out", messages=messages)


def _messages(channel: str, count: int) -> str:
    if channel == "sms":
        return ngettext("%(num)s text message", "%(num)s text messages", count)
    if channel == "email":
        return ngettext("%(num)s e-mail", "%(num)s e-mails", count)
    return ngettext("%(num)s message", "%(num)s messages", count)


def how_many(recipe: Recipe, incoming: Incoming) -> str:
    """How often it will begin, from how often what starts it came in."""
    what = starting.begins(recipe.on)
    if len(recipe.schedules) == len(recipe.on):
        return f"{what}."
    weekly = incoming.weekly
    if weekly is None:
        return _("%(event)s: how often is not known yet, as its tool was connected within the last day.", event=what)
    span = words.span(incoming.span // words.DAY * words.DAY)
    if not incoming.count:
        return _(
            "%(event)s: not once in the last %(span)s. So few or none are to be expected in the next week.",
            event=what,
            span=span,
        )
    return ngettext(
        "%(event)s: %(num)s time in the last %(span)s, which is about %(weekly)s a week.",
        "%(event)s: %(num)s times in the last %(span)s, which is about %(weekly)s a week.",
        incoming.count,
        event=what,
        span=span,
        weekly=weekly,
    )


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
    says = _("At most %(messages)s in the next week.", messages=listed(said))
    return says, _("Assumed: %(price)s.", price=", ".join(assumed)) if assumed else ""


def _weekly(texts: Sequence[Text], weekly: int) -> str:
    first, count = texts[0], weekly * len(texts)
    said = _messages(first.channel, count)
    if first.by:
        said = _("%(messages)s through %(service)s", messages=said, service=first.by)
    prices = [text.price for text in texts if text.price is not None]
    if not prices:
        return said
    return _(
        "%(messages)s, for about %(sum)s,", messages=said, sum=money(sum(prices, Decimal(0)) * weekly, first.currency)
    )


def who_is_inside(inside: Inside) -> str:
    """How many are under way: "12 are under way just now"."""
    if inside.more and not inside.runs:
        return _("Too many runs are under way to tell how many of them are in it")
    if inside.more:
        return _("More than %(num)s are under way just now", num=inside.runs)
    if not inside.runs:
        return _("Nobody is in it just now")
    return ngettext("%(num)s is under way just now", "%(num)s are under way just now", inside.runs)


def what_it_did(lately: Lately) -> str:
    """What it did lately: "Last 30 days: 64 began · 41 done · 17 stopped before their end · 1 went wrong"."""
    if not lately.started:
        return _("Nothing yet in the last 30 days")
    said = [_("%(num)s began", num=lately.started)]
    said += [_became(state, lately.states[state]) for state in _TOLD if lately.states.get(state)]
    span = words.span(max(words.DAY, lately.span // words.DAY * words.DAY))
    return _("Last %(span)s: %(what)s", span=span, what=" · ".join(said))


def _became(state: str, count: int) -> str:
    if state == "done":
        return _("%(num)s done", num=count)
    if state == "stopped":
        return _("%(num)s stopped before their end", num=count)
    if state == "failed":
        return _("%(num)s went wrong", num=count)
    return ngettext("%(num)s waits for you", "%(num)s wait for you", count)


_TOLD = ("done", "stopped", "failed", "held")
