"""Connections as an owner sees them: how each is, what can be connected, what a disconnection would stop."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa

from .. import registry, schema, silence
from ..connections import NEEDS_LOGIN, PAUSED, READY, Connection
from ..connector import Connector
from ..core import Hub
from ..errors import ConnectorInvalid, HubError, NotAuthorized, TryLater, scrubbed
from ..practice.accounts import is_practice
from ..recipe import Recipe
from ..workspaces import Workspace
from . import queries, words
from .language import _, parts
from .queries import Account
from .retold import told
from .words import CATCHING_UP, NEEDS_YOU, OFF, STATES, WORKING, Said, State, Tool


@dataclass(frozen=True)
class AccountLine:
    """A connection, with its state in words. `technical` is for the consultant."""

    id: str
    tool: Tool
    label: str
    state: State
    says: Said
    technical: str | None
    is_practice: bool


@dataclass(frozen=True)
class Offer:
    """A service that can be connected: what it is for, what it tells, what can be done there."""

    name: str
    tool: Tool
    about: str
    tells: tuple[str, ...]
    does: tuple[str, ...]
    can_practise: bool
    can_log_in: bool
    knows_oauth: bool


@dataclass(frozen=True)
class Stops:
    """What a disconnection stops: recipes by their titles, and how many steps wait for the account."""

    recipes: tuple[str, ...]
    steps: int


def line(account: Account, now: int) -> AccountLine:
    """How an account is."""
    connection = account.connection
    says: Said
    if connection.state == NEEDS_LOGIN:
        state, says = STATES[NEEDS_YOU], (_("sign in again"),)
    elif connection.state == PAUSED:
        state, says = STATES[OFF], (_("paused, with all sending"),)
    elif connection.state != READY:
        state, says = STATES[OFF], (_("disconnected"),)
    elif until := account.paused_at(now):
        state, says = STATES[CATCHING_UP], parts("tried again at %(at)s", at=words.moment(until, now))
    elif account.silent is not None:
        span, usual = silence.in_words(*account.silent, now)
        state, says = (
            STATES[NEEDS_YOU],
            (_("nothing heard for %(span)s, usually every %(usual)s", span=span, usual=usual),),
        )
    else:
        heard = account.last_event_at
        state, says = (
            STATES[WORKING],
            (_("last event %(ago)s", ago=words.ago(heard, now)) if heard else _("no event yet"),),
        )
    technical = told(connection.reason) if connection.reason and connection.state != READY else None
    tool = Tool(connection.connector.title)
    return AccountLine(connection.id, tool, connection.label, state, says, technical, is_practice(connection))


def lines(hub: Hub, workspace: Workspace) -> list[AccountLine]:
    """Every account of a workspace that is not disconnected, then those that are."""
    now = hub.clock.now()
    found = queries.accounts(hub, workspace)
    return [line(account, now) for account in sorted(found, key=lambda item: item.connection.state == "off")]


def happenings(connection: Connection) -> list[tuple[str, str]]:
    """What can happen at a practice account, each with its title."""
    from ..practice.server import service_of

    service = service_of(connection.connector)
    found = (
        [(name, told(service.title_of(name), connection.connector.package)) for name in service.happenings]
        if service
        else []
    )
    return sorted(found, key=lambda item: item[1])


def offers(hub: Hub) -> list[Offer]:
    """Everything that can be connected here. What a package declares wrongly is left out: `hub check` tells of it."""
    found = []
    for name in registry.connector_names():
        with suppress(ConnectorInvalid):
            found.append(offer(hub, registry.connector(name)))
    return found


def offer(hub: Hub, connector: Connector) -> Offer:
    tells = [
        told(trigger.title, connector.package) for trigger in connector.triggers.values() if trigger.privacy is None
    ]
    has_practice = importlib.util.find_spec(f"{connector.package}.practice") is not None
    return Offer(
        name=connector.name,
        tool=Tool(connector.title),
        about=told(connector.about, connector.package),
        tells=tuple(dict.fromkeys(tells)),
        does=tuple(dict.fromkeys(told(action.title, connector.package) for action in connector.actions.values())),
        can_practise=has_practice and hub.practice is not None,
        can_log_in=connector.oauth is not None and has_app(hub, connector),
        knows_oauth=connector.oauth is not None,
    )


def with_oauth() -> list[Connector]:
    """The services whose accounts can be connected by signing in there."""
    found = []
    for name in registry.connector_names():
        with suppress(ConnectorInvalid):
            found.append(registry.connector(name))
    return [connector for connector in found if connector.oauth is not None]


def has_app(hub: Hub, connector: Connector) -> bool:
    """Whether this hub has its own app there, without which nobody can sign in."""
    from ..oauth.apps import app_at

    return app_at(hub.workspaces, connector) is not None


def stops(hub: Hub, workspace: Workspace, connection: Connection) -> Stops:
    """What stops when a connection is switched off."""
    step = schema.step
    waiting = sa.select(sa.func.count()).where(
        step.c.connection_id == connection.id, step.c.state.in_(("waiting", "claimed"))
    )
    with hub.database.read() as database:
        steps = database.execute(waiting).scalar_one()
    return Stops(tuple(words.recipe_title(recipe) for recipe in used_by(hub, workspace, connection)), steps)


def used_by(hub: Hub, workspace: Workspace, connection: Connection) -> list[Recipe]:
    """The recipes that are on and use an account."""
    return [recipe for recipe, entry in hub.enabled.of(workspace) if connection.id in entry.connections.values()]


def in_place_of(hub: Hub, workspace: Workspace, connection: Connection) -> list[str]:
    """Titles of the recipes that still use a practice account of the service that this real account is of."""
    if is_practice(connection) or connection.state == "off":
        return []
    found = []
    for practice in _practice_twins(hub, workspace, connection):
        found += [words.recipe_title(recipe) for recipe in used_by(hub, workspace, practice)]
    return found


def take_place(hub: Hub, workspace: Workspace, connection: Connection) -> list[str]:
    """Has the recipes that use a practice account of this service use this account; gives their titles. Runs under way
    end with the account that they began with. Raises SetupError for settings that do not fit any more."""
    titles = []
    for practice in _practice_twins(hub, workspace, connection):
        for recipe, entry in list(hub.enabled.of(workspace)):
            if practice.id in entry.connections.values():
                bound = {**entry.connections, connection.connector.name: connection.id}
                hub.enabled.enable(workspace, recipe.name, {**entry.settings, **bound})
                titles.append(words.recipe_title(recipe))
    return titles


def _practice_twins(hub: Hub, workspace: Workspace, connection: Connection) -> list[Connection]:
    return [
        other
        for other in hub.connections.list(workspace)
        if other.connector.name == connection.connector.name and other.id != connection.id and is_practice(other)
    ]


def why_not(connector: Connector, given: Mapping[str, str], error: HubError) -> str:
    """Why an account could not be connected, as a sentence with the way out; nothing secret is told."""
    if isinstance(error, TryLater):
        return _(
            "%(service)s does not answer just now, so nothing was saved. Try again in a minute.",
            service=connector.title,
        )
    secret = [value for name, value in given.items() if name not in connector.fields or connector.fields[name].secret]
    if isinstance(error, NotAuthorized):
        return _(
            "%(service)s did not let the hub in with this. Copy each key again, as a whole, and mind that it is this "
            "account's. %(service)s says: %(answer)s",
            service=connector.title,
            answer=told(scrubbed(str(error), secret)),
        )
    return told(scrubbed(str(error), secret))


def refused_lately(hub: Hub, connection: Connection) -> tuple[int, str] | None:
    """When a delivery was refused last, if after the latest that was taken, and why."""
    table = schema.connection
    query = sa.select(table.c.refused_at, table.c.refused_why, table.c.last_event_at)
    with hub.database.read() as database:
        row = database.execute(query.where(table.c.id == connection.id)).one()
    if row.refused_at is None or (row.last_event_at is not None and row.last_event_at > row.refused_at):
        return None
    return row.refused_at, row.refused_why


def technical(hub: Hub, connection: Connection) -> str:
    """What a consultant wants to know about a connection, as JSON; no secret is in it."""
    document = {
        "id": connection.id,
        "connector": connection.connector.name,
        "state": connection.state,
        "reason": connection.reason,
        "webhook_url": hub.connections.webhook_url(connection) if not _is_secret_url(connection) else None,
        "fields": {name: _shown(connection, name) for name in connection.fields},
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _is_secret_url(connection: Connection) -> bool:
    return connection.connector.function("webhook_url") is not None


def _shown(connection: Connection, name: str) -> object:
    declared = connection.connector.fields.get(name)
    is_plain = name == "base_url" or (declared is not None and not declared.secret)
    return connection.fields[name] if is_plain else "kept, and never shown"


def plain_fields(connection: Connection) -> dict[str, str]:
    """What an account was connected with, without what is secret."""
    found = {}
    for name, value in connection.fields.items():
        declared = connection.connector.fields.get(name)
        if name == "base_url" or (declared is not None and not declared.secret):
            found[name] = ", ".join(value) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
    return found
