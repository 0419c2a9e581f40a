"""What every practice service is made of: routes, its books, a list of calls, faults on demand, webhooks sent."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request as AnyRequest
from werkzeug.wrappers import Response

from ..event import Event, Person
from . import moment
from .faults import ConnectionDropped, Fault
from .sending import Courier

__all__ = ["ConnectionDropped", "Fault", "Practice", "Request", "Response", "json_answer"]

Handler = Callable[..., Response]

LISTED = 5000
"""Calls that are kept to be looked at, the last ones; all are counted."""

_LASTING = [
    "name",
    "account",
    "lock",
    "login",
    "courier",
    "_routes",
    "_router",
    "_handlers",
    "_welcomes",
    "_happenings",
    "_reset",
    "_meets",
]
"""What a service is made of, rather than what happened to it."""

_written = json.JSONEncoder(ensure_ascii=False).encode


class Request(AnyRequest):
    """One call. Its form is read by the standard library, in a fifth of the time."""

    @cached_property
    def form(self) -> ImmutableMultiDict[str, str]:
        if self.mimetype != "application/x-www-form-urlencoded":
            return ImmutableMultiDict()
        return ImmutableMultiDict(parse_qsl(self.get_data().decode(), keep_blank_values=True))


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    return Response(_written(body), status, dict(headers or {}), mimetype="application/json")


class Practice:
    """One practice service. A connector makes one, called `service`, and adds routes and happenings.

    name        the connector's
    account     the fields that `hub connect` takes for its practice account
    books       all that it knows; handlers run one at a time per service, so they may change it freely
    adjustable  the attributes that may be set from outside, such as limits: numbers, or yes and no. What the class
                says of them holds again after a reset
    latency     seconds that each call takes longer; other calls are answered meanwhile
    keeps_limits  whether it takes only so many calls as the provider does
    """

    adjustable: ClassVar[tuple[str, ...]] = ("latency",)
    latency: float = 0.0
    keeps_limits: bool = True

    def __init__(self, name: str, *, account: Mapping[str, str]) -> None:
        self.name = name
        self.account = dict(account)
        self.books: dict[str, Any] = {}
        self.lock = threading.RLock()
        self.calls: deque[dict[str, Any]] = deque(maxlen=LISTED)
        self.faults: list[Fault] = []
        self.in_flight = self.most_at_once = 0
        self.courier = Courier(f"practice-{name}")
        self._answers: Counter[str] = Counter()
        self._routed: Counter[str] = Counter()
        self._routes = Map()
        self._router = self._routes.bind("practice")
        self._handlers: dict[str, Handler] = {}
        self._happenings: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self._reset: Callable[[], dict[str, Any]] = dict
        self._meets: Callable[[Event], None] | None = None
        self._welcomes: Callable[[Person, Mapping[str, Any]], None] | None = None

    # ---- declaring

    def start_with(self, books: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
        """Marks the function that gives the books of a new account."""
        self._reset, self.books = books, books()
        return books

    def meeting(self, function: Callable[[Event], None]) -> Callable[[Event], None]:
        """Marks a function that has the account know what the provider must know when it tells this event: whom it is
        about, what they bought. A rehearsal calls it with each event, before that comes in."""
        self._meets = function
        return function

    def welcoming(self, function: Callable[[Person, Mapping[str, Any]], None]) -> Callable[..., None]:
        """Marks a function that has the account know somebody who agreed to all that it sends: it is given whom, and
        what the recipe's owner chose there, `{"mailchimp.audience": "a1b2c3d4e5"}`. A rehearsal that people look at
        calls it with whom its event is about, so that what would leave shows."""
        self._welcomes = function
        return function

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

    def failure(self, status: int, headers: Mapping[str, str]) -> Response:
        """The vendor's own error body for a status: a connector overrides it."""
        return json_answer({"message": "practice fault"}, status, headers)

    def holds(self) -> dict[str, int]:
        """How much there is in the books, by kind: a connector overrides it."""
        return {}

    # ---- serving

    def handle(self, request: Request) -> Response:
        """Answers one call: faults first, then the guard, then the handler; every call is counted and listed."""
        call = {"at": moment.seconds(), "connector": self.name, "method": request.method, "path": request.path}
        call["status"] = None
        with self.lock:
            self.in_flight += 1
            self.most_at_once = max(self.most_at_once, self.in_flight)
            fault = self._fault_for(request.path)
        try:
            response = self._answer(request, fault)
            call["status"] = response.status_code
            return response
        finally:
            with self.lock:
                self.in_flight -= 1
                self._answers[str(call["status"] or "none")] += 1
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
            endpoint, values = self._router.match(request.path, request.method)
        except HTTPException as error:
            return self.unknown_route(request, error.code or 404)
        request.environ["practice.partial"] = bool(fault and fault.kind == "partial")
        response = self._handled(endpoint, request, values)
        if fault and fault.kind == "drop_after":
            raise ConnectionDropped
        return response

    def _handled(self, endpoint: str, request: Request, values: Mapping[str, Any]) -> Response:
        with self.lock:
            self._routed[endpoint] += 1
            try:
                return self._handlers[endpoint](request, **values)
            except Exception:
                # A provider answers nonsense with an error, and goes on.
                traceback.print_exc(file=sys.stderr)
                return self.failure(500, {})

    def _fault_for(self, path: str) -> Fault | None:
        found = next((fault for fault in self.faults if fault.strikes(path)), None)
        if found and not found.times:
            self.faults.remove(found)
        return found

    def _broken(self, fault: Fault) -> Response:
        if fault.kind == "drop_before":
            raise ConnectionDropped
        if fault.kind == "html":
            return Response("<html><body><h1>502 Bad Gateway</h1></body></html>", 502, mimetype="text/html")
        if fault.kind == "malformed":
            return Response('{"results": [', 200, mimetype="application/json")
        headers = {"Retry-After": f"{fault.seconds:g}"} if fault.seconds else {}
        return self.failure(fault.status, headers)

    # ---- happening and sending

    def happen(self, name: str, details: dict[str, Any]) -> Any:
        """Makes something happen. Details that do not fit raise KeyError, TypeError or ValueError."""
        with self.lock:
            return self._happenings[name](details)

    def title_of(self, happening: str) -> str:
        """What happens, for people: the beginning of what its function says of itself."""
        said = (self._happenings[happening].__doc__ or happening).partition("\n")[0]
        return re.split(r"[:;,.(]| named by", said)[0].strip()

    @property
    def happenings(self) -> list[str]:
        return sorted(self._happenings)

    def send(self, url: str, headers: Mapping[str, str], body: bytes, *, tries: int = 5) -> None:
        """Posts a webhook in the background, again after a while if it is not answered 2xx."""
        self.courier.send(url, headers, body, tries)

    # ---- in rehearsals

    @contextmanager
    def apart(self, state: dict[str, Any]) -> Iterator[None]:
        """Has the service go on, in this block, from another state than its own, and writes the state it ends in back
        there; an empty one is that of a new account. It has no limits then, and sends no webhooks. Others who call it
        wait meanwhile."""
        with self.lock:
            own = {name: value for name, value in vars(self).items() if name not in _LASTING}
            is_new = not state
            vars(self).update(state or deepcopy(own))
            courier, self.courier = self.courier, Courier(f"{self.name} in a rehearsal", is_muted=True)
            try:
                if is_new:
                    self.reset()
                    self.keeps_limits = False
                yield
            finally:
                state |= {name: value for name, value in vars(self).items() if name not in _LASTING}
                for name in state.keys() - own.keys():
                    del vars(self)[name]
                vars(self).update(own)
                self.courier = courier

    def meet(self, event: Event) -> None:
        """Has the account know whom an event is about, as far as its connector says how."""
        if self._meets is not None:
            self._meets(event)

    def welcome(self, person: Person, chosen: Mapping[str, Any]) -> None:
        """Has the account know somebody who agreed to all that it sends, as far as its connector says how."""
        if self._welcomes is not None:
            self._welcomes(person, chosen)

    # ---- for tests, demos and measurements

    def reset(self) -> None:
        """Back to a new account: as declared, with nothing counted, without faults and webhooks under way."""
        with self.lock:
            self.books = self._reset()
            self.calls.clear()
            self.faults.clear()
            self._answers.clear()
            self._routed.clear()
            self.most_at_once = self.in_flight
            for name in self.adjustable:
                vars(self).pop(name, None)
            self.courier.reset()

    def add_fault(self, details: Mapping[str, Any]) -> dict[str, Any]:
        """Adds a fault from the fields of `Fault`. Raises TypeError or ValueError where they are none."""
        fault = Fault(**details)
        with self.lock:
            self.faults.append(fault)
        return asdict(fault)

    def adjust(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Sets what may be set from outside, and gives it all as it is then. Raises ValueError, having set nothing."""
        for name, value in wanted.items():
            if name not in self.adjustable:
                raise ValueError(f"{name} cannot be set at {self.name}; what can: {', '.join(self.adjustable)}.")
            kinds = bool if isinstance(getattr(self, name), bool) else (int, float)
            if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
                raise ValueError(f"{name} is {getattr(self, name)!r}, and cannot be {value!r}.")
        with self.lock:
            for name, value in wanted.items():
                setattr(self, name, type(getattr(self, name))(value))
            return {name: getattr(self, name) for name in self.adjustable}

    def counts(self) -> dict[str, Any]:
        """What happened since the last reset, as numbers:

        calls         all that came; `answers` by status, "none" for a dropped connection; `routes` by what was asked
                      for, of those that passed the guard
        in_flight     how many are being answered; `most_at_once` how many were
        holds         how much there is in the books, by kind
        webhooks      how many were `sent`, by the status of their answer, and how many are `waiting`
        """
        with self.lock:
            return {
                "calls": self._answers.total(),
                "answers": dict(self._answers),
                "routes": dict(self._routed),
                "in_flight": self.in_flight,
                "most_at_once": self.most_at_once,
                "holds": self.holds(),
                "webhooks": self.courier.counts(),
            }
