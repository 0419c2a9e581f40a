"""What can be seen from outside once a hub is at rest: the practice services' books, and what the hub tells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub import history
from hub.history import StepLine, Story
from tests.faults.load import Load, Order
from tests.faults.site import AUDIENCE, Site
from tests.servers import until

SLOWEST_SECONDS = 30.0


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
    """The practice services' own: contacts and members by address, texts by number in the order they were sent.

    asked  every call about texts: whether it `sends` or looks, `to` whom, which `text`, its `status`, and where in time
           it `began` and `ended`
    """

    contacts: Mapping[str, Sequence[Mapping[str, str]]]
    members: Mapping[str, Mapping[str, Any]]
    texts: Mapping[str, Sequence[str]]
    asked: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Seen:
    """All of it. `events`: how many of each type the hub lists. `unlike`: where it tells two things of one run.
    `strange`: runs for what nobody of the load ordered, by the order's number."""

    told: Sequence[Told]
    books: Books
    events: Counter[str]
    unlike: Sequence[str] = ()
    strange: Sequence[int] = ()


def look(site: Site, load: Load) -> Seen:
    """Looks once providers have done what they were asked."""
    until(lambda: site.providers.in_flight() == 0, SLOWEST_SECONDS, "The end of the slowest call")
    listed = {line["id"]: line["state"] for line in site.json("runs", "--limit", "10000")}
    events = Counter(line["type"] for line in site.json("events", "--limit", "10000"))
    stories: dict[int, list[Story]] = defaultdict(list)
    unlike = []
    with site.hub() as (hub, workspace):
        for run_id, state in listed.items():
            story = history.story(workspace, hub, int(run_id), opened=True)
            stories[story.data["order_number"]].append(story)
            if state != story.run.state:
                unlike.append(f"run {run_id} is {state} in the list and {story.run.state} alone")
    told = [Told(order, stories.pop(order.number, [])) for order in load.orders]
    return Seen(told, _books(site), events, unlike, sorted(stories))


def _books(site: Site) -> Books:
    contacts: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for contact in site.providers.books("hubspot")["objects"]["contacts"].values():
        contacts[contact["properties"].get("email", "")].append(contact["properties"])
    audience = site.providers.books("mailchimp")["lists"][AUDIENCE]
    texts: dict[str, list[str]] = defaultdict(list)
    for message in site.providers.books("twilio")["messages"]:
        texts[message["to"]].append(message["body"])
    members = {member["email_address"]: member for member in audience["members"].values()}
    return Books(contacts, members, texts, site.providers.texts())
