"""The practice services behind one port: `/<connector>/…` is the provider, `/_calls` what it received.

GET  /_calls[?connector=NAME]        the calls received, oldest first
GET  /_books/<connector>             all that a service knows
POST /_happen/<connector>/<what>     something happens at the provider, as a customer would make it happen
POST /_faults/<connector>            a fault for the next calls: the fields of `Fault`, or {"latency": seconds}
POST /_reset                         new accounts, no faults
"""

from __future__ import annotations

import importlib.util
import io
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from .. import registry
from .service import ConnectionDropped, Practice, Request, Response, json_answer

PORT = 8020


def services() -> dict[str, Practice]:
    """The practice service of every connector that brings one, by the connector's name."""
    found = {}
    for name in registry.connector_names():
        module = f"{registry.connector(name).package}.practice"
        if importlib.util.find_spec(module):
            found[name] = importlib.import_module(module).service
    return found


class PracticeServer:
    """All practice services, with a small threaded server to run them."""

    def __init__(self, found: dict[str, Practice] | None = None) -> None:
        self.services = services() if found is None else found
        self._server: _Server | None = None

    def answer(self, request: Request) -> Response:
        """The answer to one call. Raises ConnectionDropped where there is to be none."""
        environ = request.environ
        first, _, rest = request.path.lstrip("/").partition("/")
        if first.startswith("_"):
            return self._own(first, rest, request)
        if first in self.services:
            return self.services[first].handle(Request(environ | {"SCRIPT_NAME": f"/{first}", "PATH_INFO": f"/{rest}"}))
        return json_answer({"message": f"The services are: {', '.join(self.services)}."}, 404)

    def _own(self, first: str, rest: str, request: Request) -> Response:
        if first == "_calls":
            wanted = request.args.get("connector")
            calls = [dict(c) for name, s in self.services.items() if wanted in (None, name) for c in list(s.calls)]
            return json_answer(sorted(calls, key=lambda call: call["at"]))
        if first == "_reset" and request.method == "POST":
            for service in self.services.values():
                service.reset()
            return json_answer({})
        name, _, what = rest.partition("/")
        if name not in self.services:
            return json_answer({"message": f"The services are: {', '.join(self.services)}."}, 404)
        return self._of_service(first, self.services[name], what, request)

    def _of_service(self, first: str, service: Practice, what: str, request: Request) -> Response:
        details = json.loads(request.get_data() or b"{}")
        if first == "_books":
            with service.lock:
                return Response(json.dumps(service.books, default=str), mimetype="application/json")
        if first == "_happen" and what in service.happenings:
            return json_answer(service.happen(what, details))
        if first == "_faults" and "latency" in details:
            service.latency = float(details["latency"])
            return json_answer(details)
        if first == "_faults":
            return json_answer(service.add_fault(details))
        return json_answer({"message": f"What can happen here: {', '.join(service.happenings)}."}, 404)

    def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serves in a background thread and gives the base address, `http://127.0.0.1:PORT`."""
        self._server = _Server((host, port), _Handler)
        self._server.app = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="practice").start()
        return f"http://{host}:{self._server.server_port}"

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    """A thread for each connection, and as many connections waiting to be taken as a burst brings."""

    daemon_threads = True
    request_queue_size = 512
    app: PracticeServer


class _Handler(BaseHTTPRequestHandler):
    """One connection, which stays open between calls, as at the providers. Nothing is logged."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            response = self.server.app.answer(Request(self._environ(body)))
        except ConnectionDropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        content = b"" if self.command == "HEAD" else response.get_data()
        head = [f"HTTP/1.1 {response.status}"]
        head += [f"{name}: {value}" for name, value in response.headers if name.lower() != "content-length"]
        if response.status_code != 204:
            head.append(f"Content-Length: {len(content)}")
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        host, port = self.server.server_address[:2]
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.protocol_version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        for name, value in self.headers.items():
            environ.setdefault("HTTP_" + name.upper().replace("-", "_"), value)
        return environ

    def log_message(self, *_: object) -> None:
        pass
