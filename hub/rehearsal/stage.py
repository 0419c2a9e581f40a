"""Where rehearsals are played: a hub like any other, whose database is in memory, whose providers are the practice
services in this very process, whose time goes on when it is told to, and which has no threads.

Making one takes some hundred milliseconds, so each is used again, and is as new each time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa

from .. import metrics, registry
from ..connection import filled_in
from ..connector import Connector
from ..core import Hub
from ..errors import OutcomeUnknown, ServiceDown
from ..event import Channel, Event, Person
from ..http import INSIDE, only_inside
from ..people import People, Said
from ..practice import moment
from ..practice.server import environment, header_key, service_of
from ..practice.service import ConnectionDropped, Practice, Request
from ..settings import Settings
from ..timing import Chance, FrozenClock
from ..workspaces import Workspace
from .driving import Woken
from .memory import MemoryDatabase

PLACE = (INSIDE.partition("://")[2], 80)
SEED = 1
"""Of what is by chance, so that a rehearsal comes out the same each time."""


Heard = Callable[[Channel, Iterable[str]], Mapping[str, Said]]
"""What recipients said about messages on a channel, for those who did."""


class Crowd(People):
    """Everyone in a rehearsal. If they `agreed`, whoever said nothing about messages counts as having said yes; else
    what they `said` before it began counts, if that is known."""

    agreed = True
    said: Heard | None = None

    def consents(
        self, connection: sa.Connection, workspace: Workspace, channel: Channel, recipients: Iterable[str]
    ) -> dict[str, Said]:
        asked = list(recipients)
        before = {recipient: Said(True, "rehearsal") for recipient in asked} if self.agreed else {}
        if self.said is not None:
            before |= self.said(channel, asked)
        return before | super().consents(connection, workspace, channel, asked)


@dataclass
class Services:
    """The practice services of one rehearsal, each with an account that nobody else has."""

    known: dict[str, Practice | None] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, connector: Connector) -> Practice | None:
        if connector.name not in self.known:
            self.known[connector.name] = service_of(connector)
        return self.known[connector.name]

    @contextmanager
    def at(self, connector: Connector) -> Iterator[Practice | None]:
        """A connector's service, as it is in this rehearsal; None if it brings none."""
        service = self.of(connector)
        if service is None:
            yield None
            return
        with service.apart(self.states.setdefault(connector.name, {})):
            yield service

    def meet(self, event: Event) -> None:
        """Has the provider know what it tells by this event."""
        with self.at(registry.connector(event.type.partition(".")[0])) as service:
            if service is not None:
                service.meet(event)

    def welcome(self, connector: Connector, person: Person, chosen: Mapping[str, Any]) -> None:
        """Has a provider know somebody who agreed to all that it sends."""
        with self.at(connector) as service:
            if service is not None:
                service.welcome(person, chosen)

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Answers a call to the provider whose name its path begins with."""
        name, _, rest = target.lstrip("/").partition("/")
        named = {header_key(key): value for key, value in headers.items()}
        about = environment(method, f"/{rest}", named, body, PLACE) | {"SCRIPT_NAME": f"/{name}"}
        with self.at(registry.connector(name)) as service:
            if service is None:
                raise ServiceDown("There is no practice service for it.")
            try:
                answer = service.handle(Request(about))
            except ConnectionDropped:
                raise OutcomeUnknown("The service did not answer, so it may or may not have happened.") from None
            return answer.status_code, dict(answer.headers), answer.get_data()


class Stage:
    """One hub for rehearsals, one after another, each in whatever thread enters it."""

    def __init__(self) -> None:
        settings = Settings(home=Path("/nowhere"), secret_key=secrets.token_hex(32), database_url="sqlite://")
        self.database, self.clock, self.woken = MemoryDatabase(), FrozenClock(), Woken()
        self.hub = Hub(settings, clock=self.clock, chance=Chance(SEED), wakeups=self.woken, database=self.database)
        self.hub.linger_seconds = self.hub.gather_seconds = 0.0
        self.hub.has_threads = self.hub.keeps_limits = False
        self.people = self.hub.people = Crowd(self.database)
        self.workspace = self.hub.workspaces.add("Rehearsal")
        self.services = Services()
        self._accounts: dict[str, str] = {}
        self._image = self.database.image()

    def account(self, connector: Connector) -> str:
        """The id of the account of a service; it is there from the beginning of each rehearsal."""
        if connector.name not in self._accounts:
            self.database.become(self._image)
            service = self.services.of(connector)
            fields: dict[str, Any]
            client: Any
            if service is None:
                fields, client = {}, connector  # a stand-in answers everything
            else:
                fields, client = filled_in(connector, service.account), None
                fields["base_url"] = f"{INSIDE}/{connector.name}"
            made = self.hub.connections.put(self.workspace, connector, connector.title, fields, client)
            self._accounts[connector.name] = made
            self._image = self.database.image()
        return self._accounts[connector.name]

    @contextmanager
    def begun(self, at: int) -> Iterator[None]:
        """A rehearsal that begins at an instant, in milliseconds: nothing of any other one is there."""
        self.database.become(self._image)
        self.hub.workspaces.forget()
        self.hub.enabled.forget()
        self.hub.events.clear()
        for account in self._accounts.values():
            self.hub.connections.forget(account)
        self.hub.chance = Chance(SEED)
        self.woken.take()
        self.clock.go_to(at)
        self.services.states.clear()
        with only_inside(self.services.answer), moment.told_by(self.clock), metrics.uncounted():
            yield


_free: list[Stage] = []
_lock = Lock()
MOST_KEPT = 4


@contextmanager
def stage() -> Iterator[Stage]:
    """A stage that nobody else is on."""
    with _lock:
        found = _free.pop() if _free else None
    taken = found or Stage()
    try:
        yield taken
    finally:
        with _lock:
            if len(_free) < MOST_KEPT:
                _free.append(taken)
