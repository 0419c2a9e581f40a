"""Who gets in, and who does not."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub import schema
from hub.backup import make_backup
from hub.sealing import Keyring
from hub.settings import Settings
from hub.setup.access import links

from ..conftest import HOME, World, make_world


def word_of(link: str) -> str:
    return link.rpartition("/")[2]


def test_a_link_signs_in_and_the_first_page_is_there(world: World) -> None:
    answer = world.sign_in()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert world.open("/").headers["Location"] == HOME
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Max-Age=1209600" in cookie
    assert world.open(HOME).status_code == 200


def test_a_link_works_once(world_on_any_database: World) -> None:
    hub = world_on_any_database.hub
    word = word_of(links.new_link(hub))
    assert links.sign_in(hub, word) is not None
    assert links.sign_in(hub, word) is None


def test_of_many_who_open_a_link_at_once_one_gets_in(world_on_any_database: World) -> None:
    hub = world_on_any_database.hub
    word = word_of(links.new_link(hub))
    together, sessions = threading.Barrier(8), []

    def enter() -> None:
        together.wait()
        sessions.append(links.sign_in(hub, word))

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([session for session in sessions if session]) == 1


@pytest.mark.parametrize(("minutes", "works"), [(14, True), (15, False)])
def test_a_link_lasts_a_quarter_of_an_hour(world: World, minutes: int, works: bool) -> None:
    word = word_of(links.new_link(world.hub))
    world.clock.advance(minutes * 60)
    assert (links.sign_in(world.hub, word) is not None) == works


@pytest.mark.parametrize(("days", "goes_on"), [(13, True), (14, False)])
def test_a_session_lasts_two_weeks(world: World, days: int, goes_on: bool) -> None:
    world.sign_in()
    world.clock.advance(days * 86400)
    assert (world.open(HOME).status_code == 200) == goes_on


def test_without_a_session_nothing_is_shown_but_how_to_begin_one(world: World) -> None:
    for path in (HOME, f"/w/1/runs/{world.run()}"):
        answer = world.open(path)
        assert answer.status_code == 401
        assert "hub sign-in-link" in answer.text
        assert "Crumb" not in answer.text and "Thank people" not in answer.text


@pytest.mark.parametrize("cookie", ["", "x", "0" * 64, "\x80\xff"])
def test_a_made_up_session_is_none(world: World, cookie: str) -> None:
    world.browser.set_cookie("regulars", cookie)
    assert world.open(HOME).status_code == 401


def test_a_used_link_says_how_to_get_another(world: World) -> None:
    link = links.new_link(world.hub).removeprefix(world.hub.settings.public_url)
    assert world.open(link).status_code == 303
    world.browser.delete_cookie("regulars")
    answer = world.open(link)
    assert answer.status_code == 403
    assert "does not work any more" in answer.text and "hub sign-in-link" in answer.text


def test_a_used_link_leads_in_whoever_is_signed_in_already(world: World) -> None:
    link = links.new_link(world.hub).removeprefix(world.hub.settings.public_url)
    assert [world.open(link).status_code for _ in range(2)] == [303, 303]


def test_looking_ahead_does_not_use_a_link_up(world: World) -> None:
    link = links.new_link(world.hub).removeprefix(world.hub.settings.public_url)
    assert world.browser.head(link).status_code == 204
    assert world.browser.get(link, headers={"Sec-Purpose": "prefetch"}).status_code == 204
    assert world.open(link).status_code == 303


def test_whoever_sends_wrong_links_keeps_nobody_else_out(world: World) -> None:
    """Behind a proxy all come from one address."""
    codes = {world.open(f"/sign-in/{number:064x}").status_code for number in range(100)}
    assert codes == {403}
    assert world.sign_in().status_code == 303


def test_signing_out_ends_the_session_for_good(world: World) -> None:
    world.sign_in()
    cookie = world.browser.get_cookie("regulars")
    assert cookie is not None
    assert world.send("/sign-out").status_code == 200
    world.browser.set_cookie("regulars", cookie.value)
    assert world.open(HOME).status_code == 401


@pytest.mark.parametrize("path", ["/w/1/practice/order", "/sign-out"])
def test_the_address_of_a_form_typed_by_hand_is_no_page_but_leads_to_one(world: World, path: str) -> None:
    answer = world.open(path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")
    assert "There is no such page." in answer.text and 'href="/"' in answer.text


def test_over_https_the_cookie_goes_nowhere_else(tmp_path: Path) -> None:
    world = make_world(Settings(home=tmp_path, public_url="https://hub.crumb.example"))
    answer = world.sign_in()
    cookie = answer.headers["Set-Cookie"]
    world.hub.close()
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert cookie.startswith("__Host-regulars=")
    assert "Secure" in cookie and "Path=/" in cookie and "Domain" not in cookie


def test_neither_the_database_nor_a_backup_lets_anybody_in(world: World, tmp_path: Path) -> None:
    word = word_of(links.new_link(world.hub))
    session = links.sign_in(world.hub, word_of(links.new_link(world.hub)))
    assert session is not None
    make_backup(world.hub, tmp_path / "backup.db")
    stored = (tmp_path / "hub.db").read_bytes() + (tmp_path / "hub.db-wal").read_bytes()
    for secret in (word, session):
        assert secret.encode() not in stored and bytes.fromhex(secret) not in stored
    with sa.create_engine(f"sqlite:///{tmp_path / 'backup.db'}").connect() as copy:
        assert not copy.execute(sa.select(schema.session)).all()
        assert not copy.execute(sa.select(schema.sign_in_link)).all()
    copy.engine.dispose()


def test_links_and_sessions_that_ended_are_forgotten(world: World) -> None:
    links.new_link(world.hub)
    world.sign_in()
    world.clock.advance(15 * 86400)
    links.new_link(world.hub)
    with world.hub.database.read() as connection:
        assert len(connection.execute(sa.select(schema.sign_in_link)).all()) == 1
        assert not connection.execute(sa.select(schema.session)).all()


@pytest.mark.parametrize("path", [HOME, "/w/1/runs/1", "/nowhere", "/assets/page.css", "/sign-in/x"])
@pytest.mark.parametrize("signed_in", [True, False])
def test_every_answer_forbids_what_the_page_does_not_need(world: World, path: str, signed_in: bool) -> None:
    if signed_in:
        world.sign_in()
    headers = world.open(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    if not path.startswith("/assets") and path != "/sign-in/x":
        assert headers["Cache-Control"] == "no-store"


def test_without_https_nothing_asks_for_it(world: World) -> None:
    assert "Strict-Transport-Security" not in world.open(HOME).headers


def test_what_providers_call_is_left_as_it_is(world: World) -> None:
    assert "Content-Security-Policy" not in world.open("/healthz").headers


def test_a_page_that_breaks_tells_nothing_of_what_it_was_about(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.sign_in()

    def broken(*_: object) -> None:
        raise RuntimeError("ada@example.com")

    monkeypatch.setattr("hub.setup.pages.home.everything", broken)
    answer = world.open(HOME)
    assert answer.status_code == 503
    assert "Try again" in answer.text
    assert "ada@example.com" not in answer.text + caplog.text


def test_a_changed_secret_key_ends_every_session(world: World) -> None:
    world.sign_in()
    fresh = Keyring(["n" * 40, (world.hub.settings.home / "secret.key").read_text().strip()])
    world.hub.workspaces.rotate(fresh)
    assert world.open(HOME).status_code == 401
