"""Judging a batch of messages right before they leave: each guard in its turn, and the first that speaks against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..connections import Connection
from ..core import Hub
from ..event import Channel
from ..people import Said
from ..workspaces import Workspace
from . import brake, caps, consent, facts, hours
from .facts import Facts
from .messages import Hold, Message, Refusal, Verdict, messages_in
from .places import whereabouts

if TYPE_CHECKING:
    from ..outbox.steps import Name, Waiting

AGAIN = 3_600_000
"""A message that waits for a person is looked at again after so many milliseconds, whoever forgot to let it go."""

CHANNELS: tuple[Channel, ...] = ("email", "sms")


def judge(
    hub: Hub,
    database: sa.Connection,
    workspace: Workspace,
    connection: Connection,
    steps: Sequence[Waiting],
    recipes: dict[int, str],
) -> dict[Name, Verdict]:
    """What speaks against some of these steps of one account; `recipes` names the recipes of their runs. Steps that
    write to nobody always pass. What passes is counted as sent in the same transaction: it may leave from then on.

    A message that somebody's own act asks for needs their consent alone, and costs no further query.
    """
    messages = list(messages_in(steps, recipes))
    found: dict[Name, Verdict] = _without_consent(hub, database, workspace, connection, messages)
    now = hub.clock.now()
    for message in messages:
        if message.name not in found and message.useful_until is not None and now > message.useful_until:
            found[message.name] = Refusal("Not sent: it waited until it was of no use any more.")
    marketing = [message for message in messages if message.is_marketing and message.name not in found]
    if marketing:
        found |= _judge_marketing(hub, database, workspace, marketing)
    return found


def _without_consent(
    hub: Hub, database: sa.Connection, workspace: Workspace, connection: Connection, messages: Sequence[Message]
) -> dict[Name, Verdict]:
    found: dict[Name, Verdict] = {}
    for channel in CHANNELS:
        mine = [message for message in messages if message.channel == channel]
        said: dict[str, Said] = {}
        if mine:
            recipients = {message.recipient for message in mine if message.recipient}
            said = hub.people.consents(database, workspace, channel, recipients)
        for message in mine:
            if reason := consent.against(message, connection.connector.name, said.get(message.recipient)):
                found[message.name] = Refusal(f"Not sent: {reason}")
    return found


def _judge_marketing(
    hub: Hub, database: sa.Connection, workspace: Workspace, messages: Sequence[Message]
) -> dict[Name, Verdict]:
    now, known = hub.clock.now(), facts.gather(hub, database, workspace, messages)
    found: dict[Name, Verdict] = {}
    passing = []
    for message in sorted(messages, key=lambda one: (one.priority, one.asked_at, one.name)):
        if verdict := _against(hub, workspace, message, known, now):
            found[message.name] = verdict
        else:
            passing.append(message)
            known.note(message, facts.name_of(workspace, message), now)
    found |= _braked(hub, database, workspace, passing, known, now)
    facts.count(hub, database, workspace, [message for message in passing if message.name not in found])
    return found


def _against(hub: Hub, workspace: Workspace, message: Message, known: Facts, now: int) -> Verdict | None:
    """What speaks against a marketing message, besides the brake."""
    if message.person_id in known.complaining:
        return _hold(message, now + AGAIN, "complaint", "It waits as they have an open complaint")
    asked = known.brakes.get(message.recipe)
    if asked and asked.answer == "stop" and message.asked_at <= (asked.answered_at or 0):
        return Refusal("Not sent: there were unusually many, and somebody stopped them.")
    free, why = caps.free_at(now, message.channel, known.left_to(message, facts.name_of(workspace, message)))
    place = known.places.get(message.person_id) if message.person_id is not None else None
    where = whereabouts(message.channel, place, message.recipient, known.zone)
    rules = hours.rules_for(message.channel, where.countries)
    opens, zone = _opening(free, where.sources, known.hours[message.channel], rules)
    if opens is None:
        return Refusal("Not sent: at no hour it may be sent to where they are.")
    if opens > now:
        told = hours.told(opens, now, zone)
        if message.channel == "email" and opens > free:
            opens += round(hub.chance.between(0, hours.JITTER_SECONDS) * 1000)
        return _hold(message, opens, "cap" if free > now else "hours", f"It waits for {told}", told, why)
    if ahead := _more_important(message, known):
        return _hold(message, ahead + 1000, "cap", "It waits as a more important message to them leaves first")
    return None


def _opening(
    at: int, sources: Sequence[Sequence[str]], mine: hours.Hours, rules: Sequence[hours.Rule]
) -> tuple[int | None, str]:
    """When it is open by the best source that knows any such hour, and one zone of it to tell that hour in."""
    for zones in sources:
        if (opens := hours.opening(at, zones, mine, rules)) is not None:
            return opens, zones[0]
    return None, "UTC"


def _more_important(message: Message, known: Facts) -> int | None:
    """When something more important is due that they would not get if this left first; None if there is nothing."""
    if message.person_id is None:
        return None
    ahead = known.ahead.get((message.person_id, message.channel), ())
    return min((due for priority, due in ahead if priority < message.priority), default=None)


def _braked(
    hub: Hub, database: sa.Connection, workspace: Workspace, passing: Sequence[Message], known: Facts, now: int
) -> dict[Name, Verdict]:
    """Those of the messages that wait, as their recipe sends unusually much. One that was counted before passes."""
    wanted: Counter[str] = Counter()
    allowed: Counter[str] = Counter()
    fresh, found = [], {}
    for message in passing:
        asked = known.brakes.get(message.recipe)
        if message.name in known.counted:
            continue
        if asked and asked.answered_at is not None and message.asked_at <= asked.answered_at:
            allowed[message.recipe] += 1
        elif asked and asked.asked_at is not None:
            found[message.name] = _hold_for_a_person(message, now)
        else:
            wanted[message.recipe] += 1
            fresh.append(message)
    left = brake.reserve(hub, database, workspace, wanted, allowed)
    for message in fresh:
        left[message.recipe] -= 1
        if left[message.recipe] < 0:
            found[message.name] = _hold_for_a_person(message, now)
    return found


def _hold_for_a_person(message: Message, now: int) -> Verdict:
    return _hold(message, now + AGAIN, "brake", "It waits until somebody says whether so many should leave")


def _hold(message: Message, until: int, by: str, says: str, told: str = "", why: str = "") -> Verdict:
    """Has a message wait, or not leave at all where it would be of no use any more by then: `told` in their own time,
    and `why` not before."""
    last, why = message.useful_until, f": {why}" if why else ""
    if last is None or until <= last:
        return Hold(until, by, f"{says}{why}.")
    if not told:
        # Nobody knows when it may leave, so it waits for as long as it is of any use.
        return Hold(last + 1, by, f"{says}.")
    return Refusal(f"Not sent: it could leave at {told}, and would be of no use any more by then{why}.")
