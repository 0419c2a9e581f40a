"""Tokens that end: renewed ahead of time, once, and never at the cost of a step."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub import NotAuthorized, schema
from hub.connections import NEEDS_LOGIN, READY, Connection
from hub.errors import ConnectorInvalid, ServiceDown, TryLater
from hub.oauth.renewing import asked, renew_due, renewed
from tests.hub.oauth.going import Owner
from tests.hub.oauth.recipes import keep_contact, keep_member
from tests.world import happen

ROTATES = {"hubspot": False, "shopify": True}


def fresh(owner: Owner, connection: Connection) -> Connection:
    return owner.hub.connections.get(connection.id, fresh=True)


def contacts(owner: Owner) -> list[str]:
    return sorted(owner.server.services["hubspot"].books["emails"])


@pytest.fixture
def account(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """A HubSpot account that was logged in to, with a recipe that writes there."""
    connection = owner.connect("hubspot").connection
    owner.world.turn_on(monkeypatch, keep_contact)
    return connection


def asked_for(owner: Owner, *emails: str) -> None:
    for email in emails:
        happen(owner.world, key=email, email=email)


# ---- ahead of time


@pytest.mark.parametrize("name", ROTATES)
def test_the_clock_renews_a_token_before_it_ends_and_not_sooner(owner: Owner, name: str) -> None:
    first = owner.connect(name).connection
    assert first.login is not None and first.login.expires_at is not None
    lasts = (first.login.expires_at - first.login.issued_at) / 1000
    before = owner.token(name)
    owner.world.clock.advance(lasts * 2 / 3 - 5)
    renew_due(owner.hub)
    assert owner.token(name) == before
    owner.world.clock.advance(10)
    renew_due(owner.hub)
    assert owner.token(name) == before + 1
    second = fresh(owner, first)
    assert second.login is not None
    assert second.fields["access_token"] != first.fields["access_token"]
    assert second.changed_at > first.changed_at, "By which holders see that they need a new client."
    assert (second.login.refresh_token != first.login.refresh_token) == ROTATES[name]
    assert second.login.expires_at is not None and second.login.expires_at > first.login.expires_at
    check = second.connector.function("check")
    assert check is not None and check(owner.hub.connections.client(second)) == first.label
    renew_due(owner.hub)
    assert owner.token(name) == before + 1


def test_a_token_that_does_not_end_is_left_alone(owner: Owner) -> None:
    owner.connect("mailchimp")
    owner.world.clock.advance(timedelta(days=400))
    before = owner.asked("mailchimp", "/oauth2/token")
    renew_due(owner.hub)
    assert owner.asked("mailchimp", "/oauth2/token") == before


def test_what_is_renewed_keeps_its_state_its_label_and_its_other_fields(owner: Owner) -> None:
    first = owner.connect("shopify").connection
    owner.hub.connections.change_fields(first, lambda fields: fields | {"webhook_secret": ["of its own"]})
    second = renewed(owner.hub, fresh(owner, first))
    assert (second.state, second.label, second.id) == (first.state, first.label, first.id)
    assert second.secrets["webhook_secret"] == ["of its own", "practice-webhook-secret"]
    assert second.fields["base_url"] == first.fields["base_url"]


def test_a_provider_that_is_down_is_asked_again_and_no_login_is_lost(owner: Owner) -> None:
    connection, service = owner.connect("hubspot").connection, owner.server.services["hubspot"]
    owner.world.clock.advance(timedelta(minutes=21))
    service.add_fault({"kind": "status", "status": 503, "path": "/oauth", "times": 1})
    renew_due(owner.hub)
    assert fresh(owner, connection).state == READY
    before = owner.token("hubspot")
    renew_due(owner.hub)
    assert owner.token("hubspot") == before, "Not before a minute has passed."
    owner.world.clock.advance(timedelta(minutes=1))
    renew_due(owner.hub)
    assert fresh(owner, connection).fields["access_token"] != connection.fields["access_token"]


@pytest.mark.parametrize("kind", ["html", "malformed", "drop_before", "drop_after"])
@pytest.mark.parametrize("name", ROTATES)
def test_an_answer_that_gets_lost_costs_no_login(owner: Owner, name: str, kind: str) -> None:
    connection = owner.connect(name).connection
    owner.server.services[name].add_fault({"kind": kind, "path": "/oauth", "times": 1})
    with pytest.raises(TryLater):
        renewed(owner.hub, connection)
    assert fresh(owner, connection).state == READY
    again = renewed(owner.hub, connection)
    check = again.connector.function("check")
    assert check is not None and check(owner.hub.connections.client(again)) == connection.label


def test_where_a_used_refresh_token_is_dead_at_once_a_lost_answer_is_told_as_a_lost_login(owner: Owner) -> None:
    connection, service = owner.connect("shopify").connection, owner.server.services["shopify"]
    service.adjust({"strict": True})
    service.add_fault({"kind": "drop_after", "path": "/oauth", "times": 1})
    with pytest.raises(TryLater):
        renewed(owner.hub, connection)
    with pytest.raises(NotAuthorized, match="Shopify does not renew the login"):
        renewed(owner.hub, connection)
    lost = fresh(owner, connection)
    assert lost.state == NEEDS_LOGIN
    assert lost.reason is not None and lost.reason.endswith("Connect the account again; what waits goes on then.")


def test_of_two_who_renew_the_second_takes_what_the_first_got(owner: Owner) -> None:
    connection = owner.connect("shopify").connection
    first = renewed(owner.hub, connection)
    before = owner.token("shopify")
    assert renewed(owner.hub, connection).fields == first.fields
    assert owner.token("shopify") == before


def test_a_login_that_was_given_anew_while_it_was_renewed_is_the_one_that_counts(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.oauth import renewing

    connection, tokens_for_refresh = owner.connect("shopify").connection, renewing.tokens_for_refresh
    anew: list[Connection] = []

    def meanwhile(*args: Any) -> Any:
        found = tokens_for_refresh(*args)
        anew.append(owner.connect("shopify").connection)
        return found

    monkeypatch.setattr(renewing, "tokens_for_refresh", meanwhile)
    assert renewed(owner.hub, connection).fields == anew[0].fields == fresh(owner, connection).fields


def test_without_the_app_that_it_was_given_to_a_login_cannot_be_renewed_and_says_so(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.oauth import renewing

    connection = owner.connect("hubspot").connection
    monkeypatch.setattr(renewing, "app_at", lambda *args: None)
    with pytest.raises(NotAuthorized, match="The hub's app at HubSpot is not the one any more"):
        renewed(owner.hub, connection)
    assert fresh(owner, connection).state == NEEDS_LOGIN


# ---- when a call finds out


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


# ---- a lost login, and its repair


def test_a_login_that_was_taken_back_parks_the_steps_until_it_is_given_again(owner: Owner, account: Connection) -> None:
    owner.happen("hubspot", "revoke_login")
    owner.world.clock.advance(timedelta(hours=1))
    asked_for(owner, "ada@example.com", "bob@example.com")
    lost = fresh(owner, account)
    assert lost.state == NEEDS_LOGIN
    assert lost.reason is not None and lost.reason.startswith("HubSpot does not renew the login: The refresh token")
    assert lost.fields["access_token"] not in lost.reason
    owner.world.pass_time(timedelta(days=2))
    assert contacts(owner) == []
    assert {run.state for run in owner.world.runs} == {"waiting"}, "Parked, not failed."
    again = owner.connect("hubspot").connection
    assert (again.id, again.state) == (account.id, READY)
    owner.world.tick()
    assert contacts(owner) == ["ada@example.com", "bob@example.com"]
    assert {run.state for run in owner.world.runs} == {"done"}


def test_the_clock_finds_a_login_that_was_taken_back_before_any_call_does(
    owner: Owner, account: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    owner.happen("hubspot", "revoke_login")
    owner.world.clock.advance(timedelta(minutes=21))
    renew_due(owner.hub)
    assert fresh(owner, account).state == NEEDS_LOGIN
    assert f"{account.id} needs a new login: HubSpot does not renew the login" in caplog.text
    before = owner.token("hubspot")
    renew_due(owner.hub)
    assert owner.token("hubspot") == before, "What needs a person is not asked again."


def test_a_login_without_renewing_that_was_taken_back_is_lost_and_repaired_alike(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = owner.connect("mailchimp").connection
    owner.world.turn_on(monkeypatch, keep_member)
    owner.happen("mailchimp", "revoke_login")
    asked_for(owner, "ada@example.com")
    assert fresh(owner, account).state == NEEDS_LOGIN
    again = owner.connect("mailchimp").connection
    assert again.id == account.id
    owner.world.tick()
    members = owner.server.services["mailchimp"].books["lists"]["practice"]["members"].values()
    assert [member["email_address"] for member in members] == ["ada@example.com"]
    assert owner.world.rows(schema.run)[0].state == "done"


def test_providers_that_take_long_hold_up_no_other_chore_for_long(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.oauth import renewing

    for name in ROTATES:
        owner.connect(name)
    owner.world.clock.advance(timedelta(hours=2))
    providers: list[str] = []

    def slow(oauth: Any, *args: Any) -> Any:
        providers.append(oauth.token)
        owner.world.clock.advance(renewing.SWEEP_SECONDS)
        raise ServiceDown

    monkeypatch.setattr(renewing, "tokens_for_refresh", slow)
    renew_due(owner.hub)
    assert len(providers) == 1
    renew_due(owner.hub)
    assert len(set(providers)) == 2, "The other one had its turn before the first one is asked again."


def test_one_connection_that_cannot_be_opened_keeps_no_other_from_being_renewed(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, good = owner.connect("hubspot").connection, owner.connect("shopify").connection
    owner.world.clock.advance(timedelta(hours=2))
    get = owner.hub.connections.get

    def refuses(connection_id: str, **more: Any) -> Connection:
        if connection_id == broken.id:
            raise ConnectorInvalid("The connector is not installed here.")
        return get(connection_id, **more)

    monkeypatch.setattr(owner.hub.connections, "get", refuses)
    renew_due(owner.hub)
    assert get(good.id, fresh=True).fields["access_token"] != good.fields["access_token"]
    assert f"{broken.id}: its login cannot be renewed: The connector is not installed here." in caplog.text


# ---- when somebody asks whether a login works


@pytest.mark.parametrize("hours", [0.1, 2.0])
def test_a_login_whose_token_has_ended_works_for_whoever_asks(owner: Owner, hours: float) -> None:
    connection = owner.connect("hubspot").connection
    owner.happen("hubspot", "expire_tokens")
    owner.world.clock.advance(timedelta(hours=hours))
    check = connection.connector.function("check")
    assert check is not None
    assert asked(owner.hub, connection, check) == connection.label
    assert fresh(owner, connection).state == READY


def test_a_login_that_was_taken_back_is_told_as_lost_to_whoever_asks(owner: Owner) -> None:
    for name in ("hubspot", "mailchimp"):
        connection = owner.connect(name).connection
        owner.happen(name, "revoke_login")
        owner.world.clock.advance(timedelta(minutes=5))
        check = connection.connector.function("check")
        assert check is not None
        with pytest.raises(NotAuthorized):
            asked(owner.hub, connection, check)
