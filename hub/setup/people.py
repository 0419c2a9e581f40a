"""People and privacy, as the pages show them: one person by the keyed hash of a name, what services asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .. import addresses, erasure, schema
from ..core import Hub
from ..guards import complaints
from ..privacy import are_several
from ..workspaces import Workspace
from . import queries, words
from .activity import accounts_of
from .home import RunLine, run_line
from .language import _, lazy
from .words import DAY, NEEDS_YOU, Moment, State

LATEST_EVENTS = 200
LATEST_RUNS = 50
REQUESTS = 50

_WHO = re.compile(r"([ep])([0-9a-f]{32})")
CHANNELS = {"email": lazy("E-mail"), "sms": lazy("Text messages")}
ANSWER_WITHIN = 30 * DAY
"""How long a shop has for what a customer asks through it:
https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance"""


@dataclass(frozen=True)
class Who:
    """A person as they are named in addresses of pages: the keyed hash of an e-mail or a number, which tells neither
    to anybody who has not the workspace's key."""

    name: bytes
    is_number: bool

    def __str__(self) -> str:
        return ("p" if self.is_number else "e") + self.name.hex()


def named(hub: Hub, workspace: Workspace, text: str) -> Who:
    """Whoever has this e-mail or number. Raises NotFound if it is neither."""
    return Who(hub.people.name_of(workspace, text), is_number=addresses.email(text) is None)


def read_who(text: str) -> Who | None:
    """Who is named in a page's address; None if nobody can be."""
    found = _WHO.fullmatch(text)
    return Who(bytes.fromhex(found[2]), found[1] == "p") if found else None


@dataclass(frozen=True)
class Consent:
    """What somebody said about messages on a channel."""

    channel: str
    state: State
    at: Moment
    source: str


@dataclass(frozen=True)
class Known:
    """What is known about a person without opening anything. `is_shared`: several people have the number."""

    is_known: bool
    is_shared: bool
    consents: tuple[Consent, ...]
    runs: tuple[RunLine, ...]
    under_way: int
    complains: bool
    erased_at: Moment | None


def known(hub: Hub, workspace: Workspace, who: Who) -> Known:
    """What is known about whoever has this name."""
    now = hub.clock.now()
    with hub.database.read() as connection:
        ids = erasure.known_by(connection, workspace.id, {who.name})
        names = {who.name} | erasure.names_of(connection, ids)
        is_shared = who.is_number and are_several(connection, ids)
        # What one person said is not told as another's who shares the number.
        consents = _consents(connection, workspace, {who.name} if is_shared else names, now)
        event_ids = _events(connection, workspace, ids)
        complains = bool(ids) and bool(complaints.names_of(connection, ids))
        erased = _erased_at(connection, workspace, who.name)
    runs = queries.runs_of_events(hub, workspace, event_ids, LATEST_RUNS) if event_ids else []
    accounts = accounts_of(hub, workspace)
    return Known(
        is_known=bool(ids) or bool(consents),
        is_shared=is_shared,
        consents=tuple(consents),
        runs=tuple(run_line(run, now, accounts) for run in runs),
        under_way=sum(run.ended_at is None for run in runs),
        complains=complains,
        erased_at=words.moment(erased, now) if erased is not None else None,
    )


def names_in(export: Mapping[str, Any]) -> tuple[str, ...]:
    """The e-mails and numbers that somebody goes by, in what is kept about them."""
    told = [event["person"] for event in export["events"] if event["person"]]
    return tuple(dict.fromkeys(name for person in told for name in (person["email"], person["phone"]) if name))


def _events(connection: sa.Connection, workspace: Workspace, ids: set[int]) -> list[int]:
    """Their latest events, by the index of each one's own."""
    table = schema.event
    query = sa.select(table.c.id).where(table.c.workspace_id == workspace.id, table.c.person_id.in_(sorted(ids)))
    return list(connection.execute(query.order_by(table.c.id.desc()).limit(LATEST_EVENTS)).scalars()) if ids else []


def _consents(connection: sa.Connection, workspace: Workspace, names: set[bytes], now: int) -> list[Consent]:
    table = schema.consent
    query = sa.select(table).where(table.c.workspace_id == workspace.id, table.c.hash.in_(sorted(names)))
    yes, no = State("done", "✓", _("Yes")), State("over", "○", _("No"))
    return [
        Consent(
            str(CHANNELS.get(row.channel, row.channel)),
            yes if row.given else no,
            words.moment(row.at, now),
            _(
                "%(service)s: %(event)s",
                service=words.tool(row.source.partition(".")[0]).title,
                event=words.happening(row.source),
            ),
        )
        for row in connection.execute(query.order_by(table.c.channel, table.c.at))
    ]


def _erased_at(connection: sa.Connection, workspace: Workspace, name: bytes) -> int | None:
    table = schema.erasure
    query = sa.select(sa.func.max(table.c.at)).where(table.c.workspace_id == workspace.id, table.c.hash == name)
    return connection.execute(query).scalar()


# ---- what services ask for


@dataclass(frozen=True)
class Asked:
    """What somebody asked for through a service. `until`: when it must be answered; `can_be_given`: there is an answer
    to download."""

    id: int
    at: Moment
    service: str
    says: str
    state: State
    then: str
    until: Moment | None
    can_be_given: bool


_SAYS = {
    "export": lazy("A customer asks what is kept about them"),
    "erase": lazy("A customer asks to be erased"),
    "erase_all": lazy("The shop asks that all its customers are erased"),
}


def requests(hub: Hub, workspace: Workspace) -> list[Asked]:
    """What came through services, newest first."""
    table, account, now = schema.privacy_request, schema.connection, hub.clock.now()
    query = (
        sa.select(table.c.id, table.c.kind, table.c.state, table.c.at, account.c.connector)
        .add_columns(table.c.document.is_not(None).label("has_answer"))
        .join_from(table, account, account.c.id == table.c.connection_id, isouter=True)
        .where(table.c.workspace_id == workspace.id)
        .order_by(table.c.id.desc())
        .limit(REQUESTS)
    )
    with hub.database.read() as connection:
        return [_asked(row, now) for row in connection.execute(query)]


def _asked(row: Any, now: int) -> Asked:
    service = words.tool(row.connector).title if row.connector else _("A service that is not connected any more")
    if row.state == "open":
        state, then = State("going", "◐", _("Under way")), _("The hub sees to it within a minute.")
    elif row.has_answer:
        state, then = State(NEEDS_YOU, "▲", _("Needs you")), _("Download what was found, and send it to the customer.")
    elif row.kind == "export":
        state, then = State("done", "✓", _("Done")), _("The answer was kept for a while, and is gone.")
    else:
        state, then = State("done", "✓", _("Done")), _("It was erased, backups included. There is nothing left to do.")
    is_open = row.state == "open" or row.has_answer
    until = words.moment(row.at + ANSWER_WITHIN, now) if is_open else None
    says = _SAYS.get(row.kind, row.kind)
    return Asked(row.id, words.moment(row.at, now), service, says, state, then, until, bool(row.has_answer))
