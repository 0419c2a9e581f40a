"""Telling people that something needs them: by e-mail, or by a message to an address of theirs, such as a chat's.

The clock looks each minute. What was told is not told again while it lasts; what comes new is told at once, but not
more often than each half hour, all of it together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from . import addresses, mail, outside, schema
from .connections import NEEDS_LOGIN
from .core import Hub
from .errors import HubError, SettingInvalid
from .workspaces import Workspace

EVERY = 30 * 60_000
"""Milliseconds between two messages, at least."""
DAY = 86_400_000
MOST_EMAILS = 10


@dataclass(frozen=True)
class Targets:
    """Who is told: e-mails, and an address that gets `{"text": …}` posted, as chat tools take it."""

    emails: tuple[str, ...] = field(default=(), repr=False)
    url: str = field(default="", repr=False)


@dataclass(frozen=True)
class Standing:
    """Who is told in a workspace, when that was last, and why it did not work if it did not."""

    targets: Targets
    told_at: int | None = None
    trouble: str | None = None


def standing(hub: Hub, workspace: Workspace) -> Standing:
    table = schema.notice
    with hub.database.read() as connection:
        row = connection.execute(sa.select(table).where(table.c.workspace_id == workspace.id)).one_or_none()
    return Standing(_opened(workspace, row.targets), row.told_at, row.trouble) if row else Standing(Targets())


def set_targets(hub: Hub, workspace: Workspace, emails: Sequence[str], url: str) -> Targets:
    """Says who is told from here on. Raises SettingInvalid for what is no e-mail, or no address to post to."""
    given = [text for text in emails if text.strip()]
    found = [addresses.email(text) for text in given]
    if None in found or len(found) > MOST_EMAILS:
        wrong = next((text for text, address in zip(given, found, strict=True) if address is None), None)
        raise SettingInvalid(f"{wrong!r} is no e-mail address." if wrong else f"At most {MOST_EMAILS} e-mails, please.")
    if url:
        outside.check_address(url)
    targets = Targets(tuple(text for text in found if text), url)
    document = json.dumps({"emails": targets.emails, "url": targets.url}).encode()
    values = {"targets": workspace.sealer.seal(document, f"notice {workspace.id}"), "trouble": None}
    with hub.database.write() as connection:
        row = {"workspace_id": workspace.id, "told": "[]", **values}
        changed = hub.database.insert(schema.notice).values(row)
        changed = changed.on_conflict_do_update(index_elements=[schema.notice.c.workspace_id], set_=values)
        connection.execute(changed)
    return targets


def tell(hub: Hub) -> int:
    """Tells in each workspace what needs a person and was not told yet; gives in how many something was told."""
    table = schema.notice
    with hub.database.read() as connection:
        rows = connection.execute(sa.select(table)).all()
    count = 0
    for row in rows:
        workspace = hub.workspaces.get(row.workspace_id)
        targets, now = _opened(workspace, row.targets), hub.clock.now()
        needs, told = needed(hub, workspace), set(json.loads(row.told))
        values: dict[str, object] = {"told": json.dumps(sorted(told & needs.keys()))}
        if needs.keys() - told and now - (row.told_at or 0) >= EVERY and (targets.emails or targets.url):
            is_told, trouble = send(hub, workspace, targets, list(needs.values()))
            values |= {"told_at": now, "trouble": trouble}
            if is_told:
                values["told"] = json.dumps(sorted(needs))
            count += 1
        elif values["told"] == row.told:
            continue
        with hub.database.write() as connection:
            connection.execute(sa.update(table).where(table.c.workspace_id == workspace.id).values(values))
    return count


def send(hub: Hub, workspace: Workspace, targets: Targets, sentences: Sequence[str]) -> tuple[bool, str | None]:
    """Tells everybody; gives whether anybody was told, and what did not work."""
    text = "\n".join([*sentences, "", f"See: {hub.settings.public_url}/w/{workspace.id}/"])
    ways: list[Callable[[], None]] = []
    if targets.emails:
        subject = f"{workspace.name}: {sentences[0]}"
        ways.append(lambda: mail.send(hub.settings, targets.emails, subject, text))
    if targets.url:
        ways.append(lambda: outside.post(targets.url, {"text": f"{workspace.name}: {text}"}))
    troubles = []
    for way in ways:
        try:
            way()
        except HubError as error:
            troubles.append(str(error))
    return len(troubles) < len(ways), " ".join(troubles) or None


def needed(hub: Hub, workspace: Workspace) -> Mapping[str, str]:
    """What needs a person now, in sentences, by what tells one from another. It names nobody."""
    found = {}
    for connection in hub.connections.list(workspace):
        if connection.state == NEEDS_LOGIN:
            title = connection.connector.title
            found[f"login {connection.id}"] = f"{title} needs you to sign in again. What waits for it goes on then."
    run, since = schema.run, hub.clock.now() - DAY
    mine = run.c.workspace_id + 0 == workspace.id  # by the index over few, not by that of all of a workspace's runs
    held = sa.select(sa.func.max(run.c.id), sa.func.count()).where(mine, run.c.state == sa.literal_column("'held'"))
    failed = sa.select(sa.func.max(run.c.id), sa.func.count()).where(
        mine, run.c.state == sa.literal_column("'failed'"), run.c.ended_at > since
    )
    with hub.database.read() as database:
        newest_held, held_count = database.execute(held).one()
        newest_failed, failed_count = database.execute(failed).one()
    if held_count:
        found[f"held {newest_held}"] = _counted(held_count, "thing waits", "things wait") + " for you to decide."
    if failed_count:
        found[f"failed {newest_failed}"] = _counted(failed_count, "thing", "things") + " went wrong since yesterday."
    return found


def _counted(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}"


def _opened(workspace: Workspace, sealed: bytes) -> Targets:
    document = json.loads(workspace.sealer.open(sealed, f"notice {workspace.id}"))
    return Targets(tuple(document["emails"]), document["url"])
