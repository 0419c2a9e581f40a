"""The practice services for measurements, as a process of their own: `python -m hub.bench.services PORT`.

Beside what `hub practice` serves:
GET  /_bench         how many contacts, members and texts there are: `{"contacts", "members", "texts"}`
GET  /_bench/texts   when each text was asked for, by its number: `{"+14155000000": [seconds since 1970]}`
POST /_bench         what is to change:
    latency          seconds that each call takes
    reports          whether texts are reported on
    calls            HubSpot's calls in ten seconds
    concurrent       Twilio's calls at once
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from typing import Any
from urllib.parse import parse_qs

from ..practice import Request, Response, json_answer
from ..practice.server import PracticeServer


class CountingServer(PracticeServer):
    """The practice services, which also tell how many effects there were, cheaply enough to be asked all the time."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: defaultdict[str, list[float]] = defaultdict(list)

    def answer(self, request: Request) -> Response:
        if request.path.endswith("/Messages.json") and request.method == "POST":
            form = parse_qs(request.environ["wsgi.input"].getvalue().decode())
            self.texts[form["To"][0]].append(time.time())
        if not request.path.startswith("/_bench"):
            return super().answer(request)
        if request.path == "/_bench/texts":
            return json_answer(dict(self.texts))
        if request.method == "POST":
            self.change(json.loads(request.get_data()))
        return json_answer(self.counts())

    def counts(self) -> dict[str, int]:
        books = {name: service.books for name, service in self.services.items()}
        return {
            "contacts": len(books["hubspot"]["objects"]["contacts"]),
            "members": sum(len(held["members"]) for held in books["mailchimp"]["lists"].values()),
            "texts": len(books["twilio"]["messages"]),
        }

    def change(self, wanted: dict[str, Any]) -> None:
        if "latency" in wanted:
            for service in self.services.values():
                service.latency = float(wanted["latency"])
        if "reports" in wanted:
            self.services["twilio"].books["delivers"] = bool(wanted["reports"])
        if "concurrent" in wanted:
            self.services["twilio"].books["concurrent"] = int(wanted["concurrent"])
        if "calls" in wanted:
            hubspot: Any = self.services["hubspot"]
            hubspot.max_calls = int(wanted["calls"])


def main() -> None:
    """Serves until standard input ends, as it does when whoever started this is gone."""
    server = CountingServer()
    server.start(port=int(sys.argv[1]))
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
