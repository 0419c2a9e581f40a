"""The page of one run: what happened, step by step, and why."""

from __future__ import annotations

from html import unescape

import pytest
import sqlalchemy as sa

from hub import schema, values
from hub.setup.words import DAY, HOUR

from .conftest import HOME, MINUTE, World
from .reading import heading, part, text_of


@pytest.fixture(autouse=True)
def _signed_in(world: World) -> None:
    world.sign_in()


def test_a_run_is_told_step_by_step(world: World) -> None:
    world.connection("twilio", id="tw")
    run_id = world.run(
        {"action": "hubspot.upsert_contact"},
        {"action": "now"},
        {"action": "sleep", "due_at": world.clock.now() + HOUR},
        {
            "action": "mailchimp.upsert_member",
            "state": "refused",
            "reason": "Mailchimp refused the address.",
            "ended_at": 1,
        },
        {
            "action": "twilio.send_sms",
            "state": "waiting",
            "attempts": 2,
            "connection_id": "tw",
            "due_at": world.clock.now() + MINUTE,
            "reason": "The provider asks for fewer calls.",
        },
        state="waiting",
    )
    page = world.open(f"/w/1/runs/{run_id}").text
    assert heading(page) == "Thank people for their order"
    shown = text_of(page)
    for says in (
        "● Sh Shopify An order is placed 12:00 UTC",
        "✓ Hu HubSpot Create or update a contact Done 12:00 UTC",
        "✓ Wait 1 hour Over",
        "✕ Ma Mailchimp Add or update a member Not done · Mailchimp refused the address.",
        "◐ Tw Twilio Send a text message Waits its turn · Tried 2 times, again at 12:01 UTC . The provider asks",
    ):
        assert says in shown
    assert shown.partition(" ● ")[0].endswith("Thank people for their order ◐ Waiting")
    assert page[page.index('<ol class="way"') : page.index("</ol>")].count("<li class=") == 5, (
        "what it waits for says how it stands, and nothing after that"
    )


def test_a_wait_for_events_names_them_and_what_came(world: World) -> None:
    now, sealer = world.clock.now(), world.workspace.sealer
    run_id = world.run(
        {"action": "wait_for", "due_at": now + HOUR},
        {"action": "wait_for", "due_at": now + DAY, "state": "waiting"},
        state="waiting",
    )
    wanted = [{"type": "shopify.order.paid"}, {"type": "mailchimp.member.subscribed"}]
    with world.hub.database.write() as connection:
        for position in (0, 1):
            sealed = sealer.seal(values.write({"any": wanted}), f"step {run_id} {position} inputs")
            connection.execute(
                sa.update(schema.step)
                .where(schema.step.c.run_id == run_id, schema.step.c.position == position)
                .values(inputs=sealed)
            )
    shown = text_of(world.open(f"/w/1/runs/{run_id}").text)
    wait = "Wait until an order is paid, or someone subscribes to an audience"
    assert f"✓ {wait}, 1 hour at most Over · It did not happen." in shown
    assert f"◐ {wait}, 1 day at most Waiting · Until 23 Nov, 12:00 UTC" in shown
    latest = part(world.open(HOME).text, "latest")
    assert f"{wait}, or until 23 Nov, 12:00 UTC" in latest and "at most" not in latest


def test_a_wait_whose_inputs_are_gone_is_still_told(world: World) -> None:
    run_id = world.run({"action": "wait_for", "due_at": world.clock.now() + HOUR, "inputs": b"x" * 40})
    assert "Wait until something happens, 1 hour at most" in text_of(world.open(f"/w/1/runs/{run_id}").text)


def test_a_held_run_says_what_can_be_done(world: World) -> None:
    run_id = world.run(
        {"action": "twilio.send_sms", "state": "unknown", "reason": "Nobody knows whether it was sent."},
        state="held",
        reason="Nobody knows whether it was sent.",
    )
    shown = text_of(world.open(f"/w/1/runs/{run_id}").text)
    assert "Try again End it" in shown
    assert f"hub retry {run_id} · hub cancel {run_id}" in shown.partition("Details for")[2]
    assert shown.partition("Details for")[0].count("Nobody knows whether it was sent.") == 1


def test_a_run_that_went_wrong_says_how_to_try_it_again(world: World) -> None:
    run_id = world.run(
        {"action": "twilio.send_sms", "state": "refused", "reason": "It is a landline.", "ended_at": 1},
        state="failed",
        reason="It is a landline.",
    )
    shown = text_of(world.open(f"/w/1/runs/{run_id}").text)
    assert "try the rest again." in shown and "End it" not in shown
    assert "Start it anew" in shown and f"hub retry {run_id}" in shown and "hub cancel" not in shown
    after = text_of(world.open(f"/w/1/runs/{world.run()}").text)
    assert "hub retry" not in after and "again" not in after


def test_a_run_between_two_steps_says_that_it_goes_on(world: World) -> None:
    run_id = world.run({"action": "twilio.send_sms"}, state="running")
    assert "◐ Under way It goes on in a moment." in text_of(world.open(f"/w/1/runs/{run_id}").text)


def test_the_technical_details_are_complete_and_hold_nothing_sealed(world: World) -> None:
    run_id = world.run(
        {"action": "twilio.send_sms", "reason": "r", "inputs": b"sealed-inputs", "answer": b"sealed-answer"}
    )
    page = world.open(f"/w/1/runs/{run_id}").text
    details = unescape(page[page.index('<pre class="technical"') :])
    for field in (
        f'"id": "{run_id}"',
        '"version": "00000000000000000000000000000000"',
        '"state": "done"',
        '"type": "shopify.order.created"',
        '"action": "twilio.send_sms"',
        '"attempts": 1',
        '"asked_at": "2026-11-22T12:00:00.000Z"',
        '"ended_at": "2026-11-22T12:00:00.000Z"',
    ):
        assert field in details
    assert "sealed-" not in page


def test_a_run_with_very_many_steps_shows_the_first_and_says_how_many_more(world: World) -> None:
    waits = {"action": "twilio.send_sms", "state": "waiting"}
    run_id = world.run(*[{"action": "shopify.get_order"}] * 205, waits, state="running")
    shown = text_of(world.open(f"/w/1/runs/{run_id}").text)
    assert f"○ 5 more steps. See all with: hub run {run_id} ◐ Tw Twilio Send a text message Waits its turn" in shown


@pytest.mark.parametrize("path", ["/w/1/runs/1", "/w/1/runs/99999999999999999999", "/w/1/runs/x", "/w/77/", "/nowhere"])
def test_what_is_not_there_is_said_calmly(world: World, path: str) -> None:
    answer = world.open(path)
    assert answer.status_code == 404
    assert heading(answer.text) == "Not found"
