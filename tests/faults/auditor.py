"""Compares what was acknowledged with the practice services' own books, and both with what the hub tells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub import history
from hub.history import StepLine, Story
from tests.faults.load import Delivery, Load, Order, Who
from tests.faults.site import AUDIENCE, KEY, TAG, Site
from tests.servers import until

CONTACT, MEMBER, SMS = "hubspot.upsert_contact", "mailchimp.upsert_member", "twilio.send_sms"
READY_SECONDS = 30.0
EXPECTED_REFUSALS = ("practice fault: this member failed", "Something went wrong with this member", "opted out")
"""Words of the providers that refuse for good: those of a partial failure, and of somebody who texted STOP."""


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


@dataclass(frozen=True)
class Told:
    """What the hub tells of one order: the runs for it, with their steps."""

    order: Order
    stories: Sequence[Story]

    def step(self, action: str) -> StepLine | None:
        return next((step for story in self.stories for step in story.steps if step.action == action), None)

    def is_done(self, action: str) -> bool:
        step = self.step(action)
        return step is not None and step.state == "done"


@dataclass(frozen=True)
class Books:
    """The practice services' own: contacts and members by address, texts by number in the order they were sent."""

    contacts: Mapping[str, Sequence[Mapping[str, str]]]
    members: Mapping[str, Mapping[str, Any]]
    texts: Mapping[str, Sequence[str]]


def audit(site: Site, load: Load) -> Findings:
    """Looks at everything from outside, once the hub is at rest, and providers have done what they were asked."""
    until(lambda: site.providers.in_flight() == 0, READY_SECONDS, "The end of the slowest call")
    found, books = Findings(), read_books(site)
    told = read_told(site, load, found)
    for one in told:
        _audit_run(one, load, found)
        _audit_effects(one, books, found)
    for who in {one.order.who for one in told}:
        mine = [one for one in told if one.order.who == who]
        _audit_texts(who, mine, books, found)
        _audit_order(mine, load, books, found)
    _audit_strangers(load, books, found)
    _audit_events(site, load, found)
    _audit_repeats(site, load, found)
    _audit_house(site, found)
    return found


def read_books(site: Site) -> Books:
    contacts: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for contact in site.providers.books("hubspot")["objects"]["contacts"].values():
        contacts[contact["properties"].get("email", "")].append(contact["properties"])
    audience = site.providers.books("mailchimp")["lists"][AUDIENCE]
    texts: dict[str, list[str]] = defaultdict(list)
    for message in site.providers.books("twilio")["messages"]:
        texts[message["to"]].append(message["body"])
    members = {member["email_address"]: member for member in audience["members"].values()}
    return Books(contacts, members, texts)


def read_told(site: Site, load: Load, found: Findings) -> list[Told]:
    """Each order with its runs. `hub runs` and `hub run` must tell the same of each."""
    listed = {line["id"]: line for line in site.json("runs", "--limit", "10000")}
    stories: dict[int, list[Story]] = defaultdict(list)
    with site.hub() as (hub, workspace):
        for run_id, line in listed.items():
            story = history.story(workspace, hub, int(run_id), opened=True)
            stories[story.data["order_number"]].append(story)
            if line["state"] != story.run.state:
                found.untruthful.append(f"run {run_id} is {line['state']} in the list and {story.run.state} alone")
    known = {order.number for order in load.orders}
    found.other += [f"order {number}, which is forged, has a run" for number in stories if number not in known]
    return [Told(order, stories[order.number]) for order in load.orders]


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


def _audit_effects(one: Told, books: Books, found: Findings) -> None:
    """What is told to be done is in the books; what was refused was refused for a reason that the schedule gave."""
    name, email = f"order {one.order.number}", one.order.who.email
    for step in (step for story in one.stories for step in story.steps):
        if step.state == "refused" and not any(words in str(step.reason) for words in EXPECTED_REFUSALS):
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


# ---- everything else


def _audit_strangers(load: Load, books: Books, found: Findings) -> None:
    """Nobody is in the books who ordered nothing; nobody gets a text who had said STOP before their order."""
    emails, phones = {order.who.email for order in load.orders}, {order.who.phone for order in load.orders}
    strangers = (books.contacts.keys() | books.members.keys()) - emails
    found.other += [f"{email} is in the books, and never ordered" for email in sorted(strangers)]
    found.other += [f"{number} got a text, and never ordered" for number in sorted(books.texts.keys() - phones)]
    found.other += [
        f"a forged delivery was answered {delivery.statuses}"
        for delivery in load.deliveries
        if delivery.type is None and delivery.acknowledged
    ]
    for number, key in load.stopped.items():
        said = min((d.answered_at for d in load.deliveries if d.key == key and d.answered_at is not None), default=None)
        for order in (order for order in load.orders if order.who.number == number):
            sent = [d.sent_at for d in load.of(order) if d.sent_at is not None]
            if said is not None and said < min(sent) and order.text in books.texts.get(order.who.phone, ()):
                found.other.append(f"buyer {number} said STOP before order {order.number}, and got its text")


def _audit_events(site: Site, load: Load, found: Findings) -> None:
    """As many events of each type as were acknowledged: of what got no answer, none or one each."""
    kept = Counter(line["type"] for line in site.json("events", "--limit", "10000"))
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
    reports, texts = kept["twilio.message.status_changed"], len(site.providers.books("twilio")["messages"])
    if reports > 2 * texts:
        found.doubled.append(f"{reports} reports on {texts} texts")


def _brief(delivery: Delivery) -> str:
    return ", ".join(f"{status} {times} times" for status, times in Counter(delivery.statuses).items())


def _audit_repeats(site: Site, load: Load, found: Findings) -> None:
    """No text is asked for again after a call without a clear answer, unless it was looked for in between. Of orders
    that are alike nobody can tell from outside whether the second text is the first one's repeat."""
    lines = site.providers.texts()
    looks = [line for line in lines if not line["sends"] and line["status"] == 200]
    sends: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for line in lines:
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


# ---- the house


PERSONAL = ("Quentin", "Quimby", "Mallory", "@example.com", "1415555", "practice-webhook-secret", KEY)
"""What no log may hold: what the load tells of people, and secrets."""


def _audit_house(site: Site, found: Findings) -> None:
    """It is ready, it finds itself well, and its logs tell nothing that they should not."""
    try:
        until(lambda: site.answers("/readyz"), READY_SECONDS, "The hub being ready")
    except TimeoutError as error:
        found.other.append(str(error))
    if not found.unknown and (check := site.command("check", check=False)).returncode != 0:
        found.other.append(f"hub check: {check.stdout}{check.stderr}")
    log = site.log()
    found.other += [f"a log tells {words!r}" for words in PERSONAL if words in log]
    if "Traceback" in log:
        found.other.append(f"a log has a traceback: {log[log.index('Traceback') :][:2000]}")
    for part in site.keeper.parts.values():
        found.other += [f"{part.name} ended by itself with code {code}" for code in part.ends if code != 1]


def events_acknowledged(load: Load) -> int:
    return len({delivery.key for delivery in load.deliveries if delivery.acknowledged})
