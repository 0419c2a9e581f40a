"""What `hub up --practice` does for whoever starts for the first time: practice accounts connected, the first recipes
on, and a few words on what to do next."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..core import Hub
    from ..practice.running import PracticeServices
    from ..workspaces import Workspace

WORKSPACE = "Practice"
FIRST_RECIPES = ("order_thanks", "sync_customer", "abandoned_cart", "welcome_series")
AUDIENCE = "practice"
"""The audience that the practice Mailchimp has from the beginning."""


def practise(hub: Hub, services: PracticeServices) -> None:
    """Connects a practice account of everything in a workspace for it, and switches the first recipes on."""
    from ..practice import server

    services.start()
    made = {workspace.name: workspace for workspace in hub.workspaces.list()}
    workspace = made.get(WORKSPACE) or hub.workspaces.add(WORKSPACE)
    switched_off = {
        connection.connector.name for connection in hub.connections.list(workspace) if connection.state == "off"
    }
    for name in server.services():
        if name not in switched_off:
            services.connect(hub, workspace, name)
    _enable_first(hub, workspace)


def _enable_first(hub: Hub, workspace: Workspace) -> None:
    """Switches the first recipes on, except those that somebody switched off since."""
    from .. import history, registry
    from ..errors import SetupError

    known = history.recipes_ever_on(workspace, hub)
    for name in FIRST_RECIPES:
        recipe = registry.recipes().get(name)
        if recipe is None or name in known:
            continue
        settings = {"audience": AUDIENCE} if "audience" in recipe.settings else {}
        try:
            hub.enabled.enable(workspace, name, settings)
        except SetupError as error:
            click.echo(f"The recipe {name} is not on. {error}", err=True)


def welcome(hub: Hub, *, practice: bool) -> str:
    """The first words of a hub that runs."""
    command = own_command()
    lines = [f"Regulars is running at {hub.settings.public_url}"]
    if practice:
        from ..setup.access.links import new_link

        lines += [
            f"Sign in, once and within 15 minutes: {new_link(hub)}",
            "Practice accounts are connected, and the first recipes are on. Nothing leaves this machine.",
            f"In another terminal: {command} practice order; then: {command} runs",
        ]
    else:
        lines.append(f"For a link to sign in: {command} sign-in-link")
    if command != "hub":
        lines.append(f"Where it says hub, here that is {command}.")
    return "\n".join([*lines, "Ctrl-C ends it."])


def own_command() -> str:
    """How to call the command line from the folder we were started in."""
    script = Path(sys.argv[0]).absolute()
    found = shutil.which("hub")
    if script.name != "hub" or (found and Path(found).absolute() == script):
        return "hub"
    return os.path.relpath(script) if script.is_relative_to(Path.cwd()) else str(script)
