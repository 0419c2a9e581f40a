"""Workspaces and the accounts that are connected in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..setup.words import counted
from . import show
from .session import Pairs, as_json, given, in_workspace, opened

if TYPE_CHECKING:
    from ..connections import Connection
    from ..core import Hub
    from ..workspaces import Workspace

SUBSCRIBED = {True: "subscribed", False: "come once the webhook's address is entered there"}
RETENTION = click.IntRange(min=0, max=3650)


@click.group()
def workspace() -> None:
    """Add, list and change workspaces: one per business."""


@workspace.command()
@click.argument("name")
@click.option("--retention-days", type=RETENTION, metavar="N", help="How long payloads are kept after a run; 30.")
@as_json
def add(name: str, retention_days: int | None, json: bool) -> None:
    """Make a workspace for a business."""
    from .. import commands
    from ..workspaces import RETENTION_DAYS

    with opened() as hub:
        made = hub.workspaces.add(name, RETENTION_DAYS if retention_days is None else retention_days)
    if json:
        show.document(_workspace(made))
    else:
        command = f"hub connect CONNECTOR{commands.option(made)} FIELD=VALUE …"
        click.echo(f"The workspace {made.name!r} is there. Next: {command}")


@workspace.command("list")
@as_json
def list_workspaces(json: bool) -> None:
    """List the workspaces."""
    with opened() as hub:
        found = hub.workspaces.list()
    if json:
        show.document([_workspace(item) for item in found])
        return
    rows = [(item.id, item.name, item.retention_days) for item in found]
    show.table(
        ["id", "name", "payloads kept, days"],
        rows,
        empty="There is no workspace yet. Make one with: hub workspace add NAME",
    )


@workspace.command("set")
@click.argument("name")
@click.option("--retention-days", type=RETENTION, metavar="N", help="0 keeps nothing after a run.")
@click.option("--time-zone", metavar="ZONE", help="Whose clock its people live by: Europe/Berlin.")
@click.option("--sms-hours", metavar="FROM-UNTIL", help="When marketing leaves by text message: 9:00-20:00.")
@click.option("--email-hours", metavar="FROM-UNTIL", help="When marketing leaves by e-mail: 8:00-21:00.")
def set_workspace(
    name: str,
    retention_days: int | None,
    time_zone: str | None,
    sms_hours: str | None,
    email_hours: str | None,
) -> None:
    """Set how long payloads are kept after a run has ended, and when marketing leaves.

    Hours are by the clock where each recipient is, from 8:00 to 21:00 at most; the law of their country holds besides.
    """
    from ..guards import hours

    asked = {"sms": sms_hours, "email": email_hours}
    if retention_days is None and time_zone is None and not any(asked.values()):
        raise click.UsageError("Say what to set: --retention-days, --time-zone, --sms-hours or --email-hours.")
    with opened() as hub:
        place = hub.workspaces.named(name)
        mine = hours.read_hours(place.hours)
        for channel in mine:
            if given_hours := asked[channel]:
                opens, _, closes = given_hours.partition("-")
                mine[channel] = hours.checked(channel, opens, closes)
        if time_zone is not None:
            hub.workspaces.live_by(place, time_zone)
            click.echo(f"In {name!r}, people live by the clock of {time_zone}.")
        if retention_days is not None:
            hub.workspaces.keep_days(place, retention_days)
            click.echo(f"In {name!r}, payloads are kept for {counted(retention_days, 'day')} after a run.")
        if any(asked.values()):
            hub.workspaces.send_within(place, hours.write_hours(mine))
            click.echo(f"In {name!r}, marketing leaves {mine['sms']} by text message and {mine['email']} by e-mail.")


def _workspace(item: Workspace) -> dict[str, Any]:
    return {"id": str(item.id), "name": item.name, "retention_days": item.retention_days}


@click.command()
@click.argument("connector")
@click.argument("fields", nargs=-1, type=Pairs())
@in_workspace
@as_json
def connect(connector: str, fields: tuple[tuple[str, str], ...], workspace: str | None, json: bool) -> None:
    """Check an account and save it, or renew the login of one that is saved.

    FIELDS are FIELD=VALUE; base_url=URL reaches the service elsewhere than at its own address.
    """
    from ..errors import HubError, SetupError, TryLater

    values = given(fields)
    if not values.get("base_url", "https://").startswith(("https://", "http://")):
        raise click.UsageError("base_url begins with https:// or http://.")
    with opened() as hub:
        place = hub.workspaces.named(workspace)
        try:
            made, trouble = hub.connections.connect(place, connector, values)
        except TryLater:
            raise SetupError(
                f"{connector} does not answer, so the account could not be checked, and nothing was saved. Try again "
                "later" + (", or look whether base_url is right." if "base_url" in values else ".")
            ) from None
        except HubError as error:
            raise SetupError(without(str(error), hidden(connector, values))) from None
        url = hub.connections.webhook_url(made)
    events = without(trouble, hidden(connector, values)) if trouble else SUBSCRIBED[made.subscribes]
    if json:
        show.document(
            {"id": made.id, "connector": connector, "label": made.label, "webhook_url": url, "events": events}
            | ({"made": dict(made.made)} if made.made else {})
        )
        return
    click.echo(f"Connected: {made.connector.title}, {show.plain(made.label)}")
    click.echo(f"  id       {made.id}")
    click.echo(f"  webhook  {url}")
    click.echo(f"  events   {show.plain(events)}")
    for name, value in made.made.items():
        click.echo(f"  {made.connector.fields[name].label}: {value}")
        click.echo("  Enter it in the tool, with the webhook's address. It is not shown again.")


def hidden(connector: str, values: dict[str, str]) -> list[str]:
    """The given values that must not be shown: those of secret fields, and of fields that nobody knows."""
    from .. import registry
    from ..errors import HubError

    try:
        declared = registry.connector(connector).fields
    except HubError:
        return list(values.values())
    shown = {name for name, field in declared.items() if not field.secret} | {"base_url"}
    return [value for name, value in values.items() if name not in shown]


def without(text: str, values: list[str]) -> str:
    """Text in which none of the values stands."""
    for value in sorted((value for value in values if len(value) > 3), key=len, reverse=True):
        text = text.replace(value, "…")
    return text


@click.command()
@in_workspace
@as_json
def connections(workspace: str | None, json: bool) -> None:
    """List the accounts that are connected."""
    with opened() as hub:
        found = hub.connections.list(hub.workspaces.named(workspace))
        documents = [_connection(hub, item) for item in found]
    if json:
        show.document(documents)
        return
    words = {"ready": "● ready", "paused": "○ paused", "needs_login": "▲ connect it again", "off": "○ off"}
    rows = [(c.id, c.connector.name, c.label, words.get(c.state, c.state), c.reason) for c in found]
    show.table(
        ["id", "connector", "account", "state", "reason"],
        rows,
        empty="No account is connected. Begin with: hub connect CONNECTOR FIELD=VALUE …",
    )


def _connection(hub: Hub, item: Connection) -> dict[str, Any]:
    return {
        "id": item.id,
        "connector": item.connector.name,
        "label": item.label,
        "state": item.state,
        "reason": item.reason,
        "webhook_url": hub.connections.webhook_url(item),
        "base_url": item.fields.get("base_url"),
    }


@click.command()
@click.argument("connection", metavar="ID")
def disconnect(connection: str) -> None:
    """Switch an account off, and take its subscriptions back. Its history stays."""
    from ..oauth.ending import end_login

    with opened() as hub:
        found = hub.connections.disconnect(connection)
        trouble = end_login(hub, found)
    click.echo(
        f"{found.connector.title}, {show.plain(found.label)}, is disconnected. "
        "Steps that wait for it go on if it is connected again."
    )
    if trouble:
        click.echo(trouble, err=True)
