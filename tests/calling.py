"""Calls a site as its server would, without a server: the RSGI side of a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from granian._granian import RSGIProtocolClosed
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from hub.site import Site


class Answer(Response):
    """What came back."""

    @property
    def text(self) -> str:
        return self.get_data(as_text=True)


class Names:
    """A request's headers as Granian gives them: names in small letters, each time one came."""

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        self._all = [(name.lower(), value) for name, value in headers]

    def items(self) -> list[tuple[str, str]]:
        return list(self._all)

    def get(self, name: str) -> str | None:
        return dict(self._all).get(name)


class Protocol:
    """What a request's body is read from, and its answer written to."""

    def __init__(self, body: bytes, ends: bool) -> None:
        self._body, self._ends = body, ends
        self.answer: Answer | None = None

    async def __call__(self) -> bytes:
        if not self._ends:
            raise RSGIProtocolClosed
        return self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 65536):
            yield self._body[start : start + 65536]

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.answer = Answer(body, status, Headers(headers))

    def response_str(self, status: int, headers: list[tuple[str, str]], text: str) -> None:
        self.response_bytes(status, headers, text.encode())


def as_wsgi(site: Site) -> Any:
    """The site as a WSGI application, for servers that a test runs in a thread of its own."""

    @Request.application
    def application(request: Request) -> Response:
        path = request.environ["PATH_INFO"] + (f"?{request.query_string.decode()}" if request.query_string else "")
        return Client(site).open(path, request.method, data=request.get_data(), headers=list(request.headers))

    return application


class Client:
    """Calls a site; gives its answers."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def get(self, path: str, **more: Any) -> Answer:
        return self.open(path, "GET", **more)

    def head(self, path: str, **more: Any) -> Answer:
        return self.open(path, "HEAD", **more)

    def post(self, path: str, **more: Any) -> Answer:
        return self.open(path, "POST", **more)

    def open(
        self,
        path: str,
        method: str,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
        base_url: str = "http://localhost",
        chunked: bool = False,
        announced: int | None = None,
    ) -> Answer:
        """One request. `chunked`: its length is not told; `announced`: another length than it has."""
        builder = EnvironBuilder(path, base_url, method=method, headers=headers, data=data)
        told = [(name, value) for name, value in builder.headers if name.lower() != "content-length"]
        body = data or b""
        length = len(body) if announced is None else announced
        if method not in ("GET", "HEAD") and not chunked:
            told.append(("content-length", str(length)))
        scope: Any = SimpleNamespace(
            proto="http",
            http_version="1.1",
            method=method,
            path=builder.get_environ()["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
            query_string=path.partition("?")[2],
            scheme=base_url.partition(":")[0],
            authority=None,
            server="127.0.0.1:8000",
            client="127.0.0.1:40000",
            headers=Names([("host", builder.host), *told]),
        )
        protocol: Any = Protocol(body, length == len(body))
        asyncio.run(self.site.__rsgi__(scope, protocol))
        assert protocol.answer is not None
        return protocol.answer
