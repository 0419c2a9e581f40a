"""Connecting a tool: one connection per name, a secret that is shown once, and deliveries through the door's inbox."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from connectors import webhook
from hub import Event, Steps, recipe, schema
from tests.world import World


@recipe(on=webhook.appointment_booked, title="Tell the till")
def tell_till(event: Event) -> Steps:
    """Sends each booking on to the tool."""
    yield webhook.send({"who": event.person.email})


def test_a_secret_is_made_where_none_is_given_and_told_this_once(world: World) -> None:
    made, _ = world.hub.connections.connect(world.workspace, "webhook", {"name": "Booking tool"})
    secret = made.made["signing_secret"]
    assert secret.startswith("whsec_") and made.secrets["signing_secret"] == [secret]
    assert not made.subscribes, "nobody but the owner can tell a real tool where to post"
    again, _ = world.hub.connections.connect(
        world.workspace, "webhook", {"name": "Booking tool", "send_to": "https://tool.example/x"}
    )
    assert (again.id, again.made, again.fields["send_to"]) == (made.id, {}, "https://tool.example/x")
    assert again.secrets["signing_secret"] == [secret]
    cleared, _ = world.hub.connections.connect(world.workspace, "webhook", {"name": "Booking tool", "send_to": ""})
    assert (cleared.id, cleared.fields["send_to"]) == (made.id, "")
    other, _ = world.hub.connections.connect(world.workspace, "webhook", {"name": "Till"})
    assert other.id != made.id


def test_a_secret_that_is_given_is_kept_and_told_to_nobody(world: World) -> None:
    made, _ = world.hub.connections.connect(
        world.workspace, "webhook", {"name": "Till", "signing_secret": "a,b", "signature_header": "X-Signature"}
    )
    assert made.made == {}
    assert made.secrets == {"signing_secret": ["a", "b"], "signature_header": ["X-Signature"]}
    assert made.told_to_nobody == ["a", "b"]


def test_an_event_of_the_practice_tool_starts_a_recipe_that_sends_to_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.use(monkeypatch, tell_till)
    tool = world.practice().services["webhook"]
    (account,) = (c for c in world.hub.connections.list(world.workspace) if c.connector.name == "webhook")
    assert account.subscribes
    world.enable("tell_till")
    told = json.dumps(webhook.appointment_booked.sample.data).encode()
    world.deliver(account, told)
    world.settle()
    (run,) = world.runs
    assert run.state == "done", run.reason
    assert [kept["data"] for kept in tool.books["inbox"]] == [{"who": "ada@example.com"}]


def test_what_the_owner_says_of_the_tools_shape_counts_for_what_comes_in(world: World) -> None:
    account = world.connect("webhook", name="Calendar", mapping="type=kind, person.email=who", types="b=visit.made")
    world.deliver(account, b'{"kind": "b", "who": "ada@example.com"}')
    world.settle()
    (event,) = world.rows(schema.event)
    assert (event.type, event.state, event.person_id is not None) == (webhook.visit.type, "taken", True)


def test_the_guide_shows_a_body_that_is_read_and_names_every_trigger() -> None:
    guide = (Path(webhook.__file__).parent / "README.md").read_text()
    body = guide.partition("```json")[2].partition("```")[0].encode()
    (event,) = webhook.connector.read(replace(webhook.visit.sample_delivery, body=body))
    assert (event.type, event.person.email) == (webhook.appointment_booked.type, "ada@example.com")
    names = [name for name, value in vars(webhook).items() if value in webhook.connector.triggers.values()]
    assert len(names) == len(webhook.connector.triggers)
    assert not [name for name in names if f"`{name}`" not in guide]
