"""What tests of several connectors run beside themselves: a practice service, and an address that webhooks come to."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from hub.delivery import Delivery
from hub.practice.service import Practice
from tests.connectors.contract import RecordingServer

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


@contextmanager
def recorded(name: str, service: Practice) -> Iterator[RecordingServer]:
    """One practice service on a real socket, at the server's `base_url`."""
    running = RecordingServer({name: service})
    running.base_url = f"{running.start()}/{name}"
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def listening(application: Application) -> Iterator[str]:
    """Serves an application at an address of its own, `http://127.0.0.1:41231`."""
    running = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


def new_books(service: Practice, server: RecordingServer) -> dict[str, Any]:
    """The books of a new account at a practice service, none of whose calls are recorded yet."""
    service.reset()
    server.exchanges.clear()
    return service.books


@contextmanager
def clients(connect: Callable[..., Any], given: dict[str, Any]) -> Iterator[Callable[..., Any]]:
    """Makes clients of an account, `made(token="x")`: a field of another value replaces the one given."""
    with ExitStack() as ending:

        def made(**fields: Any) -> Any:
            client = connect(**(given | fields))
            if client.session is not None:
                ending.callback(client.session.close)
            return client

        yield made


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def received(environ: dict[str, Any]) -> Delivery:
    """A request as the hub's door makes a delivery of it."""
    request = Request(environ)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Delivery(request.method, request.url, headers, request.get_data(), datetime.now(UTC))


class Inbox:
    """A webhook address: keeps what is posted to it, and answers the next of `answers`, or without any `status`."""

    def __init__(self, status: int = 200) -> None:
        self.url = ""
        self.status = status
        self.answers: list[int] = []
        self.came: queue.Queue[Delivery] = queue.Queue()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        delivery = received(environ)
        if delivery.method == "POST":
            self.came.put(delivery)
        return Response(status=self.answers.pop(0) if self.answers else self.status)(environ, start_response)

    def take(self, count: int = 1) -> list[Delivery]:
        """The next deliveries; queue.Empty if they do not come."""
        return [self.came.get(timeout=10) for _ in range(count)]


@contextmanager
def visited(inbox: Inbox, path: str) -> Iterator[Inbox]:
    """Serves a webhook address, whose `url` ends with the path."""
    with listening(inbox) as address:
        inbox.url = address + path
        yield inbox
