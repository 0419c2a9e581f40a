"""The practice services: served on their own, and things that happen in them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from . import show
from .newcomer import HOST, is_free
from .run import PORT
from .session import Pairs, as_json, given, in_workspace, opened

if TYPE_CHECKING:
    from ..connections import Connection
    from ..core import Hub
    from ..workspaces import Workspace

SECONDS = 10.0


@click.command()
@click.argument("what", required=False)
@click.argument("details", nargs=-1, type=Pairs())
@click.option("--port", type=PORT, metavar="N", help="Where to serve; 8020.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input ends.")
@in_workspace
@as_json
def practice(
    what: str | None,
    details: tuple[tuple[str, str], ...],
    port: int | None,
    with_parent: bool,
    workspace: str | None,
    json: bool,
) -> None:
    """Serve the practice services; or let WHAT happen at a practice account.

    WHAT is what a customer does: order, cart, signup and more, with DETAILS as FIELD=VALUE (email=ada@example.com).
    """
    if what is None:
        _serve(port, with_parent)
    else:
        _happen(what, {name: _value(text) for name, text in given(details).items()}, workspace, json)


def _value(text: str) -> str | bool:
    return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), text)


def _serve(port: int | None, with_parent: bool) -> None:
    from ..errors import SetupError
    from ..practice.server import PORT as OWN_PORT
    from ..practice.server import PracticeServer
    from ..signals import Told

    port = port or OWN_PORT
    if not is_free(port):
        raise SetupError(f"Port {port} is taken by another program. Stop it, or choose another port with --port.")
    server = PracticeServer()
    base = server.start(HOST, port)
    try:
        if with_parent:
            sys.stdin.read()
            return
        click.echo(f"The practice services are at {base}. Connect their accounts with:")
        for name, service in server.services.items():
            fields = " ".join(f"{field}={value}" for field, value in service.account.items())
            click.echo(f"  hub connect {name} {fields} base_url={base}/{name}")
        told = Told()
        click.echo("Ctrl-C ends them.")
        told.wait()
    finally:
        server.stop()


def _happen(what: str, details: dict[str, Any], workspace: str | None, json: bool) -> None:
    import requests

    from .. import commands
    from ..errors import SetupError
    from ..practice.server import services

    known = {name: service.happenings for name, service in services().items()}
    if not any(what in happenings for happenings in known.values()):
        listed = "; ".join(f"{name}: {', '.join(happenings)}" for name, happenings in known.items())
        raise SetupError(f"Nobody knows how to let {what!r} happen. What can happen: {listed}.")
    with opened() as hub:
        several = len(hub.workspaces.list()) > 1
        accounts = list(_accounts(hub, workspace, [name for name, can in known.items() if what in can]))
    if not accounts:
        raise SetupError("No practice account of this service is connected. Start with: hub up --practice")
    session = requests.Session()
    session.trust_env = False
    for place, connection, base in accounts:
        try:
            if not session.get(f"{base}/_calls", params={"connector": "none"}, timeout=SECONDS).ok:
                continue
            answer = session.post(f"{base}/_happen/{connection.connector.name}/{what}", json=details, timeout=SECONDS)
        except requests.RequestException:
            continue
        title = connection.connector.title
        if not answer.ok:
            raise SetupError(f"The practice {title} cannot do {what!r} with these details. Check them.")
        if json:
            show.document(answer.json())
        else:
            option = commands.option(place, several=several)
            click.echo(f"Done at the practice {title}: {what}. See what comes of it with: hub runs{option}")
        return
    raise SetupError(f"No practice services answer at {accounts[0][2]}. Start them with: hub up --practice")


def _accounts(hub: Hub, workspace: str | None, names: list[str]) -> Iterator[tuple[Workspace, Connection, str]]:
    """Connections that may be practice accounts of these services, each with its workspace and the address of all
    practice services."""
    places = hub.workspaces.list() if workspace is None else [hub.workspaces.named(workspace)]
    for place in places:
        for connection in hub.connections.list(place):
            base, _, last = str(connection.fields.get("base_url") or "").rstrip("/").rpartition("/")
            if connection.connector.name in names and last == connection.connector.name and connection.state != "off":
                yield place, connection, base
