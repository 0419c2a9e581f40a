"""The practice services: served on their own, and things that happen in them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from . import show
from .run import PORT
from .session import Pairs, as_json, given, in_workspace, opened

if TYPE_CHECKING:
    from ..connections import Connection
    from ..core import Hub
    from ..workspaces import Workspace


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
    from ..practice.running import HOST, is_free
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
            fields = " ".join(shlex.quote(f"{field}={value}") for field, value in service.account.items())
            click.echo(f"  hub connect {name} {fields} base_url={base}/{name}")
        told = Told()
        click.echo("Ctrl-C ends them.")
        told.wait()
    finally:
        server.stop()


def _happen(what: str, details: dict[str, Any], workspace: str | None, json: bool) -> None:
    from .. import commands
    from ..errors import ActionFailed, NotFound, Rejected, SetupError
    from ..practice.accounts import happen, services_of

    names = _who_can(what)
    with opened() as hub:
        several = len(hub.workspaces.list()) > 1
        accounts = list(_accounts(hub, workspace, names))
    if not accounts:
        raise SetupError("No practice account of this service is connected. Start with: hub up --practice")
    for place, connection in accounts:
        try:
            done = happen(connection, what, details)
        except Rejected as error:
            raise SetupError(str(error)) from None
        except (ActionFailed, NotFound):
            continue
        if json:
            show.document(done)
        else:
            option, title = commands.option(place, several=several), connection.connector.title
            click.echo(f"Done at the practice {title}: {what}. See what comes of it with: hub runs{option}")
        return
    where = services_of(accounts[0][1])
    raise SetupError(f"No practice services answer at {where}. Start them with: hub up --practice")


def _who_can(what: str) -> list[str]:
    """The services at which this can happen. Raises SetupError if it can at none."""
    from ..errors import SetupError
    from ..practice.server import services

    known = {name: service.happenings for name, service in services().items()}
    if names := [name for name, can in known.items() if what in can]:
        return names
    listed = "; ".join(f"{name}: {', '.join(can)}" for name, can in known.items())
    raise SetupError(f"Nobody knows how to let {what!r} happen. What can happen: {listed}.")


def _accounts(hub: Hub, workspace: str | None, names: list[str]) -> Iterator[tuple[Workspace, Connection]]:
    """Connections that may be practice accounts of these services."""
    from ..practice.accounts import services_of

    places = hub.workspaces.list() if workspace is None else [hub.workspaces.named(workspace)]
    for place in places:
        for connection in hub.connections.list(place):
            if connection.connector.name in names and services_of(connection):
                yield place, connection
