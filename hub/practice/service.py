"""What every practice service is made of: routes, its books, a list of calls, faults on demand, webhooks sent."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import requests
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

__all__ = ["ConnectionDropped", "Fault", "Practice", "Request", "Response", "json_answer"]

Handler = Callable[..., Response]


class ConnectionDropped(Exception):
    """The server must close the connection without an answer."""


@dataclass
class Fault:
    """Something that goes wrong for the next `times` calls whose path contains `path`.

    kind     latency (then all goes well) · status (answers `status`) · html (502 with a page) · malformed (200 with
             broken JSON) · drop_before (connection closed, nothing done) · drop_after (done, then closed) ·
             partial (the service fails some members of a batch)
    seconds  for latency: how long; for status 429 and 503: the `Retry-After`, none if 0
    """

    kind: str
    path: str = ""
    times: int = 1
    status: int = 500
    seconds: float = 0.0


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    return Response(json.dumps(body, ensure_ascii=False), status, dict(headers or {}), mimetype="application/json")


class Practice:
    """One practice service. A connector makes one, called `service`, and adds routes and happenings.

    name        the connector's
    account     the fields that `hub connect` takes for its practice account
    books       all that it knows; handlers run one at a time per service, so they may change it freely
    """

    def __init__(self, name: str, *, account: Mapping[str, str]) -> None:
        self.name = name
        self.account = dict(account)
        self.books: dict[str, Any] = {}
        self.lock = threading.RLock()
        self.calls: deque[dict[str, Any]] = deque(maxlen=200_000)
        self.faults: list[Fault] = []
        self.latency = 0.0
        self.in_flight = 0
        self._routes = Map()
        self._handlers: dict[str, Handler] = {}
        self._happenings: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self._outgoing: queue.SimpleQueue[tuple[str, dict[str, str], bytes, int] | None] = queue.SimpleQueue()
        self._senders: list[threading.Thread] = []
        self._reset: Callable[[], dict[str, Any]] = dict

    # ---- declaring

    def start_with(self, books: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
        """Marks the function that gives the books of a new account."""
        self._reset, self.books = books, books()
        return books

    def route(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """Marks a handler: `handler(request, **path_values)` gives the answer. `path` is the vendor's own path, with
        `<name>` for a part of it."""

        def register(function: Handler) -> Handler:
            endpoint = f"{method} {path}"
            self._routes.add(Rule(path, methods=[method], endpoint=endpoint))
            self._handlers[endpoint] = function
            return function

        return register

    def happening(self, name: str) -> Callable[[Callable[[dict[str, Any]], Any]], Callable[[dict[str, Any]], Any]]:
        """Marks a function that makes something happen at the provider, as a customer would: `order`, `signup`. It
        takes optional details, changes the books, sends the webhooks, and gives what it made."""

        def register(function: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
            self._happenings[name] = function
            return function

        return register

    def guard(self, request: Request) -> Response | None:
        """What every call must pass: a connector overrides it to check tokens and limits. An answer refuses."""
        return None

    def unknown_route(self, request: Request, status: int) -> Response:
        """The vendor's own words for an address it does not know."""
        return json_answer({"message": "not found"}, status)

    # ---- serving

    def handle(self, request: Request) -> Response:
        """Answers one call: faults first, then the guard, then the handler; every call is listed."""
        with self.lock:
            self.in_flight += 1
            fault = self._fault_for(request.path)
        call = {"at": time.time(), "connector": self.name, "method": request.method, "path": request.path}
        try:
            response = self._answer(request, fault)
            call["status"] = response.status_code
            return response
        except ConnectionDropped:
            call["status"] = None
            raise
        finally:
            with self.lock:
                self.in_flight -= 1
                self.calls.append(call)

    def _answer(self, request: Request, fault: Fault | None) -> Response:
        delay = self.latency + (fault.seconds if fault and fault.kind == "latency" else 0)
        with self.lock:
            refused = self.guard(request)
        if delay:
            time.sleep(delay)
        if fault and fault.kind not in ("latency", "partial", "drop_after"):
            return self._broken(fault)
        if refused is not None:
            return refused
        try:
            endpoint, values = self._routes.bind_to_environ(request.environ).match()
        except HTTPException as error:
            return self.unknown_route(request, error.code or 404)
        with self.lock:
            request.environ["practice.partial"] = bool(fault and fault.kind == "partial")
            response = self._handlers[endpoint](request, **values)
        if fault and fault.kind == "drop_after":
            raise ConnectionDropped
        return response

    def _fault_for(self, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.path in path and fault.times > 0:
                fault.times -= 1
                return fault
        self.faults = [fault for fault in self.faults if fault.times > 0]
        return None

    def _broken(self, fault: Fault) -> Response:
        if fault.kind == "drop_before":
            raise ConnectionDropped
        if fault.kind == "html":
            return Response("<html><body><h1>502 Bad Gateway</h1></body></html>", 502, mimetype="text/html")
        if fault.kind == "malformed":
            return Response('{"results": [', 200, mimetype="application/json")
        headers = {"Retry-After": f"{fault.seconds:g}"} if fault.seconds else {}
        return self.failure(fault.status, headers)

    def failure(self, status: int, headers: Mapping[str, str]) -> Response:
        """The vendor's own error body for a status: a connector overrides it."""
        return json_answer({"message": "practice fault"}, status, headers)

    # ---- happening and sending

    def happen(self, name: str, details: dict[str, Any]) -> Any:
        """Makes something happen; KeyError names what this service does not know."""
        with self.lock:
            return self._happenings[name](details)

    @property
    def happenings(self) -> list[str]:
        return sorted(self._happenings)

    def send(self, url: str, headers: Mapping[str, str], body: bytes, *, tries: int = 5) -> None:
        """Posts a webhook in the background, again after a while if it is not answered 2xx."""
        with self.lock:
            if len(self._senders) < 4:
                thread = threading.Thread(target=self._send_all, daemon=True, name=f"practice-{self.name}")
                self._senders.append(thread)
                thread.start()
        self._outgoing.put((url, dict(headers), body, tries))

    def _send_all(self) -> None:
        session = requests.Session()
        session.trust_env = False
        while (item := self._outgoing.get()) is not None:
            url, headers, body, tries = item
            try:
                status: int | None = session.post(url, data=body, headers=headers, timeout=5).status_code
            except requests.RequestException:
                status = None
            with self.lock:
                self.books.setdefault("webhooks_sent", []).append({"url": url.split("?")[0], "status": status})
            if (status is None or status >= 300) and tries > 1:
                retry = threading.Timer(0.5 * (6 - tries), self._outgoing.put, ((url, headers, body, tries - 1),))
                retry.daemon = True
                retry.start()

    # ---- for tests and demos

    def reset(self) -> None:
        """Back to a new account, without faults."""
        with self.lock:
            self.books = self._reset()
            self.calls.clear()
            self.faults.clear()
            self.latency = 0.0

    def add_fault(self, details: Mapping[str, Any]) -> dict[str, Any]:
        fault = Fault(**details)
        with self.lock:
            self.faults.append(fault)
        return asdict(fault)
