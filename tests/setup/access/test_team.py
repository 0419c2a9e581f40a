"""Inviting others, what they may do, one's own account, and the record of changes."""

from __future__ import annotations

import re
import threading

import pytest

from hub import schema
from hub.errors import SettingInvalid
from hub.setup.access import audit, links, users
from hub.setup.access.links import LinkEnded, Newcomer
from hub.setup.access.users import User

from ..reading import text_of
from .conftest import PASSWORD, Browser, World, browser, code_of, hashed, joined, operator, signed_in, stored

NEW = {"name": "Bob", "email": "Bob@Example.com", "password": "other words, quite long"}


def invited(world: World, by: Browser, role: str = "staff") -> str:
    """The path of an invitation that somebody made on the page."""
    page = by.send("/w/1/team/invite", role=role).text
    found = re.search(r'id="invitation-link">http://[^/]+(/invitation/\w+)<', page)
    assert found is not None
    return found[1]


def test_an_invitation_makes_a_colleague_of_a_newcomer(world: World, ada: User) -> None:
    path, bob = invited(world, signed_in(world, ada)), browser(world)
    assert "You are invited to Crumb &amp; Co." in bob.get(path).text
    answer = bob.client.post(path, data=NEW)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/w/1/")
    assert bob.get("/w/1/").status_code == 200
    found = users.by_email(world.hub, "bob@example.com")
    assert found is not None and dict(found.roles) == {1: "staff"}
    assert browser(world).enter(found, NEW["password"]).status_code == 303
    assert browser(world).get(path).status_code == 403


def test_an_invitation_lets_a_consultant_into_another_workspace(world: World, ada: User) -> None:
    other = world.hub.workspaces.add("Bike Repair Nord")
    consultant = joined(world, "consultant", "eve@example.com", other.id)
    path, theirs = invited(world, signed_in(world, ada), "consultant"), signed_in(world, consultant)
    assert theirs.get("/w/1/").status_code == 404
    assert "You are signed in as Eve." in theirs.get(path).text
    assert theirs.send(path).status_code == 303
    assert theirs.get("/w/1/").status_code == theirs.get(f"/w/{other.id}/").status_code == 200


def test_a_form_that_is_not_ours_accepts_nothing(world: World, ada: User) -> None:
    path = invited(world, signed_in(world, ada))
    mine = signed_in(world, joined(world, "staff", "eve@example.com", 99))
    assert "Join" in mine.client.post(path, data={"token": "0" * 32}).text
    assert mine.get("/w/1/").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"email": "no address"}, "This is no e-mail address."),
        ({"email": "ada@example.com"}, "Somebody signs in with this e-mail already."),
        ({"password": "short"}, "Choose a longer one"),
        ({"name": ""}, "Please fill this in."),
    ],
)
def test_what_will_not_do_is_said_beside_it_and_the_invitation_stays_good(
    world: World, ada: User, wrong: dict[str, str], says: str
) -> None:
    path, bob = invited(world, signed_in(world, ada)), browser(world)
    page = bob.client.post(path, data=NEW | wrong).text
    assert says in page
    assert "password" in wrong or NEW["password"] not in page
    assert bob.client.post(path, data=NEW).status_code == 303


def test_of_two_who_accept_at_once_one_is_in(world_on_any_database: World) -> None:
    world = world_on_any_database
    joined(world, "owner")
    offered = links.invitation(world.hub, links.invite(world.hub, 1, "staff").rpartition("/")[2])
    outcomes: list[str] = []
    together = threading.Barrier(4)

    def accept(number: int) -> None:
        newcomer = Newcomer(f"N{number}", f"n{number}@example.com", hashed())
        together.wait()
        try:
            links.accept(world.hub, offered, newcomer)
            outcomes.append("in")
        except LinkEnded:
            outcomes.append("ended")

    threads = [threading.Thread(target=accept, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["ended", "ended", "ended", "in"]
    assert len(users.of_workspace(world.hub, 1)) == 2


def test_of_two_who_take_the_same_e_mail_at_once_one_gets_it(world_on_any_database: World) -> None:
    world, outcomes, together = world_on_any_database, [], threading.Barrier(4)

    def add() -> None:
        together.wait()
        try:
            with world.hub.database.write() as connection:
                users.add(world.hub, connection, "Ada", "ada@example.com")
            outcomes.append("made")
        except SettingInvalid:
            outcomes.append("taken")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "taken", "taken", "taken"]


def test_an_invitation_that_was_taken_back_lets_nobody_in(world: World, ada: User) -> None:
    mine = signed_in(world, ada)
    path = invited(world, mine)
    found = re.search(r'name="invitation" value="(\w+)"', mine.get("/w/1/team").text)
    assert found is not None
    mine.send("/w/1/team/take-back", invitation=found[1])
    assert browser(world).get(path).status_code == 403


def test_an_invitation_lasts_a_week(world: World, ada: User) -> None:
    path = invited(world, signed_in(world, ada))
    world.clock.advance(7 * 86400)
    assert browser(world).get(path).status_code == 403


def test_the_hubs_own_link_is_no_invitation_nor_the_other_way_round(world: World, ada: User) -> None:
    own = links.new_link(world.hub).rpartition("/")[2]
    word = invited(world, signed_in(world, ada)).rpartition("/")[2]
    assert browser(world).get(f"/invitation/{own}").status_code == 403
    assert browser(world).get(f"/sign-in/{word}").status_code == 403


def test_a_role_counts_from_the_moment_it_is_changed(world: World, ada: User) -> None:
    bob = joined(world, "staff", "bob@example.com")
    theirs, mine = signed_in(world, bob), signed_in(world, ada)
    assert theirs.get("/w/1/team").status_code == 403
    mine.send(f"/w/1/team/{bob.id}/role", role="owner")
    assert theirs.get("/w/1/team").status_code == 200
    mine.send(f"/w/1/team/{bob.id}/remove")
    assert theirs.get("/w/1/").status_code == 401


def test_who_is_removed_here_keeps_their_other_workspaces(world: World, ada: User) -> None:
    other = world.hub.workspaces.add("Bike Repair Nord")
    eve = joined(world, "consultant", "eve@example.com")
    with world.hub.database.write() as connection:
        users.give_role(connection, eve.id, other.id, "consultant")
    theirs = signed_in(world, eve)
    signed_in(world, ada).send(f"/w/1/team/{eve.id}/remove")
    assert theirs.get("/w/1/").status_code == 404
    assert theirs.get(f"/w/{other.id}/").status_code == 200


@pytest.mark.parametrize("path", ["role", "remove"])
def test_the_last_owner_stays_one(world: World, ada: User, path: str) -> None:
    mine = signed_in(world, ada)
    mine.send(f"/w/1/team/{ada.id}/{path}", role="staff")
    page = mine.get("/w/1/team")
    assert page.status_code == 200
    assert "Ada is the only owner here. Make somebody else an owner first." in page.text


def test_a_user_of_another_workspace_is_nobody_here(world: World, ada: User) -> None:
    other = world.hub.workspaces.add("Bike Repair Nord")
    bob = joined(world, "owner", "bob@example.com", other.id)
    mine = signed_in(world, ada)
    for path in ("role", "remove"):
        assert mine.send(f"/w/1/team/{bob.id}/{path}", role="staff").status_code == 404
    found = users.get(world.hub, bob.id)
    assert found is not None and dict(found.roles) == {other.id: "owner"}


# ---- one's own account


def test_who_came_by_the_hubs_link_makes_an_account(world: World) -> None:
    mine = operator(world)
    assert "Make your account" in mine.get("/w/1/").text
    made = mine.send("/account/first", name="Ada", email="ada@example.com", new=PASSWORD)
    assert made.status_code == 303
    assert "Make your account" not in mine.get("/w/1/").text
    found = users.by_email(world.hub, "ada@example.com")
    assert found is not None and found.runs_hub
    assert browser(world).enter(found).status_code == 303
    assert [user.id for user in (found,)] == [row.id for row in stored(world, schema.hub_user)], (
        "another link makes no other"
    )
    operator(world)
    assert len(stored(world, schema.hub_user)) == 1


def test_an_account_is_not_made_over_one_that_is_there(world: World, ada: User) -> None:
    mine = signed_in(world, ada)
    mine.send("/account/first", name="Eve", email="eve@example.com", new="whatever words there are")
    assert users.by_email(world.hub, "eve@example.com") is None
    assert browser(world).enter(ada).status_code == 303


def test_a_new_password_needs_the_old_one_and_signs_out_elsewhere(world: World, ada: User) -> None:
    mine, elsewhere = signed_in(world, ada), signed_in(world, ada)
    assert (
        "This is not your password" in mine.send("/account/password", old="wrong", new="fresh words, quite long").text
    )
    assert elsewhere.get("/account").status_code == 200
    assert mine.send("/account/password", old=PASSWORD, new="fresh words, quite long").status_code == 303
    assert mine.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 401
    assert browser(world).enter(ada).status_code == 403
    assert browser(world).enter(ada, "fresh words, quite long").status_code == 303


def test_the_second_step_is_switched_on_by_a_code_and_off_by_the_password(world: World, ada: User) -> None:
    mine = signed_in(world, ada)
    page = mine.get("/account/second-step").text
    found = re.search(r'name="secret" type="hidden" value="(\w+)"', page)
    assert found is not None and "<svg" in page
    assert "This code is not right" in mine.send("/account/second-step", secret=found[1], code="12").text
    mine.send("/account/second-step", secret=found[1], code=code_of(world, found[1]))
    assert browser(world).enter(ada).headers["Location"].startswith("/sign-in/code")
    assert "This is not your password" in mine.send("/account/second-step", password="wrong").text
    mine.send("/account/second-step", password=PASSWORD)
    assert browser(world).enter(ada).headers["Location"] == "/"


# ---- the record


def test_who_changed_what_is_told_in_words(world: World, ada: User) -> None:
    mine = signed_in(world, ada)
    bob = joined(world, "staff", "bob@example.com")
    invited(world, mine, "consultant")
    mine.send(f"/w/1/team/{bob.id}/role", role="owner")
    mine.send(f"/w/1/team/{bob.id}/remove")
    shown = text_of(mine.get("/w/1/changes").text)
    assert "Ada removed Somebody who was removed" in shown
    assert "Ada made Somebody who was removed owner" in shown
    assert "Ada made an invitation for consultant" in shown
    assert shown.index("Ada removed") < shown.index("Ada made an invitation"), "the latest first"


def test_the_record_names_nobodys_data(world: World, ada: User) -> None:
    path = invited(world, signed_in(world, ada))
    browser(world).client.post(path, data=NEW)
    kept = " ".join(f"{row.what} {row.about}" for row in stored(world, schema.audit))
    assert "user_joined" in kept
    assert "@" not in kept and "Bob" not in kept


def test_every_change_that_is_noted_has_its_words(world: World, ada: User) -> None:
    audit.note(world.hub, "something_new", ada, 1, which="x")
    assert [entry.says for _, entry in audit.latest(world.hub, 1, 9)] == ["<strong>Ada</strong> something new"]
