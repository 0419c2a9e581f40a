"""A rehearsal as somebody asks for it in words: what starts it, what happens meanwhile, who refuses, what is down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ..errors import DeliveryRefused, SettingInvalid
from ..event import Event
from ..matching import fits
from ..recipe import Recipe
from ..trigger import Match, read_delivery
from . import happenings as words_of
from .happenings import awaited, event_of
from .playing import Play, Rehearsed


@dataclass(frozen=True)
class Script:
    """What is asked for; see `happenings.py` for how each is written.

    happenings  "shopify.order_created after 2d"
    refusals    "twilio.send_sms", "twilio.send_sms=This is a landline."
    troubles    "twilio for 1h", "twilio after 2d for 1h"
    agreed      whether whoever said nothing about messages counts as having agreed to them
    zone        the business's time zone
    """

    happenings: Sequence[str] = ()
    refusals: Sequence[str] = ()
    troubles: Sequence[str] = ()
    agreed: bool = True
    zone: ZoneInfo | None = field(default=None)


@dataclass(frozen=True)
class Performance:
    """A script that was played: the event that started it, those that came in later, and what became of it. `others`
    are the runs that the later ones started."""

    start: Event
    later: tuple[Event, ...]
    run: Rehearsed
    others: tuple[Rehearsed, ...]


def perform(
    recipe: Recipe, settings: Mapping[str, Any], start: Event, script: Script, usual: Rehearsed | None = None
) -> Performance:
    """Plays a script. `usual`: what becomes of it where nothing is scripted, if that was played before.

    Raises SettingInvalid for what is not written as it should be, and what `Play.events` raises.
    """
    happening = [words_of.happening(text) for text in script.happenings]
    troubles = [words_of.trouble(text, start.at) for text in script.troubles]
    answers = dict(words_of.refusal(text) for text in script.refusals)
    play = Play(recipe, settings, answers, troubles, agreed=script.agreed, zone=script.zone, welcome=script.agreed)
    known = usual if script.agreed and not (answers or troubles) else None
    if known is not None and not happening:
        return Performance(start, (), known, ())
    later: tuple[Event, ...] = ()
    if happening:
        # What is waited for is known once nothing of it happens: then the samples are made to fit it.
        wanted = awaited(recipe, (known or play.events([start])[0].run).steps)
        later = tuple(event_of(each, start, wanted) for each in happening)
    first, *others = play.events([start, *later])
    return Performance(start, later, first.run, tuple(other.run for other in others if other.run.state != "skipped"))


def start_from(recipe: Recipe, file: Path) -> Event:
    """The event in a file: as its provider posts it, `{"headers": {…}, "body": {…}}` or `"form"` in place of the body,
    or the body alone, which is taken for that of the recipe's first trigger it fits.

    Raises SettingInvalid if the recipe does not start with it.
    """
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError):
        raise SettingInvalid(f"{file.name} is not JSON. Give an event as its provider posts it.") from None
    if not isinstance(told, dict):
        raise SettingInvalid(f"{file.name} holds no event. Give one as its provider posts it, a JSON object.")
    is_whole = told.keys() & {"body", "form"} and told.keys() <= {"headers", "body", "form", "url", "method"}
    for match in (begin for begin in recipe.on if isinstance(begin, Match)):
        sample = match.trigger.sample_delivery
        whole = told if is_whole else {"headers": dict(sample.headers), "body": told}
        try:
            events = list(match.trigger.connector.read(replace(read_delivery(whole), received_at=sample.received_at)))
        except (DeliveryRefused, KeyError, TypeError, ValueError, AttributeError):
            continue  # it is another trigger's
        for event in events:
            if fits(match, event):
                return event
    kinds = ", ".join(match.type for match in recipe.on)
    raise SettingInvalid(f"{recipe.name} does not start with what {file.name} holds. It starts with: {kinds}.")
