"""What a workspace is called, the clock it lives by, and the workspaces of a hub."""

from __future__ import annotations

import pytest

from hub.core import Hub
from hub.settings import Settings

from .access.conftest import joined, operator, signed_in
from .conftest import HOME, World
from .reading import text_of

SETTINGS = f"{HOME}settings"


def test_a_workspace_gets_another_name_and_everything_stays_readable(world: World) -> None:
    world.sign_in()
    made = world.connection("shopify")
    world.send(SETTINGS, name="Crumb & Daughter", time_zone="")
    shown = text_of(world.open(SETTINGS).text)
    assert "Saved." in shown
    other = Hub(Settings(home=world.hub.settings.home))
    try:
        (workspace,) = other.workspaces.list()
        assert workspace.name == "Crumb & Daughter"
        assert other.connections.get(made).label == "My shopify", "its key was wrapped for the new name"
    finally:
        other.close()


def test_another_process_learns_the_new_name(world: World) -> None:
    other = Hub(Settings(home=world.hub.settings.home))
    try:
        assert other.workspaces.named("Crumb & Co.").id == 1
        world.hub.workspaces.rename(world.workspace, "Crumb & Daughter")
        assert other.workspaces.named("Crumb & Daughter").id == 1
    finally:
        other.close()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Bike Repair Nord", "There is a workspace &#39;Bike Repair Nord&#39; already."),
        ("", "Please fill this in."),
        ("  ", "A workspace needs a name that can be printed"),
        ("a\x07b", "A workspace needs a name that can be printed"),
    ],
)
def test_a_name_that_will_not_do_is_refused_and_stays_in_its_field(world: World, name: str, says: str) -> None:
    world.sign_in()
    world.hub.workspaces.add("Bike Repair Nord")
    page = world.send(SETTINGS, name=name, time_zone="")
    assert says in page.text
    assert world.hub.workspaces.list()[0].name == "Crumb & Co."


def test_times_are_told_in_the_workspaces_zone(world: World) -> None:
    world.sign_in()
    run = world.run()
    assert ">12:00 UTC</time>" in world.open(f"{HOME}runs/{run}").text
    world.send(SETTINGS, name="Crumb & Co.", time_zone="Asia/Tokyo")
    page = world.open(f"{HOME}runs/{run}").text
    assert ">21:00</time>" in page and "data-local" in page and "Asia/Tokyo" in page
    other = world.hub.workspaces.add("Bike Repair Nord")
    theirs = world.run(workspace=other)
    assert ">12:00 UTC</time>" in world.open(f"/w/{other.id}/runs/{theirs}").text, "each business has its own"


def test_a_zone_that_is_none_is_not_taken(world: World) -> None:
    world.sign_in()
    world.send(SETTINGS, name="Crumb & Co.", time_zone="Mars/Olympus")
    assert world.hub.workspaces.list()[0].time_zone is None
    with pytest.raises(Exception, match="no such time zone"):
        world.hub.workspaces.live_by(world.workspace, "../../etc/passwd")


def test_workspaces_are_made_by_who_runs_the_hub_alone(world: World) -> None:
    owner = signed_in(world, joined(world, "owner"))
    assert owner.send("/workspaces", name="Mine too").status_code == 403
    assert "/workspaces" not in owner.get(SETTINGS).text
    assert operator(world).send("/workspaces", name="Bike Repair Nord").status_code == 303
    assert [workspace.name for workspace in world.hub.workspaces.list()] == ["Crumb & Co.", "Bike Repair Nord"]


def test_who_is_told_is_chosen_on_the_page_and_tried_at_once(world: World) -> None:
    world.sign_in()
    assert "whoever runs the hub sets SMTP_URL" in text_of(world.open(SETTINGS).text)
    world.send(f"{SETTINGS}/notices", emails="Ada@Example.com, bob@example.com", url="")
    page = world.open(SETTINGS).text
    assert "Saved, but the first message did not arrive. No e-mail can be sent" in text_of(page)
    assert 'value="ada@example.com, bob@example.com"' in page
    world.send(f"{SETTINGS}/notices", emails="", url="")
    assert "Nobody is told any more." in text_of(world.open(SETTINGS).text)


@pytest.mark.parametrize(
    ("emails", "url", "says"),
    [("ada", "", "is no e-mail address."), ("", "http://chat.example/", "The address should begin with https://")],
)
def test_who_cannot_be_told_is_said_beside_the_field(world: World, emails: str, url: str, says: str) -> None:
    world.sign_in()
    page = world.send(f"{SETTINGS}/notices", emails=emails, url=url).text
    assert says in page
    assert 'value="Crumb &amp; Co."' in page, "the other form on the page is as it was"
