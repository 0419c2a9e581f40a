"""Erasing people from the tables: in the database itself, and in its copies, the backups.

What remains of an erasure is its tombstones: the erased names as keyed hashes. By them a copy that was out of reach
is brought up to date when it is reached again, and what arrived before the erasure is not taken up after it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any
from urllib.parse import unquote_plus

import sqlalchemy as sa

from . import schema
from .database import MOST_IN_A_QUERY
from .errors import KeyWrong
from .ids import new_id
from .workspaces import Workspace, Workspaces

PAGE = 500
MOST_DIGITS = 15  # of a number in E.164
ERASED = "The person was erased."
OPEN = ("waiting", "claimed", "unknown")

_APART = r"\s@<>\"',;:()=&?/\\{}\[\]"
_EMAIL = re.compile(rf"(?<![^{_APART}])[^{_APART}]+@[^{_APART}]+")  # begins only where a word does, else it takes long
_NUMBER = re.compile(r"(?<!\d)\d[\d\-. ()]{5,}\d")
_NO_DIGIT = re.compile(r"\D+")
_ESCAPED = re.compile(r"\\u00([0-9a-fA-F]{2})")


# ---- who is meant


def names_of(connection: sa.Connection, ids: Collection[int]) -> set[bytes]:
    """All names of these people, as keyed hashes."""
    table = schema.identity
    return {
        bytes(name)
        for some in _parts(ids)
        for name in connection.execute(sa.select(table.c.hash).where(table.c.person_id.in_(some))).scalars()
    }


def known_by(connection: sa.Connection, workspace_id: int, names: Collection[bytes]) -> set[int]:
    """Everyone who has one of these names."""
    table = schema.identity
    return {
        person_id
        for some in _parts(names)
        for person_id in connection.execute(
            sa.select(table.c.person_id).where(table.c.workspace_id == workspace_id, table.c.hash.in_(some))
        ).scalars()
    }


def known_by_nothing_else(connection: sa.Connection, workspace_id: int, names: Collection[bytes]) -> set[int]:
    """Everyone who has these names and no other: as far as anybody can tell, the one that has all of them.

    Who has another name too may be somebody else, such as one who shares a phone.
    """
    table, others = schema.identity, set()
    found = known_by(connection, workspace_id, names)
    for some in _parts(found):
        query = sa.select(table.c.person_id, table.c.hash).where(table.c.person_id.in_(some))
        others |= {row.person_id for row in connection.execute(query) if bytes(row.hash) not in names}
    return found - others


# ---- erasing


def erase_people(connection: sa.Connection, ids: Collection[int], now: int) -> Counter[str]:
    """Erases people: their keys and names, what is kept about them, what waits to be done for them."""
    event, run = schema.event, schema.run
    found = Counter(people=len(ids))
    for some in _parts(ids):
        found += _erase_runs(connection, run.c.person_id.in_(some), now)
        mine = sa.select(event.c.id).where(event.c.person_id.in_(some))
        found["events"] += _erase_events(connection, event.c.person_id.in_(some))
        document = schema.privacy_request
        connection.execute(sa.update(document).where(document.c.id.in_(mine)).values(document=None))
        connection.execute(sa.delete(schema.waiter).where(schema.waiter.c.person_id.in_(some)))
        connection.execute(sa.delete(schema.person).where(schema.person.c.id.in_(some)))
        connection.execute(sa.delete(schema.identity).where(schema.identity.c.person_id.in_(some)))
        connection.execute(sa.delete(schema.origin).where(schema.origin.c.person_id.in_(some)))
        connection.execute(sa.delete(schema.participant).where(schema.participant.c.person_id.in_(some)))
        connection.execute(sa.delete(schema.complaint).where(schema.complaint.c.person_id.in_(some)))
        connection.execute(sa.delete(schema.marketing).where(schema.marketing.c.person_id.in_(some)))
    return found


def erase_mentions(connection: sa.Connection, event_ids: Collection[int], now: int) -> Counter[str]:
    """Erases events that are about nobody, but tell of somebody erased, and what was done because of them."""
    found: Counter[str] = Counter()
    for some in _parts(event_ids):
        found += _erase_runs(connection, schema.run.c.event_id.in_(some), now)
        found["events"] += _erase_events(connection, schema.event.c.id.in_(some))
    return found


def _erase_events(connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.update(schema.event).where(which).values(content=None)).rowcount


def _erase_runs(connection: sa.Connection, which: sa.ColumnElement[bool], now: int) -> Counter[str]:
    run, step = schema.run, schema.step
    mine = sa.select(run.c.id).where(which)
    connection.execute(
        sa.update(step).where(step.c.run_id.in_(mine), step.c.state.in_(OPEN)).values(state="dropped", ended_at=now)
    )
    connection.execute(sa.update(step).where(step.c.run_id.in_(mine)).values(EMPTY_STEP | {"reason": None}))
    stopped = connection.execute(
        sa.update(run)
        .where(which, run.c.ended_at.is_(None))
        .values(state="stopped", ended_at=now, due_at=None, fence=run.c.fence + 1)
    )
    # A reason may say what a recipe said, so it goes as well.
    all_of_them = connection.execute(sa.update(run).where(which).values(sealed=False, reason=ERASED))
    return Counter(runs=all_of_them.rowcount, stopped=stopped.rowcount)


EMPTY_STEP: dict[str, Any] = {"inputs": None, "answer": None, "fingerprint": b""}
"""What a step's row keeps no longer. From a fingerprint, too, one could tell what the inputs were, by trying."""


def forget_addresses(connection: sa.Connection, workspace_id: int, names: Collection[bytes]) -> None:
    """Forgets what people agreed to, and when marketing left to them. What they said no to stays: nothing may be sent
    to them again."""
    table, sent = schema.consent, schema.marketing
    for some in _parts(names):
        mine = (table.c.workspace_id == workspace_id) & table.c.hash.in_(some)
        connection.execute(sa.delete(table).where(mine, table.c.given.is_(True)))
        connection.execute(sa.delete(sent).where(sent.c.workspace_id == workspace_id, sent.c.hash.in_(some)))


def tombstones(connection: sa.Connection, workspace_id: int, names: Iterable[bytes], now: int) -> None:
    """Takes note that these names were erased."""
    rows = [{"id": new_id(), "workspace_id": workspace_id, "hash": name, "at": now} for name in sorted(names)]
    if rows:
        connection.execute(sa.insert(schema.erasure), rows)


def catch_up(connection: sa.Connection, erased: Iterable[Any], workspaces: Workspaces, now: int) -> int:
    """Erases from a copy of the database who was erased since; gives how many people. `erased` are tombstones."""
    known = set(connection.execute(sa.select(schema.erasure.c.id)).scalars())
    missing: dict[int, list[Any]] = {}
    for row in erased:
        if row.id not in known:
            missing.setdefault(row.workspace_id, []).append(row)
    count = 0
    for workspace_id, rows in missing.items():
        names = {bytes(row.hash) for row in rows}
        ids = known_by_nothing_else(connection, workspace_id, names)
        count += len(ids)
        workspace = workspaces.within(connection, workspace_id)
        if workspace is not None:
            erase_mentions(connection, mentioning(connection, workspace, names), now)
            drop_deliveries(connection, workspace, names, unread=True)
        erase_people(connection, ids, now)
        forget_addresses(connection, workspace_id, names)
        stones = [{"id": row.id, "workspace_id": workspace_id, "hash": row.hash, "at": row.at} for row in rows]
        connection.execute(sa.insert(schema.erasure), stones)
    return count


# ---- what is about nobody, and tells of somebody


def mentioned(workspace: Workspace, content: bytes) -> tuple[set[bytes], set[bytes]]:
    """The e-mail addresses in any text, and what may be international numbers, as many an id looks like one; as keyed
    hashes."""
    spellings = _spellings(content.decode("utf-8", "replace"))
    emails = {found.lower().strip(".") for text in spellings if "@" in text for found in _EMAIL.findall(text)}
    numbers = {_NO_DIGIT.sub("", found) for text in spellings for found in _NUMBER.findall(text)}
    phones = {workspace.hash("phone", f"+{number}") for number in numbers if len(number) <= MOST_DIGITS}
    return {workspace.hash("email", email) for email in emails}, phones


def _spellings(text: str) -> list[str]:
    """A text, and what it says if it is a form or JSON that keeps to plain letters."""
    found = [text]
    if "%" in text or "+" in text:
        found.append(unquote_plus(text))
    if "\\u00" in text:
        found.append(_ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), text))
    return found


def mentioning(connection: sa.Connection, workspace: Workspace, names: Collection[bytes]) -> set[int]:
    """The kept events that are about nobody, and tell of one of these names."""
    table, wanted, found, last = schema.event, set(names), set(), 0
    while True:
        query = sa.select(table.c.id, table.c.content).where(
            table.c.workspace_id == workspace.id,
            table.c.person_id.is_(None),
            table.c.content.is_not(None),
            table.c.id > last,
        )
        rows = connection.execute(query.order_by(table.c.id).limit(PAGE)).all()
        for row in rows:
            emails, numbers = _tells_of(workspace, row.content, f"event {row.id}")
            if (emails | numbers) & wanted:
                found.add(row.id)
        if len(rows) < PAGE:
            return found
        last = rows[-1].id


def drop_deliveries(
    connection: sa.Connection, workspace: Workspace, names: Collection[bytes], *, unread: bool = False
) -> None:
    """Empties kept deliveries that tell of one of these names: the unreadable ones, and with `unread` also those
    that are to be read still and tell of nobody else. (Otherwise reading them finds out who was erased.)"""
    table, wanted = schema.delivery, set(names)
    states = ("unreadable", "new") if unread else ("unreadable",)
    query = sa.select(table.c.id, table.c.state, table.c.content).where(
        table.c.workspace_id == workspace.id, table.c.state.in_(states), table.c.content.is_not(None)
    )
    for row in connection.execute(query).all():
        emails, numbers = _tells_of(workspace, row.content, f"delivery {row.id}")
        if (emails | numbers) & wanted and (row.state == "unreadable" or emails <= wanted):
            state = "read" if row.state == "new" else row.state
            gone = {"content": None, "reason": ERASED, "state": state}
            connection.execute(sa.update(table).where(table.c.id == row.id).values(gone))


def _tells_of(workspace: Workspace, sealed: bytes, about: str) -> tuple[set[bytes], set[bytes]]:
    try:
        return mentioned(workspace, workspace.sealer.open(sealed, about))
    except KeyWrong:
        return set(), set()  # a damaged row holds up no erasure: nobody can open it


def _parts(values: Collection[Any]) -> Iterator[list[Any]]:
    listed = sorted(values)
    for start in range(0, len(listed), MOST_IN_A_QUERY):
        yield listed[start : start + MOST_IN_A_QUERY]
