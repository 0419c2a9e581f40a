"""Calling a provider: sessions that stay open, time-outs, and what an answer or a failure means."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import math
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from .errors import ActionFailed, NotAuthorized, OutcomeUnknown, RateLimited, Rejected, ServiceDown

# At DEBUG it writes down the address of each call, and somebody's e-mail address may be in that.
logging.getLogger("urllib3").setLevel(logging.INFO)

CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 20.0
LONGEST_CALL_SECONDS = CONNECT_TIMEOUT + READ_TIMEOUT
"""A connection's holder keeps its lease longer than this, so a call never outlives its claim."""


INSIDE = "http://practice.invalid"
"""Where the practice services of a rehearsal are. No machine has such a name, so nothing ever leaves for it."""

Exchange = Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]
"""Answers a call inside this process: method, path with its query, headers and body; status, headers and body."""

_inside: ContextVar[Exchange | None] = ContextVar("who answers calls inside this process", default=None)


@contextlib.contextmanager
def only_inside(exchange: Exchange) -> Iterator[None]:
    """Has every call of this block that goes to `INSIDE` be answered by a function, and no other one leave."""
    before = _inside.set(exchange)
    try:
        yield
    finally:
        _inside.reset(before)


def answered_inside(
    method: str, url: str, headers: Mapping[str, str], body: bytes | str | None
) -> urllib3.BaseHTTPResponse | None:
    """The answer to a call that stays inside this process; None for one that may leave. Raises ServiceDown."""
    exchange, is_inside = _inside.get(), url.startswith(f"{INSIDE}/")
    if exchange is None and not is_inside:
        return None
    if exchange is None or not is_inside:
        raise ServiceDown("A rehearsal calls nobody outside, and nobody outside calls its services.")
    sent = body.encode() if isinstance(body, str) else body or b""
    status, told, content = exchange(method, url[len(INSIDE) :], headers, sent)
    return urllib3.HTTPResponse(io.BytesIO(content), told, status, preload_content=False)


_written = json.JSONEncoder(allow_nan=False).encode


class _Adapter(HTTPAdapter):
    """Sends a call of requests', unless it is answered inside this process."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert request.method is not None and request.url is not None
        body = request.body if isinstance(request.body, bytes | str) else None
        found = answered_inside(request.method, request.url, request.headers, body)
        return super().send(request, *args, **kwargs) if found is None else self.build_response(request, found)


class Session(requests.Session):
    """A requests session that keeps connections open, always has time-outs, and follows no redirects.

    Serves several threads; `base_url` goes before a path that begins with a slash.
    """

    def __init__(self, base_url: str = "", *, connections: int = 10) -> None:
        super().__init__()
        self.base_url = base_url.rstrip("/")
        self.trust_env = False  # no credentials from .netrc, and no look-up of proxies for each call
        adapter = _Adapter(pool_connections=2, pool_maxsize=connections, max_retries=0)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Like requests', but raises OutcomeUnknown or ServiceDown where there was no answer."""
        if _inside.get() is not None and (found := self._answered_inside(method, url, *args, **kwargs)) is not None:
            return found
        kwargs.setdefault("timeout", (CONNECT_TIMEOUT, READ_TIMEOUT))
        kwargs["allow_redirects"] = False  # always: `get` of requests asks for redirects by itself
        if isinstance(url, str) and url.startswith("/"):
            url = self.base_url + url
        try:
            return super().request(method, url, *args, **kwargs)
        except requests.RequestException as error:
            raise no_answer(error) from None

    def _answered_inside(
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        json: Any = None,
        **more: Any,
    ) -> requests.Response | None:
        """What requests would make of a usual call that stays inside, in a tenth of the time; None for others."""
        is_usual = data is None and more.keys() <= {"timeout", "allow_redirects"}
        if not is_usual or not (self.auth is None or isinstance(self.auth, tuple)):
            return None
        sent = {**self.headers, **(headers or {})}
        if isinstance(self.auth, tuple):
            sent["Authorization"] = "Basic " + b64encode(":".join(self.auth).encode()).decode()
        if json is not None:
            sent["Content-Type"] = "application/json"
        whole = (self.base_url + url if url.startswith("/") else url) + (
            f"?{urlencode(params, True)}" if params else ""
        )
        found = answered_inside(method, whole, sent, None if json is None else _written(json))
        assert found is not None
        response = requests.Response()
        response.status_code, response.headers = found.status, CaseInsensitiveDict(found.headers)
        response.url, response._content = whole, found.data
        response.reason = found.reason or ""
        return response


@dataclass(frozen=True)
class Answer:
    """What a `LeanSession` was answered."""

    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.content)


class LeanSession:
    """A session for calls that go one by one, thousands of them: urllib3 without what requests puts around it costs
    less than half of the processor's time.

    Like `Session` it keeps connections open, always has time-outs, follows no redirects and serves several threads.
    `headers` are sent with each call.
    """

    def __init__(self, headers: Mapping[str, str], *, connections: int = 10) -> None:
        self._headers, self._connections = dict(headers), connections
        self._pools: dict[str, urllib3.HTTPConnectionPool] = {}
        self._lock = threading.Lock()

    def get(self, url: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Raises OutcomeUnknown or ServiceDown where there was no answer."""
        return self._call("GET", f"{url}?{urlencode(params)}" if params else url, None, self._headers)

    def post(self, url: str, data: Mapping[str, str]) -> Answer:
        """Sends a form. Raises OutcomeUnknown or ServiceDown where there was no answer."""
        headers = self._headers | {"Content-Type": "application/x-www-form-urlencoded"}
        return self._call("POST", url, urlencode(data).encode(), headers)

    def close(self) -> None:
        with self._lock:
            for pool in self._pools.values():
                pool.close()

    def _call(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        if (inside := answered_inside(method, url, headers, body)) is not None:
            return Answer(inside.status, inside.headers, inside.data)
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        try:
            pool = self._pools.get(host) or self._pool(scheme, host)
            found = pool.urlopen(method, slash + path, body, headers, retries=False, redirect=False)
            return Answer(found.status, found.headers, found.data)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise no_answer(error) from None

    def _pool(self, scheme: str, host: str) -> urllib3.HTTPConnectionPool:
        with self._lock:
            if host not in self._pools:
                trust = {"ca_certs": certifi.where(), "cert_reqs": "CERT_REQUIRED"} if scheme == "https" else {}
                timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT)
                self._pools[host] = urllib3.connection_from_url(
                    f"{scheme}://{host}", maxsize=self._connections, timeout=timeout, **trust
                )
            return self._pools[host]


def no_answer(error: BaseException) -> ActionFailed:
    """What it means that a call got no answer: ServiceDown if it never left, else OutcomeUnknown."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        cause = todo.pop()
        if id(cause) in seen or not isinstance(cause, BaseException):
            continue
        seen.add(id(cause))
        if isinstance(cause, NewConnectionError | ConnectTimeoutError | NameResolutionError | requests.ConnectTimeout):
            return ServiceDown("The service could not be reached. It is tried again later.")
        # Not __context__: that may be an earlier call's failure, which is just being handled.
        todo += [cause.__cause__, getattr(cause, "reason", None), *cause.args]
    return OutcomeUnknown("The service did not answer, so it may or may not have happened.")


def refusal(status: int, message: str, *, after: float | None = None, code: str | None = None) -> ActionFailed:
    """What an HTTP status that is not 2xx means, where the vendor gives no better word.

    A 429 did not happen; a 5xx may have; a 401 or 403 needs a new login; any other is refused for good.
    `message` may be what the provider said: the engine scrubs it before it is kept.
    """
    says = f"{message} (HTTP {status})"
    if status in (408, 425, 429):
        return RateLimited(says, after=after, status=status, code=code)
    if status == 503 and after is not None:
        return ServiceDown(says, after=after, status=status, code=code)
    if status >= 500 or status < 200:
        return OutcomeUnknown(says, status=status, code=code)
    if status in (401, 403):
        return NotAuthorized(says, status=status, code=code)
    return Rejected(says, status=status, code=code)


def retry_after(headers: Any) -> float | None:
    """The seconds in a `Retry-After` header, given as seconds or as a date, a day at most; None where there is none
    to read."""
    value = headers.get("Retry-After") if headers is not None else None
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        return _within_a_day(float(value))
    from email.utils import parsedate_to_datetime

    from .timing import SystemClock, to_ms

    with contextlib.suppress(ValueError, TypeError):
        return _within_a_day((to_ms(parsedate_to_datetime(value)) - SystemClock().now()) / 1000)
    return None


def _within_a_day(seconds: float) -> float | None:
    return None if math.isnan(seconds) else min(max(0.0, seconds), 86_400.0)
