"""`hub rehearse`: a recipe's timeline on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import shopify
from hub import registry
from recipes.abandoned_cart_text import abandoned_cart_text
from recipes.order_thanks import order_thanks
from recipes.welcome_series import welcome_series
from recipes.win_back import win_back
from tests.cli.conftest import Command, refused, told
from tests.hub.outbox.desk import ON_SQLITE
from tests.recipes.events import ADA, AUDIENCE, NOON, PHONE, order
from tests.world import World

SAMPLE = Path(shopify.__file__).parent / "samples" / "order_created.json"

pytestmark = ON_SQLITE

Rehearse = Callable[..., Any]


@pytest.fixture
def rehearse(hub: Command, world: World, monkeypatch: pytest.MonkeyPatch) -> Rehearse:
    """Rehearses a recipe, and gives the document that the command prints."""
    known = {made.name: made for made in (order_thanks, welcome_series, abandoned_cart_text, win_back)}
    monkeypatch.setattr(registry, "recipes", lambda: known)
    return lambda *words: told(hub("rehearse", *words, "--json"))


def actions(document: Any) -> list[tuple[str, str]]:
    return [(entry["action"], entry["outcome"]) for entry in document["timeline"]]


def test_the_timeline_is_one_document_with_the_fields_that_scripts_use(rehearse):
    found = rehearse("order_thanks", f"audience={AUDIENCE}", "text=Thank you, {first_name}!", "--event", SAMPLE)
    assert (found["recipe"], found["settings"]["audience"]) == ("order_thanks", AUDIENCE)
    assert found["timeline"][2] == {
        "at": "2026-11-22T03:40:00-08:00",
        "action": "twilio.send_sms",
        "says": "Send a text message",
        "outcome": "would happen",
        "to": "+14155550123",
        "text": "Thank you, Ada!",
        "segments": 1,
        "cost": "$0.008",
    }


def test_without_an_event_an_example_happens_now(rehearse):
    before = datetime.now(UTC) - timedelta(seconds=1)
    found = rehearse("order_thanks", f"audience={AUDIENCE}")
    assert found["event"]["type"] == "shopify.order.created"
    assert before <= datetime.fromisoformat(found["event"]["at"]) <= datetime.now(UTC)
    assert [outcome for _, outcome in actions(found)] == ["would happen"] * 3


def test_what_happens_meanwhile_is_about_the_same_person_and_is_what_the_recipe_waits_for(rehearse):
    agreed = "shopify.email_consent_changed after 1d"
    found = rehearse("welcome_series", "--happening", agreed, "--happening", "shopify.order_created after 4d")
    names = [entry["details"].split(":")[0] for entry in found["timeline"] if entry["action"] == "mailchimp.add_event"]
    assert names == ["welcome_1", "welcome_2"]
    assert (found["state"], found["says"]) == ("stopped", "Ended by shopify.order.created.")
    assert [event["type"] for event in found["happenings"]] == [
        "shopify.email_consent.changed",
        "shopify.order.created",
    ]


def test_a_service_refuses_or_is_down_when_asked_to(rehearse):
    refusing = rehearse("order_thanks", "--refuse", "twilio.send_sms=This is a landline.")
    assert (refusing["timeline"][2]["outcome"], refusing["timeline"][2]["reason"]) == ("skipped", "This is a landline.")
    down = rehearse("order_thanks", "--down", "twilio for 1h")["timeline"]
    late = datetime.fromisoformat(down[2]["at"]) - datetime.fromisoformat(down[0]["at"])
    assert timedelta(hours=1) <= late <= timedelta(hours=1, minutes=20)


def test_marketing_needs_consent_where_nobody_is_said_to_have_agreed(rehearse):
    (text,) = [entry for entry in rehearse("abandoned_cart_text", "--not-agreed")["timeline"] if "text" in entry]
    assert (text["outcome"], "nothing says that they agreed" in text["reason"]) == ("skipped", True)


def test_the_settings_of_a_workspace_are_the_start(rehearse, hub, world):
    world.practice()
    world.hub.workspaces.live_by(world.workspace, "America/Los_Angeles")
    world.enable("order_thanks", audience=AUDIENCE, tag="regular", text="Thanks!")
    found = rehearse("order_thanks", "-w", "Crumb & Co.", "tag=friend")
    assert found["settings"] == {"audience": AUDIENCE, "tag": "friend", "text": "Thanks!"}
    assert found["timeline"][2]["text"] == "Thanks!"
    assert world.runs == []


def test_in_words_it_is_a_timeline_from_top_to_bottom(rehearse, hub):
    shown = hub("rehearse", "welcome_series", "--happening", "shopify.email_consent_changed after 1d").output
    assert [line.split("  ")[-1] for line in shown.splitlines() if line.startswith("  │")] == [
        "Wait until a customer's consent to marketing by e-mail changes, or someone subscribes to an audience, "
        "30 days at most",
        "Wait 2 days",
        "Wait 2 days",
    ]
    assert shown.splitlines()[0] == "Welcome newcomers"
    assert shown.splitlines()[-1] == "  ■ Done: They were welcomed."


def test_what_a_refused_text_would_have_cost_is_told_with_the_reason(rehearse, hub):
    shown = hub("rehearse", "order_thanks", "text=Hello", "--refuse", "twilio.send_sms=Not today.").output
    assert "“Hello”  1 part, about $0.008" in shown
    assert "Left out. Not today." in shown


def written(folder: Path, document: Any) -> Path:
    file = folder / "event.json"
    file.write_text(json.dumps(document))
    return file


def test_an_event_may_be_its_body_alone(rehearse, tmp_path):
    body = json.loads(SAMPLE.read_text())["body"] | {"name": "#7", "created_at": "2026-01-02T03:04:05Z"}
    found = rehearse("order_thanks", "text={order}", "--event", written(tmp_path, body))
    assert found["timeline"][2]["text"] == "#7"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--happening", "xyz.happens after 1d"], "There is no connector 'xyz'"),
        (
            ["--happening", "shopify.nothing"],
            "'shopify.nothing' does not happen. What can happen there: shopify.order_created",
        ),
        (["--happening", "shopify.order_created after soon"], "is no length of time. Write it such as: 2d"),
        (["--happening", "an order"], "Write it such as: shopify.order_created after 2d"),
        (["--down", "twilio"], "Write it such as: twilio after 2d for 1h"),
        (["--refuse", "twilio.fax"], "Nothing can refuse 'twilio.fax'. Twilio has no action 'twilio.fax'."),
        (["--refuse", "fax.send"], "Nothing can refuse 'fax.send'. There is no connector 'fax'"),
        (["colour=red"], "there is no setting 'colour'"),
    ],
)
def test_what_is_not_understood_is_told_in_one_line(rehearse, hub, words, says):
    assert says in refused(hub("rehearse", "order_thanks", *words))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no json", "event.json is not JSON"),
        ("[]", "event.json holds no event"),
        (
            '{"headers": {"x-shopify-topic": "customers/create"}, "body": {"id": 1}}',
            "does not start with what event.json holds",
        ),
    ],
)
def test_an_event_that_does_not_start_the_recipe_is_told_in_one_line(rehearse, hub, tmp_path, text, says):
    file = tmp_path / "event.json"
    file.write_text(text)
    assert says in refused(hub("rehearse", "order_thanks", "--event", file))


def test_a_recipe_that_there_is_not_is_told(rehearse, hub):
    assert "There is no recipe 'order_thank'" in refused(hub("rehearse", "order_thank"))


# ---- the past


@pytest.fixture
def shop(rehearse: Rehearse, world: World) -> World:
    """A practice shop in which somebody ordered, where orders are thanked for."""
    server = world.practice()
    account = next(c for c in world.hub.connections.list(world.workspace) if c.connector.name == "shopify")
    world.enable("order_thanks", audience=AUDIENCE, text="Thanks!")
    sent = order(NOON)
    world.deliver(account, sent[1], {name.lower(): value for name, value in sent[0].items()})
    world.settle()
    assert server.services["twilio"].counts()["holds"]["messages"] == 1
    return world


def test_the_past_is_told_without_anything_personal(shop, hub):
    result = hub("rehearse", "order_thanks", "--past", "365d", "text=Thank you!", "--json")
    found = told(result)
    (run,) = found["runs"]
    assert (found["events"], found["is_on"], run["state"]) == (1, True, "done")
    assert run["differs"] == "It does the same, with other words or values."
    assert [entry["says"] for entry in run["timeline"]][-1] == "Send a text message"
    assert not [word for word in (ADA, PHONE, "Thank you!", "Miller") if word in str(found["runs"])]
    assert shop.practice().services["twilio"].counts()["holds"]["messages"] == 1


def test_the_past_in_words_counts_what_would_have_happened(shop, hub):
    shown = hub("rehearse", "order_thanks", "--past", "365d", "text=Thank you!").output.splitlines()
    assert shown[:3] == [
        "Thank people for their order",
        "1 event of the last days is kept.",
        "It would have started 1 time.",
    ]
    assert "      1 × Send a text message" in shown
    assert "Compared with how it is on, 1 run would be otherwise." in shown
    assert not [line for line in shown if ADA in line or PHONE in line]


def test_the_past_is_what_it_was(rehearse, hub):
    assert "is no length of time" in refused(hub("rehearse", "order_thanks", "--past", "soon"))
    assert hub("rehearse", "order_thanks", "--past", "30d", "--down", "twilio for 1h").exit_code == 2


def test_whoever_is_made_up_gets_what_the_recipe_sends_unless_they_did_not_agree(rehearse):
    mails = ("mailchimp.add_event", "would happen")
    found = rehearse("win_back", "audience=a1b2c3d4e5")
    assert actions(found).count(mails) == 4
    assert actions(rehearse("win_back", "audience=a1b2c3d4e5", "--not-agreed")).count(mails) == 0
