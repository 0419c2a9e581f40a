"""The door and the pages as one application: who answers what, and that nobody waits for another."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from flask import Flask, Response, request

from hub.site import MOST_FORM_BYTES, Site
from tests.calling import Client
from tests.webhooks.door import Door
from tests.world import World
from webhooks.receiver import LARGE_BYTES, Receiver
from webhooks.receiver import Request as Posted


@pytest.fixture
def pages() -> Flask:
    app = Flask("pages")

    @app.post("/told")
    def told() -> dict[str, Any]:
        return {
            "form": request.form.to_dict(),
            "query": request.args.to_dict(),
            "cookies": request.cookies.to_dict(),
            "headers": dict(request.headers),
            "url": request.url,
            "from": request.remote_addr,
        }

    @app.get("/räume/<name>")
    def room(name: str) -> Response:
        answer = Response(name, 201)
        answer.set_cookie("a", "1")
        answer.set_cookie("b", "2")
        return answer

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("a bug")

    return app


@pytest.fixture
def client(world: World, pages: Flask) -> Client:
    return Client(Site(Receiver(world.hub, world.intake), pages))


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_a_page_gets_all_of_a_request(client: Client) -> None:
    headers = [*FORM.items(), ("Cookie", "a=1"), ("Cookie", "b=2"), ("X-A", "1"), ("X-A", "2")]
    answer = client.post("/told?x=%20y", data=b"name=M%C3%BCller", headers=headers, base_url="https://hub.example:444")
    told = answer.get_json()
    assert told["form"] == {"name": "Müller"}
    assert told["query"] == {"x": " y"}
    assert told["cookies"] == {"a": "1", "b": "2"}
    assert told["headers"]["X-A"] == "1,2"
    assert told["url"] == "https://hub.example:444/told?x=%20y"
    assert told["from"] == "127.0.0.1"


def test_a_header_cannot_pass_for_another(client: Client) -> None:
    headers = [("X_Forwarded_For", "9.9.9.9"), ("X-Forwarded-For", "1.1.1.1")]
    told = client.post("/told", headers=headers).get_json()
    assert told["headers"]["X-Forwarded-For"] == "1.1.1.1"


def test_a_pages_answer_is_given_whole(client: Client) -> None:
    answer = client.get("/r%C3%A4ume/k%C3%BCche")
    assert (answer.status_code, answer.text) == (201, "küche")
    assert [value.partition(";")[0] for value in answer.headers.getlist("Set-Cookie")] == ["a=1", "b=2"]


def test_a_pages_bug_is_answered_and_the_next_page_is_made(client: Client) -> None:
    assert client.get("/broken").status_code == 500
    assert client.get("/r%C3%A4ume/x").status_code == 201


def test_a_form_that_is_too_large_is_refused_also_in_chunks(client: Client) -> None:
    body = b"a=" + b"b" * MOST_FORM_BYTES
    assert client.post("/told", data=body, headers=FORM).status_code == 413
    assert client.post("/told", data=body, headers=FORM, chunked=True).status_code == 413


def test_a_form_that_breaks_off_reaches_no_page(client: Client, pages: Flask) -> None:
    reached: list[str] = []
    pages.before_request(lambda: reached.append(request.path))
    with pytest.raises(AssertionError):  # nobody is there to be answered
        client.post("/told", data=b"a=1", headers=FORM, announced=10)
    assert reached == []


def test_a_delivery_waits_for_no_other_ones_lookup(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database does not answer for one connection: those that are known are taken meanwhile."""
    door = Door(world)
    known, unknown, signed = door.path("shopify"), door.path("hubspot"), door.order()
    receiver, get = Receiver(world.hub, world.intake), world.hub.connections.get
    looking, answered = threading.Event(), threading.Event()
    world.hub.connections.get(door.connection("shopify").id)
    world.hub.connections.forget(door.connection("hubspot").id)

    def slow(connection_id: str, **more: Any) -> Any:
        looking.set()
        assert answered.wait(20)
        return get(connection_id, **more)

    async def both() -> tuple[int, int]:
        waiting = asyncio.create_task(receiver.answer(posted("GET", unknown, ({}, b""))))
        while not looking.is_set():
            await asyncio.sleep(0)
        first = await receiver.answer(posted("POST", known, signed))
        answered.set()
        return first.status, (await waiting).status

    monkeypatch.setattr(world.hub.connections, "get", slow)
    assert asyncio.run(both()) == (200, 200)


def test_a_large_delivery_is_checked_elsewhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    door, threads = Door(world), []
    connector = door.connection("shopify").connector
    verify = connector.verify

    def noted(*given: Any) -> None:
        threads.append(threading.current_thread())
        verify(*given)

    monkeypatch.setattr(connector, "verify", noted)
    for size in (LARGE_BYTES, LARGE_BYTES + 1):
        assert door.post("shopify", door.json(b'"' + b"a" * (size - 2) + b'"')).status_code == 200
    assert [one is threading.current_thread() for one in threads] == [True, False]


def posted(method: str, path: str, signed: tuple[dict[str, str], bytes]) -> Posted:
    headers, content = signed

    async def body(most: int) -> bytes:
        return content

    return Posted(method, path, "", {name.lower(): value for name, value in headers.items()}, body)
