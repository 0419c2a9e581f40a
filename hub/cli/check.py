"""`hub check`: what is well, and what needs a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from ..setup.words import counted
from . import show
from .session import as_json

if TYPE_CHECKING:
    from ..connections import Connection
    from ..core import Hub
    from ..settings import Settings
    from ..workspaces import Workspace


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `ok` None: it is off on purpose."""

    what: str
    ok: bool | None
    says: str


@click.command()
@as_json
def check(json: bool) -> None:
    """See whether all is well, and what needs you.

    Looks at settings, key, database, disk, clock, accounts, recipes, runs and deliveries.
    """
    found = []
    for finding in _findings():
        found.append(finding)
        if not json:
            mark = {True: "● ok       ", False: "▲ needs you", None: "○ off      "}[finding.ok]
            click.echo(show.plain(f"{mark}  {finding.what}: {finding.says}"))
    if json:
        show.document([vars(finding) for finding in found])
    if bad := sum(finding.ok is False for finding in found):
        click.echo(f"{counted(bad, 'thing')} {'needs' if bad == 1 else 'need'} you.", err=True)
        raise click.exceptions.Exit(1)


def _findings() -> Iterator[Finding]:
    from ..core import Hub
    from ..settings import from_environment
    from . import in_words

    try:
        settings = from_environment()
        yield Finding("Settings", True, _told(settings))
        hub = Hub(settings)
    except Exception as error:
        yield Finding("Start", False, in_words(error))
        return
    try:
        yield Finding("Secret key", True, "It fits the database.")
        yield Finding("Database", True, "It answers.")
        yield _disk(hub)
        yield _clock(hub)
        for workspace in hub.workspaces.list():
            yield from _workspace(hub, workspace)
    except Exception as error:
        yield Finding("Hub", False, in_words(error))
    finally:
        hub.close()


def _told(settings: Settings) -> str:
    kept = "PostgreSQL" if settings.database_url else f"SQLite in {settings.home}"
    carrier = "Redis" if settings.redis_url else "threads"
    return f"{settings.public_url}, {kept}, wake-ups through {carrier}."


def _disk(hub: Hub) -> Finding:
    from ..retention import FULL, WARNED, standing

    now = standing(hub)
    if now.part > 1:
        says = f"The database takes {now}, and nothing more of it can go. Raise HUB_DISK_MB, or end runs that wait."
        return Finding("Disk", False, says)
    says = f"The database takes {now}."
    if now.part > WARNED:
        says += f" From {FULL:.0%} on the oldest history goes before its time."
    return Finding("Disk", True, says)


def _clock(hub: Hub) -> Finding:
    from ..clock import leads_until

    if leads_until(hub) is None:
        return Finding("Clock", False, "It does not tick, so nothing goes on. Start: hub up (or hub clock).")
    return Finding("Clock", True, "It ticks.")


def _workspace(hub: Hub, workspace: Workspace) -> Iterator[Finding]:
    from .. import commands, history, questions, silence
    from ..guards import brake

    option = commands.option(workspace)
    silent = silence.silent_in(hub, workspace)
    for connection in hub.connections.list(workspace):
        yield _account(hub, workspace, connection, option, silent.get(connection.id))
    on = ", ".join(entry.recipe for _, entry in hub.enabled.of(workspace))
    yield Finding(f"{workspace.name}, recipes", True if on else None, f"{on or 'None'} on.")
    for question in brake.unusual(hub, workspace):
        answers = f"hub brake go-on {question.recipe}{option}, or hub brake stop {question.recipe}{option}"
        yield Finding(f"{workspace.name}, messages", False, f"{question.says} Answer with: {answers}")
    if held := history.count_runs(workspace, hub, "held"):
        says = f"{held} held for you. See: hub runs{option} --state held"
        yield Finding(f"{workspace.name}, runs", False, says)
    if asked := questions.count(hub, workspace)[0]:
        yield Finding(
            f"{workspace.name}, questions", False, f"{counted(asked, 'question')} for you. See: hub questions{option}"
        )
    if unreadable := history.count_unreadable(workspace, hub):
        says = f"{unreadable} could not be read. See: hub deliveries{option} --state unreadable"
        yield Finding(f"{workspace.name}, deliveries", False, says)


def _account(
    hub: Hub, workspace: Workspace, connection: Connection, option: str, quiet: tuple[int, int] | None
) -> Finding:
    """Asks the service itself whether the login works."""
    from .. import commands, silence
    from ..errors import HubError, NotAuthorized, TryLater
    from ..oauth.renewing import asked

    what = f"{workspace.name}, {connection.connector.title} ({connection.label})"
    if connection.state == "off":
        return Finding(what, None, "Disconnected.")
    again = commands.connect_again(connection, option, hub.settings.public_url)
    if connection.state == "needs_login":
        return Finding(what, False, f"{connection.reason} Sign in again with: {again}")
    ask = connection.connector.function("check")
    assert ask is not None  # the registry validated the connector
    try:
        asked(hub, connection, ask)
    except TryLater:
        return Finding(what, False, "The service does not answer now.")
    except NotAuthorized as error:
        return Finding(what, False, f"{error} Sign in again with: {again}")
    except HubError as error:
        return Finding(what, False, str(error))
    except Exception as error:
        return Finding(what, False, f"It could not be asked ({type(error).__name__}).")
    if quiet:
        span, usual = silence.in_words(*quiet, hub.clock.now())
        says = (
            f"The login works, but nothing was heard for {span}, usually every {usual}. Look there whether all is well."
        )
        return Finding(what, False, says)
    return Finding(what, True, "The login works.")
