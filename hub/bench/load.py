"""The load generator: requests made beforehand, a closed loop of clients on sockets of their own, exact latencies.

It shares the machine with what it measures, so it does as little as it can: one thread, no HTTP library, and of each
answer only its status and its length are read.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Loaded:
    """What came of a load. `latencies`: seconds from sending a request to all of its answer, one per answer."""

    seconds: float
    cpu_seconds: float
    statuses: Mapping[int, int]
    latencies: Sequence[float] = field(repr=False)

    @property
    def rate(self) -> float:
        """Answers of status 200 per second."""
        return self.statuses.get(200, 0) / self.seconds

    def percentile(self, percent: float) -> float:
        """A latency in milliseconds that this many percent of all answers did not exceed."""
        return percentile(self.latencies, percent) * 1000


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank: the smallest of the values that `percent` of them do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(0, int(rank) - 1)]


def request(port: int, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A whole POST as bytes."""
    head = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body


def post_all(port: int, requests: Sequence[bytes], clients: int) -> Loaded:
    """Sends each request once: each client its next one as soon as its last one was answered.

    A request whose connection ended before the answer counts as status 0. Raises TimeoutError if nothing is answered
    for a minute.
    """
    waiting = iter(requests)
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    cpu, started = time.process_time(), time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for _, first in zip(range(clients), waiting, strict=False):
            _Client(port, selector, first)
        while selector.get_map():
            ready = selector.select(PATIENCE_SECONDS)
            if not ready:
                raise TimeoutError(f"Nothing was answered for {PATIENCE_SECONDS:g} seconds.")
            for key, _ in ready:
                client: _Client = key.data
                status = client.receive()
                if status is None:
                    continue
                statuses[status] += 1
                if status:
                    latencies.append(time.perf_counter() - client.sent_at)
                following = next(waiting, None)
                if following is None:
                    client.close()
                else:
                    client.send(following)
    return Loaded(time.perf_counter() - started, time.process_time() - cpu, dict(statuses), latencies)


class One:
    """One client that sends one request at a time, over one connection."""

    def __init__(self, port: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._port = port
        self._client: _Client | None = None

    def post(self, request: bytes) -> int:
        """Sends a request and waits for its answer; gives the status, 0 if the connection ended."""
        if self._client is None:
            self._client = _Client(self._port, self._selector, request)
        else:
            self._client.send(request)
        while self._selector.select(PATIENCE_SECONDS):
            status = self._client.receive()
            if status is not None:
                return status
        raise TimeoutError(f"Nothing was answered for {PATIENCE_SECONDS:g} seconds.")

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._selector.close()


class _Client:
    """One connection with at most one request on its way."""

    def __init__(self, port: int, selector: selectors.BaseSelector, first: bytes) -> None:
        self._address, self._selector = ("127.0.0.1", port), selector
        self._open()
        self.sent_at = 0.0
        self.send(first)

    def _open(self) -> None:
        self._socket = socket.create_connection(self._address, PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(self._socket, selectors.EVENT_READ, self)
        self._answer = b""

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self._socket.sendall(request)

    def receive(self) -> int | None:
        """The status of the answer once all of it is here, 0 if the connection ended before."""
        try:
            data = self._socket.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self.close()
            self._open()
            return 0
        self._answer += data
        end = self._answer.find(b"\r\n\r\n")
        if end < 0 or len(self._answer) < end + 4 + _length(self._answer[:end]):
            return None
        status = int(self._answer[9:12])
        self._answer = b""
        return status

    def close(self) -> None:
        self._selector.unregister(self._socket)
        self._socket.close()


def _length(head: bytes) -> int:
    head = head.lower()
    at = head.find(b"\r\ncontent-length:")
    return int(head[at + 17 :].partition(b"\r\n")[0]) if at >= 0 else 0
