"""Telling people that something needs them: by e-mail, or by a message to an address of theirs, such as a chat's.

The clock looks each minute. What was told is not told again while it lasts; what comes new is told at once, but not
more often than each half hour, all of it together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from . import addresses, mail, outside, questions, schema, silence
from .connections import NEEDS_LOGIN
from .core import Hub
from .errors import HubError, SettingInvalid
from .guards import brake
from .workspaces import Workspace

EVERY = 30 * 60_000
"""Milliseconds between two messages, at least."""
DAY = 86_400_000
MOST_EMAILS = 10
MOST_LINKS = 10


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


def checked_emails(text: str) -> tuple[str, ...]:
    """The e-mails in a text, with commas between them. Raises SettingInvalid for what is none, or if they are many."""
    found = []
    for part in text.split(","):
        if address := addresses.email(part):
            found.append(address)
        elif part.strip():
            raise SettingInvalid(f"{part.strip()!r} is no e-mail address.")
    if len(found) > MOST_EMAILS:
        raise SettingInvalid(f"At most {MOST_EMAILS} e-mails, please.")
    return tuple(found)


def set_targets(hub: Hub, workspace: Workspace, targets: Targets) -> None:
    """Says who is told from here on. Raises SettingInvalid for an address that cannot be posted to."""
    if targets.url:
        outside.check_address(targets.url)
    document = json.dumps({"emails": targets.emails, "url": targets.url}).encode()
    values = {"targets": workspace.sealer.seal(document, f"notice {workspace.id}"), "trouble": None}
    with hub.database.write() as connection:
        row = {"workspace_id": workspace.id, "told": "[]", **values}
        changed = hub.database.insert(schema.notice).values(row)
        changed = changed.on_conflict_do_update(index_elements=[schema.notice.c.workspace_id], set_=values)
        connection.execute(changed)


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
            asked = questions.waiting(hub, workspace, MOST_LINKS, newest=True)
            links = [questions.link(hub, question) for question in asked]
            is_told, trouble = send(hub, workspace, targets, list(needs.values()), links)
            values |= {"told_at": now, "trouble": trouble}
            if is_told:
                values["told"] = json.dumps(sorted(needs))
            count += 1
        elif values["told"] == row.told:
            continue
        with hub.database.write() as connection:
            connection.execute(sa.update(table).where(table.c.workspace_id == workspace.id).values(values))
    return count


def send(
    hub: Hub, workspace: Workspace, targets: Targets, sentences: Sequence[str], links: Sequence[str] = ()
) -> tuple[bool, str | None]:
    """Tells everybody; gives whether anybody was told, and what did not work. The `links` answer questions without
    signing in, so they go by e-mail alone: who reads a chat, nobody knows."""
    text = "\n".join([*sentences, "", f"See: {hub.settings.public_url}/w/{workspace.id}/"])
    ways: list[Callable[[], None]] = []
    if targets.emails:
        subject = f"{workspace.name}: {sentences[0]}"
        whole = "\n".join([text, *(["", "Answer here, without signing in:", *links] if links else [])])
        ways.append(lambda: mail.send(hub.settings, targets.emails, subject, whole))
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
    silent = silence.silent_in(hub, workspace)
    for connection in hub.connections.list(workspace):
        if connection.state == NEEDS_LOGIN:
            title = connection.connector.title
            found[f"login {connection.id}"] = f"{title} needs you to sign in again. What waits for it goes on then."
        if quiet := silent.get(connection.id):
            span, usual = silence.in_words(*quiet, hub.clock.now())
            says = f"Nothing was heard of {connection.connector.title} for {span}, usually every {usual}."
            found[f"silent {connection.id} {quiet[0]}"] = says
    for question in brake.unusual(hub, workspace):
        found[f"brake {question.recipe} {question.asked_at}"] = question.says
    asked, newest = questions.count(hub, workspace)
    if asked:
        found[f"question {newest}"] = _counted(asked, "question waits", "questions wait") + " for your answer."
    newest_held, held_count = _newest(hub, workspace, "held", sa.true())
    newest_failed, failed_count = went_wrong(hub, workspace)
    if held_count:
        found[f"held {newest_held}"] = _counted(held_count, "thing waits", "things wait") + " for you to decide."
    if failed_count:
        found[f"failed {newest_failed}"] = _counted(failed_count, "thing", "things") + " went wrong since yesterday."
    return found


def went_wrong(hub: Hub, workspace: Workspace) -> tuple[int | None, int]:
    """The newest of the runs that went wrong in the last day and were not tried again, and how many they are."""
    return _newest(hub, workspace, "failed", schema.run.c.ended_at > hub.clock.now() - DAY)


def _newest(hub: Hub, workspace: Workspace, state: str, which: sa.ColumnElement[bool]) -> tuple[int | None, int]:
    run = schema.run
    # By the index over the few that are in this state, not by that of all of a workspace's runs.
    mine = (run.c.workspace_id + 0 == workspace.id) & (run.c.state == sa.literal_column(f"'{state}'"))
    with hub.database.read() as database:
        newest, count = database.execute(sa.select(sa.func.max(run.c.id), sa.func.count()).where(mine, which)).one()
    return newest, count


def _counted(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}"


def _opened(workspace: Workspace, sealed: bytes) -> Targets:
    document = json.loads(workspace.sealer.open(sealed, f"notice {workspace.id}"))
    return Targets(tuple(document["emails"]), document["url"])
