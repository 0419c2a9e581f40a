"""Serving HTTP: Granian as threads of this process, at a port that is this process's alone."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal

from .core import Hub
from .errors import SetupError
from .signals import Told

if TYPE_CHECKING:
    from granian.server.mt import MTServer

THREADS = 64
"""Requests that a WSGI application may work on at the same time."""
BACKLOG = 1024

Interface = Literal["wsgi", "rsgi"]
"""How the server calls an application."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises SetupError if another program has the port, or nobody can listen there."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # Never with SO_REUSEPORT: two hubs at one port would take turns, unnoticed.
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SetupError(
                f"Port {port} is taken by another program. Stop it, or choose another port with --port or PORT."
            ) from None
        raise SetupError(f"Nobody can listen at {host}, port {port}: {error.strerror}.") from None


def serve(hub: Hub, listening: socket.socket, told: Told, on_ready: Callable[[], None] | None = None) -> None:
    """Serves the hub's web part until told to stop. `on_ready` is called once: from then on whoever calls is answered.

    Raises SetupError if the server ended by itself.
    """
    from webhooks.intake import Intake

    from .site import create_site

    with closing(Intake(hub.database, hub.wakeups)) as intake:
        run(create_site(hub, intake), listening, told, on_ready, "rsgi")


def run(
    app: Any,
    listening: socket.socket,
    told: Told,
    on_ready: Callable[[], None] | None = None,
    interface: Interface = "wsgi",
) -> None:
    """Serves an application until told to stop. Raises SetupError if the server ended by itself."""
    server = _server(listening, told, on_ready, interface)
    try:
        server.serve(target_loader=lambda *_args, **_kwargs: app, wrap_loader=False)
    except SystemExit:
        raise SetupError("The web server ended by itself. Start it again.") from None


def _server(
    listening: socket.socket, told: Told, on_ready: Callable[[], None] | None, interface: Interface
) -> MTServer:
    from granian import net
    from granian.constants import Interfaces
    from granian.server.mt import MTServer

    sockets: Any = net  # its types leave out how a socket that is there already is taken

    class Server(MTServer):
        """Granian with its workers as threads of this process: one process is all of the embedded hub."""

        def _check_gil(self) -> None:
            """Granian's own use of threads is for Python without the GIL; its Rust side lets go of the GIL anyway."""

        def startup(self, *args: Any) -> None:
            """Starts the threads; then the signals are ours again, which Granian took to wait for them itself."""
            super().startup(*args)  # type: ignore[no-untyped-call]
            told.instead(self.signal_handler_interrupt)
            try:
                if on_ready is not None:
                    on_ready()
            except BaseException:
                self.shutdown()  # type: ignore[no-untyped-call]
                raise

        def _init_shared_socket(self) -> None:
            self._shd: Any = sockets.SocketHolder(listening.detach(), False, BACKLOG)

    host, port, *_ = listening.getsockname()
    return Server(
        "hub.site",
        address=host,
        port=port,
        interface=Interfaces(interface),
        blocking_threads=THREADS if interface == "wsgi" else 1,
        workers=1,
        log_enabled=False,
    )
