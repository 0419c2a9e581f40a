"""The practice services in a process of their own, for whoever wants to try before connecting anything real."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from .. import registry
from ..connections import OFF
from ..errors import NotFound, SetupError
from .server import PORT, service_of

if TYPE_CHECKING:
    from ..connections import Connection
    from ..core import Hub
    from ..settings import Settings
    from ..workspaces import Workspace

HOST = "127.0.0.1"
START_SECONDS, STOP_SECONDS = 30.0, 5.0


class PracticeServices:
    """The services of a hub that is one process. They end with it, whatever ends it.

    Their port is remembered in HUB_HOME/practice.json, as the connected accounts are at it.
    """

    def __init__(self, settings: Settings) -> None:
        self.file = settings.home / "practice.json"
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self._known_port()}"

    def start(self) -> None:
        """Starts them unless they run. Raises SetupError if their port is taken, or they do not come up."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            port = self._port()
            command = [sys.executable, "-m", "hub.cli", "practice", "--port", str(port), "--with-parent"]
            # It reads its standard input: whatever ends us also closes that, and it ends. Ctrl-C is ours alone.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
            )
            self._wait(port)

    def stop(self) -> None:
        if self._process is not None:
            try:
                self._process.communicate(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()

    def connect(self, hub: Hub, workspace: Workspace, name: str) -> Connection:
        """Connects the practice account of a service, or has it send its events again: it starts from nothing.

        Raises NotFound if the connector brings none.
        """
        url = f"{self.base_url}/{name}"
        for connection in self.accounts(hub):
            if connection.fields["base_url"] == url and connection.workspace_id == workspace.id:
                hub.connections.subscribe(connection.id)
                return connection
        service = service_of(registry.connector(name))
        if service is None:
            raise NotFound("This service has no practice account.")
        made, _ = hub.connections.connect(workspace, name, {**service.account, "base_url": url})
        return made

    def accounts(self, hub: Hub) -> list[Connection]:
        """The accounts of theirs that are connected, from whenever they ran."""
        if not self.file.exists():
            return []
        begins = f"{self.base_url}/"
        return [
            connection
            for workspace in hub.workspaces.list()
            for connection in hub.connections.list(workspace)
            if str(connection.fields.get("base_url")).startswith(begins) and connection.state != OFF
        ]

    def resume(self, hub: Hub) -> None:
        """Starts them for the accounts that are connected, and has these send their events again."""
        self.start()
        for connection in self.accounts(hub):
            hub.connections.subscribe(connection.id)

    def _wait(self, port: int) -> None:
        assert self._process is not None
        end = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < end:
            try:
                socket.create_connection((HOST, port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise SetupError("The practice services did not start. See why with: hub practice")

    def _port(self) -> int:
        """The port of last time; the first time the first one that is free. Raises SetupError if it is taken."""
        if self.file.exists():
            port = self._known_port()
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

    def _known_port(self) -> int:
        try:
            return int(json.loads(self.file.read_text())["port"])
        except (ValueError, KeyError, TypeError):
            raise SetupError(f"{self.file} does not say a port any more. Remove it, then start again.") from None


def is_free(port: int) -> bool:
    """Whether the practice services could be served at this port."""
    from ..serving import listen

    try:
        listen(HOST, port).close()
    except SetupError:
        return False
    return True
