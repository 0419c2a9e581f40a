"""A token that has ended when a call needs it: renewed first, once, and the call made again."""

from __future__ import annotations

from datetime import timedelta

from hub.connections import NEEDS_LOGIN, READY, Connection
from hub.oauth.renewing import renewed
from tests.hub.oauth.going import Owner, asked_for, contacts, fresh

ROTATES = {"hubspot": False, "shopify": True}


def test_a_call_with_a_token_that_has_ended_renews_it_first(owner: Owner, account: Connection) -> None:
    owner.happen("hubspot", "expire_tokens")
    owner.world.clock.advance(timedelta(hours=2))
    asked_for(owner, "ada@example.com", "bob@example.com")
    assert contacts(owner) == ["ada@example.com", "bob@example.com"]
    answers = owner.server.services["hubspot"].counts()["answers"]
    assert "401" not in answers, "No call left with the token that had ended."
    assert fresh(owner, account).state == READY


def test_a_token_that_is_not_accepted_is_renewed_once_and_the_call_made_again(
    owner: Owner, account: Connection
) -> None:
    owner.world.clock.advance(timedelta(minutes=5))
    owner.happen("hubspot", "expire_tokens")
    before = owner.token("hubspot")
    asked_for(owner, "ada@example.com")
    assert (contacts(owner), owner.token("hubspot")) == (["ada@example.com"], before + 1)
    assert [run.state for run in owner.world.runs] == ["done"]
    assert fresh(owner, account).state == READY


def test_a_token_that_is_not_accepted_although_it_is_new_means_a_lost_login(owner: Owner, account: Connection) -> None:
    owner.world.clock.advance(timedelta(minutes=5))
    owner.server.services["hubspot"].add_fault({"kind": "status", "status": 401, "path": "/crm", "times": 9})
    before = owner.token("hubspot")
    asked_for(owner, "ada@example.com")
    assert owner.token("hubspot") == before + 1
    lost = fresh(owner, account)
    assert lost.state == NEEDS_LOGIN and lost.reason
    assert contacts(owner) == []


def test_a_clock_that_was_set_back_makes_no_lost_login_of_a_token_that_has_ended(
    owner: Owner, account: Connection
) -> None:
    owner.happen("hubspot", "expire_tokens")
    owner.world.clock.set(-3600.0)
    asked_for(owner, "ada@example.com")
    assert (contacts(owner), fresh(owner, account).state) == (["ada@example.com"], READY)


def test_a_token_that_ended_soon_after_it_came_is_renewed_all_the_same(owner: Owner, account: Connection) -> None:
    owner.server.services["hubspot"].adjust({"token_seconds": 40})
    renewed(owner.hub, account)
    owner.happen("hubspot", "expire_tokens")
    owner.world.clock.advance(timedelta(seconds=41))
    asked_for(owner, "ada@example.com")
    assert (contacts(owner), fresh(owner, account).state) == (["ada@example.com"], READY)


def test_a_token_that_ends_as_soon_as_it_came_is_renewed_once(owner: Owner, account: Connection) -> None:
    owner.happen("hubspot", "expire_tokens")
    asked_for(owner, "ada@example.com")
    assert (contacts(owner), fresh(owner, account).state) == (["ada@example.com"], READY)


def test_a_right_that_is_missing_is_no_matter_of_renewing(owner: Owner, account: Connection) -> None:
    owner.world.clock.advance(timedelta(minutes=5))
    owner.server.services["hubspot"].add_fault({"kind": "status", "status": 403, "path": "/crm", "times": 1})
    before = owner.token("hubspot")
    asked_for(owner, "ada@example.com")
    assert (owner.token("hubspot"), fresh(owner, account).state) == (before, NEEDS_LOGIN)


def test_while_the_provider_does_not_renew_steps_wait_and_then_go_on(owner: Owner, account: Connection) -> None:
    owner.happen("hubspot", "expire_tokens")
    owner.world.clock.advance(timedelta(hours=2))
    service = owner.server.services["hubspot"]
    service.add_fault({"kind": "status", "status": 503, "path": "/oauth", "times": 2})
    asked_for(owner, "ada@example.com")
    before = owner.token("hubspot")
    owner.world.settle()
    assert owner.token("hubspot") == before, "It rests between."
    assert (contacts(owner), fresh(owner, account).state) == ([], READY)
    for _ in range(2):
        owner.world.pass_time(timedelta(seconds=31))
    assert contacts(owner) == ["ada@example.com"]
    assert [run.state for run in owner.world.runs] == ["done"]


def test_the_same_when_the_token_has_time_left_and_is_not_accepted(owner: Owner, account: Connection) -> None:
    owner.world.clock.advance(timedelta(minutes=5))
    owner.happen("hubspot", "expire_tokens")
    owner.server.services["hubspot"].add_fault({"kind": "drop_before", "path": "/oauth", "times": 1})
    asked_for(owner, "ada@example.com")
    assert (contacts(owner), fresh(owner, account).state) == ([], READY)
    owner.world.pass_time(timedelta(seconds=31))
    assert contacts(owner) == ["ada@example.com"]
