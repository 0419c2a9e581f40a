"""One person's data: told, or erased."""

from __future__ import annotations

import click

from . import show
from .session import as_json, in_workspace, opened


@click.command()
@click.argument("person")
@in_workspace
@as_json
def erase(person: str, workspace: str | None, json: bool) -> None:
    """Erase everything about a person, backups included.

    PERSON is an e-mail address or a phone number. That they said no to messages stays known, as a hash.
    """
    with opened() as hub:
        receipt = hub.privacy.erase(hub.workspaces.named(workspace), person)
    if json:
        show.document({**vars(receipt)})
        return
    if receipt.people:
        click.echo(
            f"Erased: {receipt.events} events, {receipt.runs} runs ({receipt.stopped} of them were under way), "
            f"in the hub and in {receipt.backups} backups."
        )
    else:
        click.echo("Nothing was kept about this person. Older backups are erased as well when one is restored.")
    if receipt.unreached:
        click.echo(
            f"{receipt.unreached} backups could not be written to. Make them writable, and erase once more.", err=True
        )


@click.command()
@click.argument("person")
@in_workspace
def export(person: str, workspace: str | None) -> None:
    """Print everything that is kept about a person, as JSON.

    PERSON is an e-mail address or a phone number.
    """
    with opened() as hub:
        show.document(hub.privacy.export(hub.workspaces.named(workspace), person))
