"""What is served at the hub's port: the door for webhooks by one thread, and everything else by Flask in several.

The server speaks RSGI, Granian's own way to call an application: https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from granian._granian import RSGIProtocolClosed
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from webhooks.intake import Intake
from webhooks.receiver import PATH, Receiver, Request

from .app import create_app
from .core import Hub

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment
    from granian._granian import RSGIHTTPProtocol
    from granian.rsgi import Scope

THREADS = 16
"""Pages that may be made at the same time: they wait for the database."""
MOST_FORM_BYTES = 8 * 1024 * 1024

Headers = list[tuple[str, str]]


class Site:
    """The door and the pages as one application."""

    def __init__(self, receiver: Receiver, pages: WSGIApplication) -> None:
        self._receiver, self._pages = receiver, pages
        self._threads = ThreadPoolExecutor(THREADS, "pages")

    def __rsgi__(self, scope: Scope, protocol: RSGIHTTPProtocol) -> Coroutine[Any, Any, None]:
        return self._hook(scope, protocol) if scope.path.startswith(PATH) else self._page(scope, protocol)

    async def _hook(self, scope: Scope, protocol: RSGIHTTPProtocol) -> None:
        body = partial(read_body, scope, protocol)
        request = Request(scope.method, scope.path, scope.query_string, dict(scope.headers.items()), body)
        answer = await self._receiver.answer(request)
        headers = [("Content-Type", answer.kind), *answer.headers]
        protocol.response_bytes(answer.status, headers, answer.text.encode())

    async def _page(self, scope: Scope, protocol: RSGIHTTPProtocol) -> None:
        try:
            body = b"" if scope.method in ("GET", "HEAD") else await read_body(scope, protocol, MOST_FORM_BYTES)
        except ClientDisconnected:
            return
        except RequestEntityTooLarge:
            protocol.response_str(413, [("Content-Type", "text/plain")], "This is too much at once.\n")
            return
        make = partial(_called, self._pages, _environ(scope, body))
        protocol.response_bytes(*await asyncio.get_running_loop().run_in_executor(self._threads, make))


def create_site(hub: Hub, intake: Intake) -> Site:
    """The door and the pages of one hub."""
    return Site(Receiver(hub, intake), create_app(hub))


async def read_body(scope: Scope, protocol: RSGIHTTPProtocol, most: int) -> bytes:
    """All of a request's body. Raises RequestEntityTooLarge for more than `most` bytes, and ClientDisconnected if it
    ends before all that was announced has come."""
    told = scope.headers.get("content-length")
    if told is not None and int(told) > most:
        raise RequestEntityTooLarge
    if told is not None:
        try:
            return await protocol()
        except RSGIProtocolClosed:
            raise ClientDisconnected from None
    parts, size = [], 0
    async for part in protocol:
        parts.append(part)
        size += len(part)
        if size > most:
            raise RequestEntityTooLarge
    return b"".join(parts)


def _environ(scope: Scope, body: bytes) -> WSGIEnvironment:
    """The request as WSGI has it: https://peps.python.org/pep-3333/"""
    host, _, port = (scope.headers.get("host") or scope.authority or scope.server).partition(":")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port or ("443" if scope.scheme == "https" else "80"),
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, together in _joined(scope.headers.items()).items():
        if name == "content-type":
            environ["CONTENT_TYPE"] = together
        elif name != "content-length" and "_" not in name:  # a_b would pass for a-b
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = together
    return environ


def _joined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers with each name once."""
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = found[name] + (";" if name == "cookie" else ",") + value if name in found else value
    return found


def _called(app: WSGIApplication, environ: WSGIEnvironment) -> tuple[int, Headers, bytes]:
    """Status, headers and body of what a WSGI application answers."""
    begun: list[tuple[int, Headers]] = []

    def start(status: str, headers: Headers, problem: Any = None) -> Callable[[bytes], object]:
        begun[:] = [(int(status[:3]), headers)]
        return lambda _: None

    content: Iterable[bytes] = app(environ, start)
    try:
        body = b"".join(content)
    finally:
        close: Callable[[], None] | None = getattr(content, "close", None)
        if close is not None:
            close()
    ((status, headers),) = begun
    return status, headers, body
