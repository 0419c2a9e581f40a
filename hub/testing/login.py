"""Promises on logging in: `check` says what is wrong in the hub's own errors, and no secret shows."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Set
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..connector import Connector
from ..errors import ActionFailed, NotAuthorized, TryLater
from .finding import account, none_of, told


def a_lost_login_is_told_as_such(connector: Connector) -> None:
    with _answering(401, b"{}") as url:
        none_of(_faults(connector, url, NotAuthorized, "a 401"))


def an_answer_that_makes_no_sense_is_no_success(connector: Connector) -> None:
    for status, body in ((500, b"<html>"), (200, b'{"results": ['), (200, b"<html>"), (302, b"")):
        with _answering(status, body) as url:
            none_of(_faults(connector, url, ActionFailed, f"{status} with {body!r}"))


def a_service_that_is_not_there_is_tried_later(connector: Connector) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        none_of(_faults(connector, f"http://127.0.0.1:{closed.getsockname()[1]}", TryLater, "a closed port"))


def a_login_by_oauth_makes_a_client_without_keys(connector: Connector) -> None:
    if connector.oauth is None:
        return
    names = {connector.oauth.keeps, *(item.name for item in connector.oauth.asks(connector.fields))}
    with _answering(401, b"{}") as url:
        try:
            none_of(_faults(connector, url, NotAuthorized, "a login by OAuth and a 401", names))
        except TypeError as error:
            raise AssertionError(f"{connector.name}: makes no client of a login by OAuth: {error}") from None


def _faults(
    connector: Connector, url: str, expected: type[ActionFailed], what: str, only: Set[str] | None = None
) -> Iterator[str]:
    client = _client(connector, url, only)
    check = connector.function("check")
    if check is None:
        yield f"{connector.name}: no function is marked @connector.check"
        return
    try:
        name = check(client)
    except expected as error:
        if names := told(connector, error, client):
            yield f"{connector.name}: after {what}, the error or the client's repr gives away {names}"
    except Exception as error:
        yield f"{connector.name}: after {what}, check raises {type(error).__name__} and not {expected.__name__}"
    else:
        yield f"{connector.name}: after {what}, check gives {name!r} and not {expected.__name__}"


def _client(connector: Connector, url: str, only: Set[str] | None) -> Any:
    connect = connector.function("connect")
    if connect is None:
        raise AssertionError(f"{connector.name}: no function is marked @connector.connect")
    filled = {name: value for name, value in account(connector).items() if only is None or name in only}
    several = {name for name, item in connector.fields.items() if item.several}
    return connect(base_url=url, **{name: [value] if name in several else value for name, value in filled.items()})


@contextmanager
def _answering(status: int, body: bytes) -> Iterator[str]:
    """A server on this machine that answers everything like this; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


CHECKS = (
    a_lost_login_is_told_as_such,
    an_answer_that_makes_no_sense_is_no_success,
    a_service_that_is_not_there_is_tried_later,
    a_login_by_oauth_makes_a_client_without_keys,
)
