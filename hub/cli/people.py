"""One person's data: told, or erased."""

from __future__ import annotations

import click

from ..setup.words import counted
from . import show
from .session import as_json, in_workspace, opened


@click.command()
@click.argument("person")
@in_workspace
@as_json
def erase(person: str, workspace: str | None, json: bool) -> None:
    """Erase everything about a person, backups included.

    PERSON is an e-mail address or a phone number. That they said no to messages stays known, as a hash. Refused in
    the end if a backup is there but cannot be written to.
    """
    from ..errors import SetupError

    with opened() as hub:
        receipt = hub.privacy.erase(hub.workspaces.named(workspace), person)
    if json:
        show.document(vars(receipt))
    elif receipt.people:
        click.echo(
            f"Erased: {counted(receipt.events, 'event')} and {counted(receipt.runs, 'run')} ({receipt.stopped} under "
            f"way), in the hub and in {counted(receipt.backups, 'backup')}."
        )
    else:
        click.echo("Nothing was kept about this person. Older backups are erased as well when one is restored.")
    if receipt.unreached:
        missed = counted(receipt.unreached, "backup")
        raise SetupError(f"{missed} could not be changed. Make them writable, or remove them, and erase once more.")


@click.command()
@click.argument("person")
@in_workspace
def export(person: str, workspace: str | None) -> None:
    """Print everything that is kept about a person, as JSON.

    PERSON is an e-mail address or a phone number.
    """
    with opened() as hub:
        show.document(hub.privacy.export(hub.workspaces.named(workspace), person))
