"""What `hub up --practice` does for whoever starts for the first time: services to practise with, accounts of them
connected, the first recipes on, and a few words on what to do next."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..core import Hub
    from ..settings import Settings
    from ..workspaces import Workspace

WORKSPACE = "Practice"
HOST = "127.0.0.1"
FIRST_RECIPES = ("order_thanks", "sync_customer", "abandoned_cart", "welcome_series")
AUDIENCE = "practice"
"""The audience that the practice Mailchimp has from the beginning."""

START_SECONDS, STOP_SECONDS = 30.0, 5.0


class Practice:
    """The practice services in a process of their own, which ends with ours, whatever ends ours.

    Their port is remembered in HUB_HOME/practice.json, as the connected accounts are at it.
    """

    def __init__(self, settings: Settings) -> None:
        self.file = settings.home / "practice.json"
        self.port = self._port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> Practice:
        command = [sys.executable, "-m", "hub.cli", "practice", "--port", str(self.port), "--with-parent"]
        # It reads its standard input: whatever ends us also closes that, and it ends. Ctrl-C is ours alone.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            try:
                self._process.communicate(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()

    def connect(self, hub: Hub) -> None:
        """Connects what was not connected before, and has events sent again: the services start from nothing."""
        from ..practice.server import services

        self._wait()
        made = {workspace.name: workspace for workspace in hub.workspaces.list()}
        workspace = made.get(WORKSPACE) or hub.workspaces.add(WORKSPACE)
        known = {connection.fields.get("base_url"): connection for connection in hub.connections.list(workspace)}
        for name, service in services().items():
            url = f"{self.base_url}/{name}"
            if url not in known:
                hub.connections.connect(workspace, name, {**service.account, "base_url": url})
            elif known[url].state != "off":
                hub.connections.subscribe(known[url].id)
        _enable_first(hub, workspace)

    def _wait(self) -> None:
        from ..errors import SetupError

        assert self._process is not None
        end = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < end:
            try:
                socket.create_connection((HOST, self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise SetupError("The practice services did not start. See why with: hub practice")

    def _port(self) -> int:
        """The port of last time; the first time the first one that is free. Raises SetupError if it is taken."""
        from ..errors import SetupError
        from ..practice.server import PORT

        if self.file.exists():
            try:
                port = int(json.loads(self.file.read_text())["port"])
            except (ValueError, KeyError, TypeError):
                raise SetupError(f"{self.file} does not say a port any more. Remove it, then start again.") from None
            if not is_free(port):
                raise SetupError(
                    f"The practice accounts are at port {port}, which is taken by another program. Stop it, or start "
                    "without --practice."
                )
            return port
        port = next((port for port in range(PORT, PORT + 80) if is_free(port)), PORT)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps({"port": port}) + "\n")
        return port


def is_free(port: int) -> bool:
    """Whether the practice services could be served at this port."""
    from ..errors import SetupError
    from ..serving import listen

    try:
        listen(HOST, port).close()
    except SetupError:
        return False
    return True


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
