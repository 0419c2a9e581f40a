"""The practice services for measurements, as a process of their own: `python -m hub.bench.services PORT`.

Beside what `hub practice` serves:
GET /_texts     when each text was asked for, by its number: `{"+14155000000": [seconds since 1970]}`
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from urllib.parse import parse_qs

from ..practice import Request, Response, json_answer
from ..practice.server import PracticeServer


class TimingServer(PracticeServer):
    """The practice services, which also note when each text was asked for: their books tell whole seconds only."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: defaultdict[str, list[float]] = defaultdict(list)

    def answer(self, request: Request) -> Response:
        if request.path == "/_texts":
            return json_answer(dict(self.texts))
        if request.path.endswith("/Messages.json") and request.method == "POST":
            self.texts[_number(request)].append(time.time())
        return super().answer(request)


def _number(request: Request) -> str:
    """Whom a text is for. The body is looked at and left for the service to read."""
    body: bytes = request.environ["wsgi.input"].getvalue()
    return parse_qs(body.decode())["To"][0]


def main() -> None:
    """Serves until standard input ends, as it does when whoever started this is gone."""
    server = TimingServer()
    server.start(port=int(sys.argv[1]))
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
