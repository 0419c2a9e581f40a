"""A small provider of our own, served over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from hub.practice import Practice, Request, Response, json_answer
from hub.practice.server import PracticeServer


class Acme(Practice):
    """Refuses what comes beyond its limit."""

    adjustable = (*Practice.adjustable, "concurrent", "polite")
    concurrent: int = 3
    polite: bool = True

    def guard(self, request: Request) -> Response | None:
        return json_answer({"message": "too many"}, 429) if self.in_flight > self.concurrent else None

    def holds(self) -> dict[str, int]:
        return {"things": len(self.books["things"])}


@pytest.fixture
def acme() -> Acme:
    made = Acme("acme", account={})
    made.start_with(lambda: {"things": []})

    @made.route("POST", "/things")
    def add(request: Request) -> Response:
        made.books["things"].append(request.form.to_dict() or request.get_json(silent=True))
        return json_answer({"polite": made.polite}, 201)

    @made.route("GET", "/things/<name>")
    def show(request: Request, name: str) -> Response:
        return json_answer({"name": name, "asked": request.args.to_dict(), "user": request.headers.get("X-User")})

    @made.happening("storm")
    def storm(details: dict[str, Any]) -> dict[str, Any]:
        return {"force": int(details["force"])}

    return made


@pytest.fixture
def server(acme: Acme) -> Iterator[PracticeServer]:
    running = PracticeServer({"acme": acme})
    running.base = running.start()
    yield running
    running.stop()


@pytest.fixture
def base(server: PracticeServer) -> str:
    return server.base


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        yield made
