"""One person: why they did or did not get something; their data, told or erased."""

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


@click.command()
@click.argument("person")
@click.argument("recipe")
@in_workspace
@as_json
def why(person: str, recipe: str, workspace: str | None, json: bool) -> None:
    """Say why somebody did or did not get what a recipe does.

    PERSON is an e-mail address or a phone number.
    """
    from ..timing import iso
    from ..why import why as found_out

    with opened() as hub:
        place = hub.workspaces.named(workspace)
        found = found_out(hub, place, hub.people.name_of(place, person), recipe)
    if json:
        answers = [
            {
                "at": iso(answer.at),
                "event": answer.event,
                "run": None if answer.run_id is None else str(answer.run_id),
                "state": answer.state,
                "says": answer.says,
            }
            for answer in found.answers
        ]
        show.document({"recipe": recipe, "says": found.says, "answers": answers, "meanwhile": list(found.meanwhile)})
        return
    if not found.answers:
        click.echo(show.plain(found.says))
    for answer in found.answers:
        run = f" (hub run {answer.run_id})" if answer.run_id else ""
        click.echo(show.plain(f"{show.moment(answer.at)}  {answer.event}: {answer.says}{run}"))
    for sentence in found.meanwhile:
        click.echo(f"Just now: {sentence}")
