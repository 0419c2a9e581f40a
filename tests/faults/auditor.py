"""Compares what was acknowledged with the practice services' own books, and both with what the hub tells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.load import Delivery, Load, Who
from tests.faults.observing import Books, Seen, Told
from tests.faults.site import TAG

CONTACT, MEMBER, SMS = "hubspot.upsert_contact", "mailchimp.upsert_member", "twilio.send_sms"
PARTIAL = ("practice fault: this member failed", "Something went wrong with this member")
OPTED_OUT = ("opted out",)
"""Words of refusals for good: of a member of a batch that fails, and of somebody who texted STOP."""


@dataclass
class Findings:
    """What an audit found, each as a sentence. `unknown` are shown to a person, as they should be; the others are
    faults of the hub."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    untruthful: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def audit(load: Load, seen: Seen) -> Findings:
    """Compares all that was seen with the load and with itself."""
    found = Findings(untruthful=list(seen.unlike))
    for one in seen.told:
        _audit_run(one, load, found)
        _audit_effects(one, load, seen.books, found)
    for who in dict.fromkeys(one.order.who for one in seen.told):
        mine = [one for one in seen.told if one.order.who == who]
        _audit_texts(who, mine, seen.books, found)
        _audit_order(mine, load, seen.books, found)
        _audit_stopped(who, mine, load, seen.books, found)
    _audit_strangers(load, seen, found)
    _audit_events(load, seen, found)
    _audit_repeats(load, seen.books, found)
    return found


# ---- each order


def _audit_run(one: Told, load: Load, found: Findings) -> None:
    """One run for each order that was acknowledged, at its end."""
    name, acknowledged = f"order {one.order.number}", any(delivery.acknowledged for delivery in load.of(one.order))
    if len(one.stories) > 1:
        found.doubled.append(f"{name} has {len(one.stories)} runs")
    if acknowledged and not one.stories:
        found.lost.append(f"{name} was acknowledged and has no run")
    for story in one.stories:
        steps = [(step.action, step.state) for step in story.steps]
        if story.run.state == "held":
            found.unknown.append(f"{name}: {story.run.reason}")
        elif story.run.state != "done":
            found.lost.append(f"{name}: its run is {story.run.state} ({story.run.reason})")
        elif sorted(action for action, _ in steps) != [CONTACT, MEMBER, SMS]:
            found.untruthful.append(f"{name}: its run is done with the steps {steps}")
        elif open_steps := [action for action, state in steps if state not in ("done", "refused")]:
            found.untruthful.append(f"{name}: its run is done, and not {', '.join(open_steps)}")


def _audit_effects(one: Told, load: Load, books: Books, found: Findings) -> None:
    """What is told to be done is in the books; what was refused was refused for a reason that the run gave."""
    name, email = f"order {one.order.number}", one.order.who.email
    for step in (step for story in one.stories for step in story.steps):
        expected = PARTIAL + (OPTED_OUT if one.order.who.number in load.stopped else ())
        if step.state == "refused" and not any(words in str(step.reason) for words in expected):
            found.lost.append(f"{name}: {step.action} was refused ({step.reason})")
    if one.is_done(CONTACT) and len(books.contacts.get(email, ())) != 1:
        found.lost.append(f"{name}: there are {len(books.contacts.get(email, ()))} contacts, and it is told as done")
    member = books.members.get(email)
    if one.is_done(MEMBER) and (member is None or member["tags"] != [TAG]):
        found.lost.append(f"{name}: there is no tagged member, and it is told as done")


# ---- each person


def _audit_texts(who: Who, mine: Sequence[Told], books: Books, found: Findings) -> None:
    """As many texts as are told to be sent, of each text."""
    sent, told = Counter(books.texts.get(who.phone, ())), Counter[str]()
    doubtful = Counter[str]()
    for one in mine:
        step = one.step(SMS)
        told[one.order.text] += step is not None and step.state == "done"
        doubtful[one.order.text] += step is not None and step.state in ("unknown", "claimed")
    for text in sent | told:
        name = f"buyer {who.number}, the text of {', '.join(str(o.order.number) for o in mine if o.order.text == text)}"
        if sent[text] > told[text] + doubtful[text]:
            orders = sum(one.order.text == text for one in mine)
            kept = found.doubled if sent[text] > orders else found.untruthful
            kept.append(f"{name}: sent {sent[text]} times, told as done {told[text]} times")
        elif sent[text] < told[text]:
            found.lost.append(f"{name}: sent {sent[text]} times, told as done {told[text]} times")


def _audit_order(mine: Sequence[Told], load: Load, books: Books, found: Findings) -> None:
    """What was ordered first comes first, as far as the hub could know: the first order was acknowledged before the
    second one was delivered. Then its text goes before, and the second one's name stays."""
    who = mine[0].order.who
    if who.alike:
        return
    pairs = [(a, b) for a in mine for b in mine if a.order.place < b.order.place and _comes_first(load, a, b)]
    texts = list(books.texts.get(who.phone, ()))
    for first, second in pairs:
        if {first.order.text, second.order.text} <= set(texts) and (
            texts.index(second.order.text) < texts.index(first.order.text)
        ):
            found.out_of_order.append(f"buyer {who.number}: {second.order.text!r} left before {first.order.text!r}")
    names = {
        CONTACT: [contact.get("firstname") for contact in books.contacts.get(who.email, ())],
        MEMBER: [books.members.get(who.email, {}).get("merge_fields", {}).get("FNAME")],
    }
    for action, left in names.items():
        done = [one for one in mine if one.is_done(action)]
        overtaken = {first.order.first_name for first, second in pairs if first in done and second in done}
        found.out_of_order += [
            f"buyer {who.number}: {name} was written last by {action}, and is from an earlier order"
            for name in left
            if name in overtaken
        ]


def _comes_first(load: Load, first: Told, second: Told) -> bool:
    answered = [delivery.answered_at for delivery in load.of(first.order) if delivery.answered_at is not None]
    sent = [delivery.sent_at for delivery in load.of(second.order) if delivery.sent_at is not None]
    return bool(answered and sent) and min(answered) < min(sent)


def _audit_stopped(who: Who, mine: Sequence[Told], load: Load, books: Books, found: Findings) -> None:
    """Who had said STOP before an order gets no text about it. Of orders that are alike nobody can tell from a text
    which one it is about: there are as many as orders from before, and none is told to be about a later one."""
    key = load.stopped.get(who.number)
    said = min((d.answered_at for d in load.deliveries if d.key == key and d.answered_at is not None), default=None)
    if key is None or said is None:
        return
    after = [one for one in mine if said < min(d.sent_at for d in load.of(one.order) if d.sent_at is not None)]
    texts = Counter(books.texts.get(who.phone, ()))
    for one in after:
        allowed = sum(other.order.text == one.order.text for other in mine if other not in after)
        if one.is_done(SMS) or texts[one.order.text] > allowed:
            found.other.append(f"buyer {who.number} said STOP before order {one.order.number}, and got its text")


# ---- everything else


def _audit_strangers(load: Load, seen: Seen, found: Findings) -> None:
    """Nobody is in the books who ordered nothing."""
    books = seen.books
    found.other += [f"order {number}, which is forged, has a run" for number in seen.strange]
    emails, phones = {order.who.email for order in load.orders}, {order.who.phone for order in load.orders}
    strangers = (books.contacts.keys() | books.members.keys()) - emails
    found.other += [f"{email} is in the books, and never ordered" for email in sorted(strangers)]
    found.other += [f"{number} got a text, and never ordered" for number in sorted(books.texts.keys() - phones)]
    found.other += [
        f"a forged delivery was answered {delivery.statuses}"
        for delivery in load.deliveries
        if delivery.type is None and delivery.acknowledged
    ]


def _audit_events(load: Load, seen: Seen, found: Findings) -> None:
    """As many events of each type as were acknowledged: of what got no answer, none or one each."""
    kept = seen.events
    for type in {delivery.type for delivery in load.deliveries if delivery.type}:
        mine = [delivery for delivery in load.deliveries if delivery.type == type]
        sure = {delivery.key for delivery in mine if delivery.acknowledged}
        if kept[type] < len(sure):
            found.lost.append(f"{kept[type]} events {type}, and {len(sure)} were acknowledged")
        if kept[type] > len({delivery.key for delivery in mine}):
            found.doubled.append(f"{kept[type]} events {type}, and {len({d.key for d in mine})} happened")
    found.other += [
        f"{delivery.key} was never acknowledged: {_brief(delivery)}"
        for delivery in load.deliveries
        if delivery.type and delivery.patient and not delivery.acknowledged
    ]
    reports, texts = kept["twilio.message.status_changed"], sum(map(len, seen.books.texts.values()))
    if reports > 2 * texts:
        found.doubled.append(f"{reports} reports on {texts} texts")


def _brief(delivery: Delivery) -> str:
    return ", ".join(f"{status} {times} times" for status, times in Counter(delivery.statuses).items())


def _audit_repeats(load: Load, books: Books, found: Findings) -> None:
    """No text is asked for again after a call without a clear answer, unless it was looked for in between. Of orders
    that are alike nobody can tell from outside whether the second text is the first one's repeat."""
    looks = [line for line in books.asked if not line["sends"] and line["status"] == 200]
    sends: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for line in books.asked:
        if line["sends"]:
            sends[line["to"], line["text"]].append(line)
    alike = {order.text for order in load.orders if order.who.alike}
    for (to, text), mine in ((name, mine) for name, mine in sends.items() if name[1] not in alike):
        for before in (line for line in mine if _is_unclear(line["status"])):
            after = [line for line in mine if line["began"] > before["ended"]]
            if after and not any(
                look["to"] == to and before["ended"] < look["began"] and look["ended"] < after[0]["began"]
                for look in looks
            ):
                found.blind.append(f"{text!r} was sent again, and was not looked for")


def _is_unclear(status: int | None) -> bool:
    """A message that was made is answered by 201."""
    return status is None or status >= 500 or status == 200


def events_acknowledged(load: Load) -> int:
    return len({delivery.key for delivery in load.deliveries if delivery.acknowledged})
