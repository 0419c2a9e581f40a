"""Workspaces, accounts and recipes on the command line, with the real connectors at their practice services."""

from __future__ import annotations

import pytest

from recipes.order_thanks import order_thanks
from tests.cli.conftest import Command, refused, told
from tests.world import World


@pytest.fixture
def thanking(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the recipe `order_thanks` known."""
    world.use(monkeypatch, order_thanks)


def test_workspaces_are_made_listed_and_changed(hub: Command) -> None:
    assert told(hub("workspace", "add", "Mill", "--retention-days", 0, "--json")) == {
        "id": "2",
        "name": "Mill",
        "retention_days": 0,
    }
    says = "In 'Mill', payloads are kept for 1 day after a run.\n"
    assert hub("workspace", "set", "Mill", "--retention-days", 1).stdout == says
    assert hub("workspace", "set", "Mill", "--retention-days", 7).exit_code == 0
    listed = told(hub("workspace", "list", "--json"))
    assert [(item["name"], item["retention_days"]) for item in listed] == [("Crumb & Co.", 30), ("Mill", 7)]


def test_a_workspace_must_be_named_where_there_are_several(hub: Command) -> None:
    hub("workspace", "add", "Mill")
    assert "-w" in refused(hub("runs"))
    assert told(hub("runs", "-w", "Mill", "--json")) == []


def test_connecting_prints_what_scripts_and_people_need(hub: Command, connect: Command) -> None:
    made = told(connect("shopify", "--json"))
    assert made["connector"] == "shopify"
    assert made["webhook_url"] == f"http://127.0.0.1:8000/webhooks/shopify/{made['id']}"
    assert made["events"] == "subscribed"
    (listed,) = told(hub("connections", "--json"))
    assert {name: listed[name] for name in ("id", "connector", "label", "webhook_url")} == {
        name: made[name] for name in ("id", "connector", "label", "webhook_url")
    }
    again = told(connect("shopify", "--json"))
    assert again["id"] == made["id"], "the same account is one connection"
    shown = connect("shopify").stdout
    assert made["id"] in shown and made["webhook_url"] in shown


@pytest.mark.parametrize(
    ("name", "changed", "says"),
    [
        ("shopify", {"access_token": "shpat_canary"}, "access token"),
        ("hubspot", {"access_token": "pat-canary"}, "Check the token"),
        ("mailchimp", {"api_key": "canary-us1"}, "API key"),
        ("twilio", {"auth_token": "canary"}, "does not accept this account SID and auth token"),
        ("shopify", {"colour": "canary"}, "there is no field 'colour'"),
        ("shopify", {"webhook_secret": ""}, "webhook_secret is missing"),
        ("nobody", {"x": "canary"}, "There is no connector 'nobody'"),
    ],
)
def test_an_account_that_does_not_work_is_refused_without_telling_its_secrets(
    hub: Command, connect: Command, name: str, changed: dict[str, str], says: str
) -> None:
    result = connect(name, **changed) if name != "nobody" else hub("connect", name, "x=canary")
    assert says in refused(result)
    assert "canary" not in result.output
    assert told(hub("connections", "--json")) == []


def test_a_service_that_does_not_answer_is_told_so_and_nothing_is_saved(hub: Command, connect: Command) -> None:
    line = refused(connect("mailchimp", base_url="http://127.0.0.1:1/mailchimp"))
    assert line.startswith("mailchimp does not answer") and "base_url" in line
    assert told(hub("connections", "--json")) == []


def test_a_secret_that_the_hub_makes_is_printed_this_once(hub: Command) -> None:
    shown = hub("connect", "webhook", "name=Booking tool").stdout
    assert "Signing secret: whsec_" in shown and "It is not shown again." in shown
    assert "come once the webhook's address is entered there" in shown
    made = told(hub("connect", "webhook", "name=Till", "--json"))
    assert made["made"]["signing_secret"].startswith("whsec_")
    again = hub("connect", "webhook", "name=Till", "--json")
    assert told(again)["id"] == made["id"] and "made" not in told(again)
    assert "whsec_" not in again.output + hub("connections", "--json").output


def test_a_disconnected_account_is_off_and_its_history_stays(hub: Command, connect: Command) -> None:
    made = told(connect("mailchimp", "--json"))
    assert "is disconnected" in hub("disconnect", made["id"]).stdout
    (listed,) = told(hub("connections", "--json"))
    assert listed["state"] == "off"
    assert "○ off" in hub("connections").stdout


def test_recipes_tell_their_settings_and_needs_and_which_are_on(hub: Command, connect: Command, thanking: None) -> None:
    known = {item["name"]: item for item in told(hub("recipes", "--json"))}
    assert known["order_thanks"]["needs"] == ["hubspot", "mailchimp", "shopify", "twilio"]
    settings = {item["name"]: item for item in known["order_thanks"]["settings"]}
    assert settings["audience"]["required"] is True
    assert settings["audience"]["default"] is None
    assert settings["tag"] == settings["tag"] | {"type": "text", "default": "customer", "required": False}
    assert "enabled" not in known["order_thanks"]
    for name in ("hubspot", "mailchimp", "shopify", "twilio"):
        connect(name)
    made = told(hub("enable", "order_thanks", "audience=practice", "text=Thanks = {first_name}, see you", "--json"))
    assert sorted(made["connections"]) == ["hubspot", "mailchimp", "shopify", "twilio"]
    (listed,) = told(hub("recipes", "-w", "Crumb & Co.", "--json"))
    assert listed["enabled"] is True
    assert "● on  order_thanks" in hub("recipes", "-w", "Crumb & Co.").stdout
    assert "is off" in hub("disable", "order_thanks").stdout
    assert "○ off  order_thanks" in hub("recipes", "-w", "Crumb & Co.").stdout


def test_values_may_have_spaces_and_equals_signs(hub: Command, connect: Command, thanking: None, world: World) -> None:
    for name in ("hubspot", "mailchimp", "shopify", "twilio"):
        connect(name)
    hub("enable", "order_thanks", "audience=practice", "text=a = b, {first_name}")
    ((_, entry),) = world.hub.enabled.of(world.workspace)
    assert entry.settings["text"] == "a = b, {first_name}"


def test_a_recipe_that_lacks_something_says_all_that_is_missing(hub: Command, thanking: None) -> None:
    line = refused(hub("enable", "order_thanks", "colour=blue"))
    assert "there is no setting 'colour'" in line and "audience is missing" in line
    line = refused(hub("enable", "order_thanks", "audience=practice"))
    assert "no Shopify account is connected" in line and "no Twilio account is connected" in line
