"""Taking care of a hub: its key, its backups, and who may sign in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..setup.words import counted
from .session import opened

if TYPE_CHECKING:
    from ..core import Hub
    from ..settings import Settings


@click.group()
def keys() -> None:
    """Exchange the secret key."""


@keys.command()
def rotate() -> None:
    """Seal everything with a new secret key.

    With the key file, a new key is made. With HUB_SECRET_KEY, set it to NEW,OLD on every machine first.
    """
    from ..settings import from_environment

    settings = from_environment()
    if settings.has_own_key:
        count = _rotate_file(settings)
        click.echo(f"There is a new key in {settings.key_file}. Keep a copy of it, apart from the backups.")
    else:
        count = _rotate_environment(settings)
        click.echo("HUB_SECRET_KEY needs the old key no more, once every part of the hub was started with the new one.")
    click.echo(f"Sealed with the new key: {counted(count, 'workspace')}.")
    click.echo(
        "Backups made before need the old key, and erasing a person does not reach them: replace them by new ones."
    )


def _rotate_file(settings: Settings) -> int:
    from ..core import Hub
    from ..processes import alone
    from ..sealing import Keyring, new_key, save_key_file

    # A hub that runs would go on with the key it read when it started.
    with alone(settings):
        hub = Hub(settings)
        try:
            secrets = settings.key_file.read_text().split()
            with hub.database.read() as connection:
                sealed_with = hub.workspaces.hub_key(connection).id
            if sealed_with == hub.keyring.current.id:
                secrets = [new_key().hex(), secrets[0]]
                save_key_file(settings.key_file, secrets)
            # Else an earlier exchange was broken off after the file was written: it is finished now.
            count = hub.workspaces.rotate(Keyring(secrets))
            save_key_file(settings.key_file, secrets[:1])
            return count
        finally:
            hub.close()


def _rotate_environment(settings: Settings) -> int:
    from ..core import Hub
    from ..errors import SetupError

    hub = Hub(settings)
    try:
        if len(hub.keyring.keys) < 2:
            raise SetupError(
                "HUB_SECRET_KEY holds one key. Make a new one (python3 -c 'import secrets; "
                "print(secrets.token_hex(32))'), set HUB_SECRET_KEY to NEW,OLD on every machine, start every part of "
                "the hub again, and then run this once more."
            )
        return hub.workspaces.rotate(hub.keyring)
    finally:
        hub.close()


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Write a backup to FILE, while the hub runs. The secret key is not in it."""
    from ..backup import make_backup

    with opened() as hub:
        size = make_backup(hub, file)
        where = str(hub.settings.key_file) if hub.settings.has_own_key else "HUB_SECRET_KEY"
    click.echo(f"{file} holds everything, {size / 1e6:.1f} MB. It is of use only with the secret key ({where}).")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def restore(file: Path) -> None:
    """Put the backup in FILE in place of everything. The hub must not run."""
    from ..backup import restore_backup
    from ..core import Hub
    from ..errors import SetupError
    from ..processes import alone
    from ..settings import from_environment

    settings = from_environment()
    if settings.has_own_key and not settings.key_file.exists():
        # Else a new key would be made, with which no backup can be opened.
        raise SetupError(
            f"There is no secret key. Put secret.key back into {settings.home}, as it was when the backup was made, "
            "or set HUB_SECRET_KEY; then restore."
        )
    with alone(settings):
        hub = Hub(settings)
        try:
            if _ticks(hub):
                raise SetupError("A hub is running with this database. Stop every part of it, then restore.")
            count = restore_backup(hub, file)
        finally:
            hub.close()
    click.echo(f"Restored: {counted(count, 'row')}. Whoever was erased since the backup was made was erased again.")


def _ticks(hub: Hub) -> bool:
    """Whether a clock runs with this database. One that was killed holds its lease on, but does not renew it."""
    from ..clock import LEASE_SECONDS, leads_until

    seen, patience = leads_until(hub), LEASE_SECONDS / 2
    if seen is None:
        return False
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        time.sleep(0.25)
        now = leads_until(hub)
        if now is None or now != seen:
            return now is not None
    return False


@click.command("sign-in-link")
def sign_in_link() -> None:
    """Print a fresh link that signs in once."""
    from ..setup.access.links import new_link

    with opened() as hub:
        click.echo(new_link(hub))
