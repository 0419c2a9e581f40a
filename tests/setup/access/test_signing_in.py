"""Signing in with e-mail and password, and with a code where one is wanted."""

from __future__ import annotations

import threading

import pytest

from hub import schema
from hub.sealing import Keyring
from hub.setup.access import passwords, second_factor, sessions, users
from hub.setup.access.passwords import TRIES, TooManyTries
from hub.setup.access.users import User

from .conftest import PASSWORD, Browser, World, browser, code_of, forget, hashed, joined, signed_in, stored

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def with_second_factor(world: World, user: User) -> User:
    with world.hub.database.write() as connection:
        second_factor.switch_on(world.hub, connection, user, SECRET, 0)
    found = users.get(world.hub, user.id)
    assert found is not None and found.has_second_factor
    return found


def is_in(who: Browser) -> bool:
    return who.get("/account").status_code == 200


def test_with_e_mail_and_password_one_comes_in(world: World, ada: User) -> None:
    mine = browser(world)
    assert not is_in(mine)
    answer = mine.client.post(
        "/sign-in", data={"email": " Ada@Example.com ", "password": PASSWORD, "next": "/w/1/team"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/w/1/team")
    assert is_in(mine)


@pytest.mark.parametrize(
    ("email", "password"),
    [("ada@example.com", "another word"), ("nobody@example.com", PASSWORD), ("x", PASSWORD), ("ada@example.com", "")],
)
def test_what_is_wrong_is_not_told_apart(world: World, ada: User, email: str, password: str) -> None:
    mine = browser(world)
    answer = mine.client.post("/sign-in", data={"email": email, "password": password})
    assert not is_in(mine)
    if password:
        assert answer.status_code == 403
        assert "E-mail and password do not fit together" in answer.text
    assert f'value="{email}"' in answer.text, "what was typed stays"
    assert PASSWORD not in answer.text and "another word" not in answer.text, "but no password is shown again"


def test_whoever_has_no_password_yet_cannot_come_in_with_any(world: World) -> None:
    with world.hub.database.write() as connection:
        users.add(world.hub, connection, "Eve", "eve@example.com")
    for password in ("", "nobody has this password"):
        assert browser(world).client.post(
            "/sign-in", data={"email": "eve@example.com", "password": password}
        ).status_code in (200, 403)
    assert passwords.sign_in(world.hub, "eve@example.com", "nobody has this password") is None


def test_after_a_few_wrong_tries_even_the_right_password_has_to_wait(world: World, ada: User) -> None:
    mine = browser(world)
    for _ in range(TRIES):
        assert mine.enter(ada, "wrong words, all of them").status_code == 403
    answer = mine.enter(ada)
    assert answer.status_code == 429
    assert "too many tries" in answer.text
    assert joined(world, "staff", "bob@example.com")
    world.clock.advance(15 * 60)
    assert mine.enter(ada).status_code == 303


def test_others_are_not_kept_out_by_it(world: World, ada: User) -> None:
    bob, mine = joined(world, "staff", "bob@example.com"), browser(world)
    for _ in range(TRIES + 1):
        mine.enter(ada, "wrong words, all of them")
    assert mine.enter(bob).status_code == 303


def test_coming_in_forgets_the_wrong_tries(world: World, ada: User) -> None:
    mine = browser(world)
    for _ in range(3):
        for _ in range(TRIES - 1):
            mine.enter(ada, "wrong words, all of them")
        assert mine.enter(ada).status_code == 303
    assert not stored(world, schema.sign_in_attempt)


def test_many_tries_at_once_are_all_counted(world_on_any_database: World) -> None:
    hub, refused, together = world_on_any_database.hub, [], threading.Barrier(2 * TRIES)

    def attempt() -> None:
        together.wait()
        try:
            passwords.note_try(hub, "password ada@example.com")
        except TooManyTries:
            refused.append(1)

    threads = [threading.Thread(target=attempt) for _ in range(2 * TRIES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == TRIES


@pytest.mark.parametrize(
    "next",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "evil",
        "",
        "///x",
    ],
)
def test_signing_in_leads_to_nobody_elses_page(world: World, ada: User, next: str) -> None:
    answer = browser(world).client.post("/sign-in", data={"email": ada.email, "password": PASSWORD, "next": next})
    assert answer.headers["Location"] == "/"


def test_the_page_that_was_asked_for_comes_after_signing_in(world: World, ada: User) -> None:
    page = browser(world).get("/w/1/changes?before=7").text
    assert 'name="next" type="hidden" value="/w/1/changes?before=7"' in page


# ---- the second step


def test_with_a_second_step_the_password_alone_lets_nobody_in(world: World, ada: User) -> None:
    with_second_factor(world, ada)
    mine = browser(world)
    answer = mine.client.post("/sign-in", data={"email": ada.email, "password": PASSWORD, "next": "/w/1/team"})
    assert answer.headers["Location"] == "/sign-in/code?next=/w/1/team"
    for path in ("/", "/w/1/", "/account"):
        assert mine.get(path).headers["Location"].startswith("/sign-in/code")
    assert mine.client.post("/sign-out").status_code == 303


def enter_code(mine: Browser, code: str) -> int:
    page = mine.get("/sign-in/code").text
    token = page.partition('name="token" value="')[2].partition('"')[0]
    return mine.client.post("/sign-in/code", data={"token": token, "code": code, "next": "/w/1/"}).status_code


def test_the_code_lets_one_in_once(world: World, ada: User) -> None:
    with_second_factor(world, ada)
    mine, code = browser(world), code_of(world, SECRET)
    mine.enter(ada)
    assert enter_code(mine, f"{code[:3]} {code[3:]}") == 303
    assert is_in(mine)
    other = browser(world)
    other.enter(ada)
    assert enter_code(other, code) == 403, "whoever saw it over a shoulder cannot use it again"
    world.clock.advance(30)
    assert enter_code(other, code_of(world, SECRET)) == 303


@pytest.mark.parametrize(("later", "works"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_a_phones_clock_may_be_half_a_minute_off(world: World, ada: User, later: int, works: bool) -> None:
    with_second_factor(world, ada)
    mine = browser(world)
    mine.enter(ada)
    assert (enter_code(mine, code_of(world, SECRET, later)) == 303) == works


def test_codes_cannot_be_tried_out(world: World, ada: User) -> None:
    with_second_factor(world, ada)
    mine = browser(world)
    mine.enter(ada)
    codes = [enter_code(mine, "000000" if code_of(world, SECRET) != "000000" else "111111") for _ in range(TRIES + 1)]
    assert codes == [403] * TRIES + [429]
    assert enter_code(mine, code_of(world, SECRET)) == 429


def test_the_question_for_a_code_ends_soon(world: World, ada: User) -> None:
    with_second_factor(world, ada)
    mine = browser(world)
    mine.enter(ada)
    world.clock.advance(10 * 60)
    assert mine.get("/sign-in/code").headers["Location"] == "/"
    assert not is_in(mine)


# ---- sessions


def test_whoever_is_removed_is_out_at_once(world: World, ada: User) -> None:
    mine = signed_in(world, ada)
    assert is_in(mine)
    forget(world, ada)
    assert mine.get("/account").status_code == 401


def test_a_session_from_before_there_were_users_lets_nobody_in(world: World) -> None:
    row = {"hash": sessions.hashed(world.hub, "session", "w"), "until": world.clock.now() + 10**6}
    world.insert(schema.session, row)
    assert sessions.find(world.hub, "w") is None


# ---- what is kept


def test_neither_names_nor_passwords_nor_secrets_are_readable_in_the_database(world: World, ada: User) -> None:
    with_second_factor(world, ada)
    signed_in(world, ada)
    home = world.hub.settings.home
    kept = (home / "hub.db").read_bytes() + (home / "hub.db-wal").read_bytes()
    for text in (ada.email, PASSWORD, SECRET):
        assert text.encode() not in kept
    assert ada.email not in repr(ada)


def test_users_stay_when_the_secret_key_is_exchanged(world: World, ada: User) -> None:
    with_second_factor(world, ada)
    fresh = Keyring(["n" * 40, (world.hub.settings.home / "secret.key").read_text().strip()])
    world.hub.workspaces.rotate(fresh)
    found = users.by_email(world.hub, "ada@example.com")
    assert found is not None and (found.name, found.id) == ("Ada", ada.id)
    with world.hub.database.write() as connection:
        assert second_factor.use(world.hub, connection, found, code_of(world, SECRET))
    mine = browser(world)
    assert mine.enter(ada).status_code == 303


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "x" * 201])
def test_a_password_that_is_easy_to_guess_is_not_taken(password: str) -> None:
    with pytest.raises(passwords.SettingInvalid):
        passwords.hashed_password(password)


def test_a_password_is_kept_as_argon2(world: World, ada: User) -> None:
    assert stored(world, schema.hub_user)[0].password == hashed()
    assert hashed().startswith("$argon2id$v=19$m=65536,t=3,p=4$")
