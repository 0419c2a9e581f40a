"""Renewing access tokens: ahead of time by the clock, and by whoever finds that one has ended.

Some providers take a refresh token once and give another one. So one process renews at a time, under a lease, and what
came is committed before anybody uses it. If a process is killed between the provider's answer and that commit, the
next one asks again with the refresh token that is known: either the provider gives tokens again, or it says that this
one is used up, and then the account needs a new login. Its steps wait for that; none is lost or done twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from .. import schema
from ..connections import NEEDS_LOGIN, READY, Connection
from ..core import Hub
from ..errors import ActionFailed, HubError, NotAuthorized, ServiceDown
from ..http import LONGEST_CALL_SECONDS
from ..wakeups import perform
from .apps import app_at
from .login import LOGIN, kept, login_in
from .tokens import tokens_for_refresh

log = logging.getLogger("hub.oauth")
T = TypeVar("T")

LEASE_SECONDS = LONGEST_CALL_SECONDS + 15.0
AGAIN_MS = 60_000
"""How long after a provider gave no answer it is asked again, ahead of time."""

SWEEP_SECONDS = 20.0
"""Where providers take long to answer, the rest is renewed when it comes round again: other chores wait for it."""

_TRIES, _PAUSE_SECONDS = 100, 0.1


def renewed(hub: Hub, connection: Connection, *, doubted: bool = False) -> Connection:
    """The connection with another access token than this one has: one that somebody renewed meanwhile, else renews it.
    `doubted`: because this one was not accepted.

    Raises NotAuthorized if the account needs a new login, which is written down then, and TryLater if the provider, or
    the process that renews it just now, does not answer.
    """
    for _ in range(_TRIES):
        found = hub.connections.get(connection.id, fresh=True)
        if _differs(found, connection):
            return found
        lease = hub.database.acquire(f"oauth:{connection.id}", LEASE_SECONDS)
        if lease is not None:
            try:
                return _renew(hub, connection, doubted)
            finally:
                hub.database.release(lease)
        hub.pause(_PAUSE_SECONDS)
    raise ServiceDown("Another process is renewing the login, and is not done yet. It is tried again later.")


def asked(hub: Hub, connection: Connection, work: Callable[[Any], T]) -> T:
    """What `work` gives, which asks something with the account's client and may do so again: a token that has ended is
    renewed before, one that is not accepted is renewed once. Raises what `work` and `renewed` raise."""
    login = connection.login
    if login is not None and login.is_over(hub.clock.now()):
        connection = renewed(hub, connection)
    try:
        return work(hub.connections.client(connection))
    except NotAuthorized as error:
        login = connection.login
        if error.status != 401 or login is None or not login.may_renew(hub.clock.now()):
            raise
    return work(hub.connections.client(renewed(hub, connection, doubted=True)))


def renew_due(hub: Hub, stopping: Callable[[], bool] = lambda: False) -> None:
    """Renews every login whose time has come: well before its token ends."""
    table = schema.connection
    with hub.database.read() as database:
        query = sa.select(table.c.id).where(table.c.state == READY, table.c.renew_at <= hub.clock.now())
        ids = database.execute(query.order_by(table.c.renew_at)).scalars().all()
    until = hub.clock.monotonic() + SWEEP_SECONDS
    for connection_id in ids:
        if stopping() or hub.clock.monotonic() >= until:
            return
        try:
            connection = hub.connections.get(connection_id, fresh=True)
            login = connection.login
            if login is not None and login.renew_at is not None and login.renew_at <= hub.clock.now():
                renewed(hub, connection)
        except NotAuthorized as lost:
            log.warning("%s needs a new login: %s", connection_id, lost)
        except ActionFailed as error:
            log.warning("%s: its login could not be renewed, and is again in a minute: %s", connection_id, error)
            _put_off(hub, connection_id)
        except HubError as error:  # one business's trouble is not the others'
            log.warning("%s: its login cannot be renewed: %s", connection_id, error)
            _put_off(hub, connection_id)


def _renew(hub: Hub, connection: Connection, doubted: bool) -> Connection:
    found = hub.connections.get(connection.id, fresh=True)
    if _differs(found, connection):
        return found
    oauth, login = found.connector.oauth, found.login
    if found.state != READY or oauth is None or login is None or login.refresh_token is None:
        reason = found.reason if found.state == NEEDS_LOGIN else None
        raise NotAuthorized(reason or "This login cannot be renewed. Connect the account again.")
    title = found.connector.title
    app = app_at(hub.workspaces, found.connector, found.fields.get("base_url"))
    if app is None or app.client_id != login.client_id:
        raise _lost(hub, found, f"The hub's app at {title} is not the one any more that this account was connected by.")
    now = hub.clock.now()
    try:
        tokens = tokens_for_refresh(oauth, app, found.fields, login.refresh_token)
    except NotAuthorized as error:
        raise _lost(hub, found, f"{title} does not renew the login: {error}") from None
    keeps = oauth.keeps

    def change(fields: dict[str, Any]) -> dict[str, Any] | None:
        if login_in(fields) != login or fields.get(keeps) != found.fields.get(keeps):
            return None  # somebody connected the account again meanwhile: that login counts
        return fields | {keeps: tokens.access_token, LOGIN: kept(tokens, login.client_id, now, doubted=doubted)}

    hub.database.retrying(lambda: hub.connections.change_fields(found, change))
    return hub.connections.get(found.id, fresh=True)


def _differs(found: Connection, known: Connection) -> bool:
    """Whether a connection that can be used has another access token than is known."""
    oauth = known.connector.oauth
    return oauth is not None and found.state == READY and found.fields.get(oauth.keeps) != known.fields.get(oauth.keeps)


def _lost(hub: Hub, connection: Connection, why: str) -> NotAuthorized:
    """Writes down that a person must connect the account again, and lets those pass whose steps do not wait for it."""
    reason = f"{why.rstrip('.')}. Connect the account again; what waits goes on then."
    hub.connections.lose_login(connection, reason)
    hub.wakeups.wake(perform(connection.id))
    return NotAuthorized(reason)


def _put_off(hub: Hub, connection_id: str) -> None:
    table, now = schema.connection, hub.clock.now()
    with hub.database.write() as database:
        mine = sa.update(table).where(table.c.id == connection_id, table.c.renew_at <= now)
        database.execute(mine.values(renew_at=now + AGAIN_MS))
