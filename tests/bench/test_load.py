"""The load generator against a tiny server: every request is sent once, every answer counted, every latency kept."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from hub.bench import orders
from hub.bench.load import One, percentile, post_all, request

Answer = Callable[[int], list[bytes]]
"""The pieces that the answer to the request of this number comes in; none: the connection ends without one."""


class Tiny(socketserver.ThreadingTCPServer):
    """Answers each request as it is told to, and keeps what it was sent."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer, self.bodies = answer, list[bytes]()
        self.connections = self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(socketserver.StreamRequestHandler):
    server: Tiny

    def handle(self) -> None:
        with self.server.lock:
            self.server.connections += 1
        while self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            body = self.rfile.read(length)
            with self.server.lock:
                self.server.bodies.append(body)
                number = len(self.server.bodies)
            pieces = self.server.answer(number)
            for piece in pieces:
                self.wfile.write(piece)
            if not pieces:
                return


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Tiny]]:
    servers: list[Tiny] = []

    def start(answer: Answer) -> Tiny:
        servers.append(Tiny(answer))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def told(status: int, body: bytes = b"ok") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Type: text/plain\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)


def requests(port: int, count: int) -> list[bytes]:
    return [request(port, "/hook", {"X-Number": str(n)}, b"body %d" % n) for n in range(count)]


def test_each_request_is_sent_once_and_each_answer_counted_by_its_status(serve: Callable[[Answer], Tiny]) -> None:
    server = serve(lambda number: [told(503 if number % 10 == 0 else 200)])
    done = post_all(server.port, requests(server.port, 200), 8)
    assert done.statuses == {200: 180, 503: 20}
    assert sorted(server.bodies) == sorted(b"body %d" % n for n in range(200))
    assert len(done.latencies) == 200
    assert server.connections == 8
    assert done.rate == pytest.approx(180 / done.seconds)


def test_an_answer_in_pieces_is_one_answer(serve: Callable[[Answer], Tiny]) -> None:
    whole = told(200, b"x" * 100_000)
    server = serve(lambda _: [whole[:5], whole[5:40], whole[40:70_000], whole[70_000:]])
    done = post_all(server.port, requests(server.port, 20), 4)
    assert done.statuses == {200: 20}


def test_a_connection_that_ends_without_an_answer_counts_as_one_and_the_rest_goes_on(
    serve: Callable[[Answer], Tiny],
) -> None:
    server = serve(lambda number: [] if number == 5 else [told(200)])
    done = post_all(server.port, requests(server.port, 30), 2)
    assert done.statuses == {200: 29, 0: 1}
    assert len(done.latencies) == 29


def test_fewer_requests_than_clients_are_all_sent(serve: Callable[[Answer], Tiny]) -> None:
    server = serve(lambda _: [told(200)])
    assert post_all(server.port, requests(server.port, 3), 32).statuses == {200: 3}
    assert server.connections == 3


def test_one_client_sends_one_after_the_other_over_one_connection(serve: Callable[[Answer], Tiny]) -> None:
    server = serve(lambda number: [told(200 + number)])
    client = One(server.port)
    assert [client.post(made) for made in requests(server.port, 3)] == [201, 202, 203]
    client.close()
    assert server.connections == 1


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7.0], 50, 7.0),
        ([3.0, 1.0, 2.0], 50, 2.0),  # two of three are at most 2
        ([4.0, 1.0, 3.0, 2.0], 50, 2.0),  # half of four are at most 2
        ([float(n) for n in range(1, 101)], 99, 99.0),
        ([float(n) for n in range(1, 102)], 99, 100.0),  # 99 % of 101 is 99.99, so the hundredth
        ([float(n) for n in range(1, 1001)], 95, 950.0),
        ([float(n) for n in range(1, 11)], 100, 10.0),
        ([float(n) for n in range(1, 11)], 0, 1.0),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


def test_orders_are_as_long_as_they_are_said_to_be_and_each_is_of_somebody_else() -> None:
    made = list(orders.orders(0, 50)) + [orders.order(9_999_999), orders.order(50, with_phone=False)]
    assert {len(body) for _, body in made} == {orders.BODY_BYTES}
    assert len({headers["X-Shopify-Event-Id"] for headers, _ in made}) == 52
    assert all(one[1] != other[1] for one, other in pairwise(made))
