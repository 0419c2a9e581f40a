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
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

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
    """All practice services as one WSGI application, with a small threaded server to run it."""

    def __init__(self, found: dict[str, Practice] | None = None) -> None:
        self.services = services() if found is None else found
        self._server: BaseWSGIServer | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        first, _, rest = environ["PATH_INFO"].lstrip("/").partition("/")
        request = Request(environ)
        try:
            # Read once and whole: a connection that stays open must be at its next request afterwards.
            environ["wsgi.input"] = io.BytesIO(request.get_data())
            if first.startswith("_"):
                response = self._own(first, rest, request)
            elif first in self.services:
                environ["SCRIPT_NAME"], environ["PATH_INFO"] = f"/{first}", f"/{rest}"
                response = self.services[first].handle(Request(environ))
            else:
                response = json_answer({"message": f"The services are: {', '.join(self.services)}."}, 404)
        except ConnectionDropped:
            _drop(environ)
            return []
        except RequestEntityTooLarge:
            response = json_answer({"message": "too large"}, 413)
        return response(environ, start_response)

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
        self._server = make_server(host, port, self, threaded=True, request_handler=_Quiet)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="practice").start()
        return f"http://{host}:{self._server.server_port}"

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


class _Quiet(WSGIRequestHandler):
    """Connections stay open between calls, as at the providers, and nothing is logged."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def _drop(environ: dict[str, Any]) -> None:
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()
