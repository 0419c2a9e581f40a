"""The practice services in a process of their own, which go wrong when told to, and tell what they were asked.

`python -m tests.faults.providers PORT` serves them until its standard input ends. Besides what the practice server
offers: POST /_quiet ends all faults, POST /_end/<connector> those that are like the one given, GET /_flight counts the
calls being answered, GET /_texts lists what was asked of Twilio about texts, in order.
"""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import requests

from hub.practice import Fault, Practice, Request, Response, json_answer
from hub.practice.server import PracticeServer
from tests.faults.ports import free_port
from tests.servers import until

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("hubspot", "mailchimp", "twilio")
"""The services that the recipe calls."""


class _Telling(PracticeServer):
    """A practice server that also tells what was asked about texts, and what it answered."""

    def __init__(self) -> None:
        super().__init__()
        self._texts: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._numbers = itertools.count()

    def answer(self, request: Request) -> Response:
        if request.path == "/_quiet":
            for service in self.services.values():
                with service.lock:
                    service.faults.clear()
                    service.latency = 0.0
            return json_answer({})
        if request.path.startswith("/_end/"):
            return self._end(self.services[request.path.rpartition("/")[2]], Fault(**request.get_json()))
        if request.path == "/_flight":
            return json_answer(sum(service.in_flight for service in self.services.values()))
        if request.path == "/_texts":
            with self._lock:
                return json_answer(self._texts)
        if request.path.startswith("/twilio/") and request.path.endswith("/Messages.json"):
            return self._noted(request)
        return super().answer(request)

    def _end(self, service: Practice, like: Fault) -> Response:
        with service.lock:
            service.faults = [
                fault for fault in service.faults if (fault.kind, fault.status) != (like.kind, like.status)
            ]
        return json_answer({})

    def _noted(self, request: Request) -> Response:
        """One line per call: whether it `sends` or looks, `to` whom, which `text`, its `status`, None where there was
        no answer, and where in time it `began` and `ended`."""
        sends = request.method == "POST"
        body = request.get_data()
        request.environ["wsgi.input"] = io.BytesIO(body)  # it is read again
        words = parse_qs(body.decode()) if sends else {name: [value] for name, value in request.args.items()}
        line: dict[str, Any] = {"sends": sends, "status": None}
        line |= {"to": words.get("To", [""])[0], "text": words.get("Body", [""])[0]}
        line |= {"began": next(self._numbers), "ended": None}
        try:
            response = super().answer(request)
            line["status"] = response.status_code
            return response
        finally:
            line["ended"] = next(self._numbers)
            with self._lock:
                self._texts.append(line)


class Providers:
    """The client of that process: `address` is where the services are."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._session = requests.Session()
        self._session.trust_env = False

    def go_wrong(self, connector: str, fault: Mapping[str, Any]) -> None:
        """The fields of `hub.practice.Fault`."""
        self._post(f"_faults/{connector}", dict(fault))

    def go_right(self, connector: str, fault: Mapping[str, Any]) -> None:
        """Ends faults like this one."""
        self._post(f"_end/{connector}", dict(fault))

    def quiet(self) -> None:
        """No fault from here on."""
        self._post("_quiet", {})

    def let_tokens_last(self, connector: str, seconds: int) -> None:
        """Access tokens that are given from now on last so long."""
        self._post(f"_settings/{connector}", {"token_seconds": seconds})

    def end_tokens(self, connector: str) -> None:
        """All access tokens end now."""
        self._post(f"_happen/{connector}/expire_tokens", {})

    def in_flight(self) -> int:
        return int(self._get("_flight"))

    def books(self, connector: str) -> dict[str, Any]:
        found: dict[str, Any] = self._get(f"_books/{connector}")
        return found

    def texts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get("_texts")
        return found

    def answer(self) -> bool:
        try:
            self._get("_flight")
        except requests.RequestException:
            return False
        return True

    def _get(self, path: str) -> Any:
        return self._session.get(f"{self.address}/{path}", timeout=30).json()

    def _post(self, path: str, body: Mapping[str, Any]) -> None:
        self._session.post(f"{self.address}/{path}", json=body, timeout=30).raise_for_status()


@contextmanager
def serving(environment: Mapping[str, str], log: Path) -> Iterator[Providers]:
    """The services, for as long as the block lasts. They may not answer yet: see `Providers.answer`."""
    port = free_port()
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(port)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
        )
    try:
        yield Providers(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.communicate()


def wait(found: Providers) -> None:
    until(found.answer, 60, "The practice services")


if __name__ == "__main__":
    served = _Telling()
    served.start(port=int(sys.argv[1]))
    sys.stdin.read()
