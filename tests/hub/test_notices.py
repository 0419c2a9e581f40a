"""People are told that something needs them: once, at once, and by a real SMTP server."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa

from hub import mail, notices, schema
from hub.clock import Clock
from hub.errors import ServiceDown, SettingInvalid, SetupError
from hub.ids import new_id
from tests.carriers import ByThreads, Carrier
from tests.servers import until
from tests.world import World

HALF_HOUR = 30 * 60


@pytest.fixture
def carrier() -> Carrier:
    return ByThreads()


class Inbox(socketserver.ThreadingTCPServer):
    """An SMTP server that takes what comes, or refuses everything."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Dialogue)
        self.mails: list[tuple[list[str], bytes]] = []
        self.refuses = False

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Dialogue(socketserver.StreamRequestHandler):
    server: Inbox

    def handle(self) -> None:
        to: list[str] = []
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line[:4].upper()
            if word == "DATA":
                self._say("354 go on")
                parts = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append((to, b"".join(parts)))
            if word == "RCPT":
                to.append(line.partition("<")[2].rstrip(">"))
            if word == "QUIT":
                return self._say("221 bye")
            self._say("554 no" if self.server.refuses and word == "MAIL" else "250 fine")
        return None

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def told(world: World, inbox: Inbox) -> World:
    """A world whose owner is told by e-mail."""
    world.hub.settings = replace(world.hub.settings, smtp_url=inbox.url, mail_from="hub@crumb.example")
    notices.set_targets(world.hub, world.workspace, notices.Targets(notices.checked_emails(" Ada@Example.com,")))
    return world


def lose_login(world: World) -> str:
    found = world.hub.connections.list(world.workspace)
    connection_id = found[0].id if found else "c1"
    if not found:
        row = {
            "id": connection_id,
            "workspace_id": world.workspace.id,
            "connector": "mailchimp",
            "label": "Crumb",
            "state": "ready",
            "fields": world.workspace.sealer.seal(b"{}", f"connection {connection_id}"),
            "created_at": world.clock.now(),
            "changed_at": world.clock.now(),
            "quota": "{}",
        }
        with world.hub.database.write() as connection:
            connection.execute(sa.insert(schema.connection).values(row))
    world.hub.connections.set_state(connection_id, "needs_login", "The key was revoked.")
    return connection_id


def run_that(world: World, state: str) -> None:
    now = world.clock.now()
    row = {
        "id": new_id(),
        "workspace_id": world.workspace.id,
        "enabled_id": 1,
        "recipe": "thanks",
        "version": "0" * 32,
        "event_id": 1,
        "event_at": now,
        "state": state,
        "started_at": now,
        "ended_at": now if state == "failed" else None,
    }
    with world.hub.database.write() as connection:
        connection.execute(sa.insert(schema.run).values(row))


def test_nobody_is_told_while_all_is_well(told: World, inbox: Inbox) -> None:
    assert notices.tell(told.hub) == 0 and inbox.mails == []


def test_what_needs_somebody_is_told_once_and_names_nobody(told: World, inbox: Inbox) -> None:
    run_that(told, "held")
    assert notices.tell(told.hub) == 1
    for _ in range(3):
        told.clock.advance(2 * HALF_HOUR)
        assert notices.tell(told.hub) == 0
    ((to, content),) = inbox.mails
    message = message_from_bytes(content, policy=policy.default)
    assert to == ["ada@example.com"]
    assert message["Subject"] == f"{told.workspace.name}: 1 thing waits for you to decide."
    assert message["Auto-Submitted"] == "auto-generated"
    assert f"{told.hub.settings.public_url}/w/{told.workspace.id}/" in message.get_content()


def test_what_comes_soon_after_waits_and_goes_together(told: World, inbox: Inbox) -> None:
    run_that(told, "held")
    notices.tell(told.hub)
    run_that(told, "failed")
    run_that(told, "held")
    assert notices.tell(told.hub) == 0, "not twice within half an hour"
    told.clock.advance(HALF_HOUR)
    assert notices.tell(told.hub) == 1
    text = message_from_bytes(inbox.mails[-1][1], policy=policy.default).get_content()
    assert "2 things wait for you to decide." in text and "1 thing went wrong since yesterday." in text


def test_what_was_mended_and_breaks_again_is_told_again(told: World, inbox: Inbox) -> None:
    lost = lose_login(told)
    notices.tell(told.hub)
    told.hub.connections.set_state(lost, "ready", None)
    told.clock.advance(HALF_HOUR)
    assert notices.tell(told.hub) == 0
    lose_login(told)
    assert notices.tell(told.hub) == 1
    assert "needs you to sign in again" in str(inbox.mails[-1][1])


def test_what_did_not_arrive_is_tried_again_and_why_is_known(told: World, inbox: Inbox) -> None:
    run_that(told, "held")
    inbox.refuses = True
    notices.tell(told.hub)
    trouble = notices.standing(told.hub, told.workspace).trouble
    assert trouble is not None and "did not take an e-mail" in trouble
    inbox.refuses = False
    told.clock.advance(HALF_HOUR)
    assert notices.tell(told.hub) == 1 and len(inbox.mails) == 1
    assert notices.standing(told.hub, told.workspace).trouble is None


def test_the_clock_tells(told: World, inbox: Inbox) -> None:
    run_that(told, "failed")
    clock = Clock(told.hub)
    clock.start()
    until(lambda: inbox.mails, 20, "The e-mail")
    clock.stop()


@pytest.mark.parametrize("text", ["no address", "a@b.example, x", ",".join(["a@b.example"] * 11)])
def test_what_is_no_e_mail_or_too_many_are_refused(text: str) -> None:
    with pytest.raises(SettingInvalid):
        notices.checked_emails(text)


@pytest.mark.parametrize("url", ["http://x.example/", "x"])
def test_an_address_that_cannot_be_told_is_refused(world: World, url: str) -> None:
    with pytest.raises(SettingInvalid):
        notices.set_targets(world.hub, world.workspace, notices.Targets(url=url))
    assert notices.standing(world.hub, world.workspace).targets == notices.Targets()


def test_who_is_told_is_sealed(told: World) -> None:
    with told.hub.database.read() as connection:
        (row,) = connection.execute(sa.select(schema.notice)).all()
    assert b"ada" not in row.targets and "ada" not in repr(notices.standing(told.hub, told.workspace))


def test_without_a_server_no_e_mail_leaves(world: World) -> None:
    with pytest.raises(SetupError, match="SMTP_URL and MAIL_FROM are not set"):
        mail.send(world.hub.settings, ["ada@example.com"], "x", "y")


def test_a_password_is_never_sent_in_the_open(world: World, monkeypatch: pytest.MonkeyPatch, inbox: Inbox) -> None:
    monkeypatch.setattr("hub.mail._HERE", ())
    url = inbox.url.replace("//", "//ada:secret@")
    elsewhere = replace(world.hub.settings, smtp_url=url, mail_from="a@b.example")
    with pytest.raises(ServiceDown):
        mail.send(elsewhere, ["ada@example.com"], "x", "y")
    assert inbox.mails == []
