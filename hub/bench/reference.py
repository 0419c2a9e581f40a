"""Plain references for scale, each a process of its own: `python -m hub.bench.reference flask | calls …`.

`flask PORT`                     Flask on the hub's own server, answering 200 and nothing else
`calls URL FIRST COUNT THREADS`  the order recipe's four calls and nothing else, one call per step, through `requests`;
                                 prints what it took as JSON
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from . import orders
from .processes import Practice, Running, Unmeasured, free_port, spawn, started

FLASK = "Flask + Granian answering 200 and nothing else"
CALLS = "the four calls alone through requests, {threads} threads"
THREADS = 8
PATH = "/webhooks/any/thing"


def serve_flask(port: int) -> None:
    """Serves until told to stop, with the same settings as the hub."""
    from flask import Flask, Response

    from .. import serving
    from ..signals import Told

    app = Flask("reference")

    @app.post("/webhooks/<connector>/<connection_id>")
    def receive(connector: str, connection_id: str) -> Response:
        return Response("", 200, content_type="text/plain")

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain")

    told = Told()
    with closing(serving.listen("127.0.0.1", port)) as listening:
        serving.run(app, listening, told)


@contextmanager
def flask(folder: Path) -> Iterator[Running]:
    """The Flask reference in a process of its own."""
    with started(spawn_flask(folder), "/healthz") as running:
        yield running


def spawn_flask(folder: Path) -> Running:
    port = free_port()
    return spawn("The reference", ["hub.bench.reference", "flask", str(port)], port, folder / "reference.log")


@dataclass(frozen=True)
class Called:
    """What the four calls took for so many orders, in seconds."""

    orders: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        return self.orders / self.seconds

    @property
    def cpu_per_thousand(self) -> float:
        return self.cpu_seconds / self.orders * 1000


def calls(services: Practice, first: int, count: int, threads: int = THREADS) -> Called:
    """Makes the four calls for so many orders, in a process of its own."""
    words = [services.url, str(first), str(count), str(threads)]
    done = subprocess.run(
        [sys.executable, "-m", "hub.bench.reference", "calls", *words], capture_output=True, check=False, timeout=600
    )
    if done.returncode:
        raise Unmeasured(f"The four calls failed: {done.stderr.decode(errors='replace')[-500:]}")
    return Called(**json.loads(done.stdout))


def make_calls(url: str, first: int, count: int, threads: int) -> Called:
    local = threading.local()

    def one(number: int) -> None:
        if not hasattr(local, "sessions"):
            local.sessions = _Sessions(url)
        local.sessions.order(number)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(first, first + threads)))  # connections are open before the clock runs
        cpu, began = time.process_time(), time.perf_counter()
        list(pool.map(one, range(first + threads, first + threads + count)))
        return Called(count, time.perf_counter() - began, time.process_time() - cpu)


class _Sessions:
    """One session per provider, as each of the recipe's steps needs them."""

    def __init__(self, url: str) -> None:
        from ..practice.server import services

        accounts = {name: service.account for name, service in services().items()}
        self.hubspot, self.mailchimp, self.twilio = requests.Session(), requests.Session(), requests.Session()
        for session in (self.hubspot, self.mailchimp, self.twilio):
            session.trust_env = False
        self.hubspot.headers["Authorization"] = f"Bearer {accounts['hubspot']['access_token']}"
        self.mailchimp.auth = ("any", accounts["mailchimp"]["api_key"])
        self.twilio.auth = (accounts["twilio"]["account_sid"], accounts["twilio"]["auth_token"])
        self.contacts = f"{url}/hubspot/crm/v3/objects/contacts/batch/upsert"
        self.members = f"{url}/mailchimp/3.0/lists/practice/members"
        self.messages = f"{url}/twilio/2010-04-01/Accounts/{accounts['twilio']['account_sid']}/Messages.json"
        self.sender = accounts["twilio"]["from_number"]

    def order(self, number: int) -> None:
        """Contact, member, tag and text of one order."""
        email, phone = orders.email(number), orders.phone(number)
        properties = {"email": email, "firstname": "Ada", "lastname": "Miller", "phone": phone}
        contact = {"inputs": [{"id": email, "idProperty": "email", "properties": properties}]}
        self._send(self.hubspot, "POST", self.contacts, json=contact)
        member = f"{self.members}/{hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()}"
        fields = {"FNAME": "Ada", "LNAME": "Miller"}
        body = {"email_address": email, "status_if_new": "transactional", "merge_fields": fields}
        self._send(self.mailchimp, "PUT", member, json=body)
        self._send(self.mailchimp, "POST", f"{member}/tags", json={"tags": [{"name": "customer", "status": "active"}]})
        text = {"To": phone, "From": self.sender, "Body": f"Thank you for your order #{number}, Ada!"}
        self._send(self.twilio, "POST", self.messages, data=text)

    def _send(self, session: requests.Session, method: str, url: str, **body: Any) -> None:
        answer = session.request(method, url, timeout=30, **body)
        answer.raise_for_status()
        _ = answer.content


def main(words: list[str]) -> None:
    what, *rest = words
    if what == "flask":
        serve_flask(int(rest[0]))
    else:
        url, first, count, threads = rest
        print(json.dumps(vars(make_calls(url, int(first), int(count), int(threads)))))


if __name__ == "__main__":
    main(sys.argv[1:])
