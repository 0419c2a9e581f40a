"""The practice services behind one port: `/<connector>/…` is the provider, `/_calls` what it received.

GET    /_calls[?connector=NAME]      the last thousands of calls received, oldest first
GET    /_counts[/<connector>]        all calls, answers, effects and webhooks as numbers: see `Practice.counts`
GET    /_books/<connector>           all that a service knows
POST   /_happen/<connector>/<what>   something happens at the provider, as a customer would make it happen
POST   /_faults/<connector>          a fault for the next calls: the fields of `Fault`
DELETE /_faults/<connector>          no further faults
GET    /_settings/<connector>        what can be set there, as it is: its latency in seconds, its limits
POST   /_settings/<connector>        sets some of it: `{"latency": 0.05}`
POST   /_reset                       new accounts, nothing counted, no faults, settings as declared

Details are JSON objects; what cannot be done is answered 400 or 404, with the reason as `message`.
"""

from __future__ import annotations

import importlib.util
import io
import json
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any
from urllib.parse import unquote

from .. import registry
from ..connector import Connector
from ..errors import NotFound
from .service import ConnectionDropped, Practice, Request, Response, json_answer

PORT = 8020


def services() -> dict[str, Practice]:
    """The practice service of every connector that brings one, by the connector's name."""
    found = {name: service_of(registry.connector(name)) for name in registry.connector_names()}
    return {name: service for name, service in found.items() if service is not None}


def service_of(connector: Connector) -> Practice | None:
    """The practice service that a connector brings, if it brings one."""
    module = f"{connector.package}.practice"
    if importlib.util.find_spec(module) is None:
        return None
    service: Practice = importlib.import_module(module).service
    return service


class PracticeServer:
    """All practice services, with a small threaded server to run them."""

    def __init__(self, found: dict[str, Practice] | None = None) -> None:
        self.services = services() if found is None else found
        self._server: _Server | None = None

    def answer(self, request: Request) -> Response:
        """The answer to one call. Raises ConnectionDropped where there is to be none."""
        environ = request.environ
        first, _, rest = environ["PATH_INFO"].lstrip("/").partition("/")
        if first in self.services:
            return self.services[first].handle(Request(environ | {"SCRIPT_NAME": f"/{first}", "PATH_INFO": f"/{rest}"}))
        try:
            return self._own(request, first, *rest.split("/", 1))
        except NotFound as unknown:
            return json_answer({"message": str(unknown)}, 404)
        except (KeyError, TypeError, ValueError) as wrong:
            return json_answer({"message": f"That cannot be done: {wrong}"}, 400)

    def _own(self, request: Request, what: str, name: str, more: str = "") -> Response:
        """The answer to a call that is not a provider's. Raises NotFound, and what details that do not fit raise."""
        if what == "_calls":
            return json_answer(self._calls(request.args.get("connector")))
        if (request.method, what) == ("POST", "_reset"):
            for service in self.services.values():
                service.reset()
            return json_answer({})
        if what == "_counts" and not name:
            return json_answer({name: service.counts() for name, service in self.services.items()})
        if name not in self.services:
            raise NotFound(f"The services are: {', '.join(self.services)}.")
        return self._of_service(f"{request.method} {what}", self.services[name], more, request)

    def _calls(self, wanted: str | None) -> list[dict[str, Any]]:
        calls = [dict(c) for name, s in self.services.items() if wanted in (None, name) for c in list(s.calls)]
        return sorted(calls, key=lambda call: call["at"])

    def _of_service(self, what: str, service: Practice, more: str, request: Request) -> Response:
        details = json.loads(request.get_data() or b"{}")
        if not isinstance(details, dict):
            raise ValueError("Details are a JSON object.")
        if what == "POST _happen" and more not in service.happenings:
            raise NotFound(f"What can happen here: {', '.join(service.happenings)}.")
        if what == "GET _books":
            with service.lock:
                return Response(json.dumps(service.books, default=str), mimetype="application/json")
        actions: dict[str, Callable[[], Any]] = {
            "GET _counts": service.counts,
            "POST _happen": lambda: service.happen(more, details),
            "POST _faults": lambda: service.add_fault(details),
            "DELETE _faults": service.faults.clear,
            "GET _settings": lambda: service.adjust({}),
            "POST _settings": lambda: service.adjust(details),
        }
        if what not in actions:
            raise NotFound(f"There is no {what.replace(' ', ' /')}. See hub/practice/server.py.")
        return json_answer(actions[what]())

    def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serves in a background thread and gives the base address, `http://127.0.0.1:PORT`."""
        self._server = _Server((host, port), _Handler)
        self._server.app = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="practice").start()
        return f"http://{host}:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Takes no further calls, and closes the connections that are open."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()


class _Server(ThreadingTCPServer):
    """A thread for each connection, and as many connections waiting to be taken as a burst brings."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512
    app: PracticeServer

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.open: set[socket.socket] = set()

    def hang_up(self) -> None:
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that hangs up is no fault
            super().handle_error(request, client_address)


class _Handler(StreamRequestHandler):
    """One connection, which stays open between calls, as at the providers. Nothing is logged.

    The standard library's handler takes as long to read the headers of a call as the services take to answer it.
    """

    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        self.server.open.add(self.connection)
        try:
            while self._one_call():
                pass
        finally:
            self.server.open.discard(self.connection)

    def _one_call(self) -> bool:
        """Reads a call and answers it; False when the connection is to be closed."""
        first = self.rfile.readline(65_536).split()
        if len(first) != 3:
            return False
        method, target, version = (part.decode("latin-1") for part in first)
        headers = self._headers()
        if headers.get("HTTP_EXPECT", "").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.rfile.read(int(headers.get("CONTENT_LENGTH") or 0))
        try:
            about = environment(method, target, headers, body, self.server.server_address[:2])
            response = self.server.app.answer(Request(about | {"REMOTE_ADDR": self.client_address[0]}))
        except ConnectionDropped:
            self.connection.shutdown(socket.SHUT_RDWR)
            return False
        self.connection.sendall(_on_the_wire(response, method))
        return version == "HTTP/1.1" and headers.get("HTTP_CONNECTION", "").lower() != "close"

    def _headers(self) -> dict[str, str]:
        """The headers, named as in a WSGI environment."""
        found: dict[str, str] = {}
        while (line := self.rfile.readline(65_536)) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            found.setdefault(header_key(name), value.strip())
        return found


def header_key(name: str) -> str:
    """A header's name in a WSGI environment."""
    key = name.strip().upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def environment(
    method: str, target: str, headers: Mapping[str, str], body: bytes, place: tuple[Any, Any]
) -> dict[str, Any]:
    """The WSGI environment of a call to a place, a host and its port. `headers` are named as in that already."""
    path, _, query = target.partition("?")
    return {
        **headers,
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1") if "%" in path else path,
        "QUERY_STRING": query,
        "SERVER_NAME": str(place[0]),
        "SERVER_PORT": str(place[1]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
    }


def _on_the_wire(response: Response, method: str) -> bytes:
    """The whole answer as one piece."""
    content = response.get_data()
    head = [f"HTTP/1.1 {response.status}"]
    head += [f"{name}: {value}" for name, value in response.headers if name.lower() != "content-length"]
    if response.status_code != 204:
        head.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*head, "", ""]).encode("latin-1") + (b"" if method == "HEAD" else content)
