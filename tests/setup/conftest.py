"""A small hub with one workspace, its page, and runs to look at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hub import schema, values
from hub.app import create_app
from hub.clock import CLOCK
from hub.core import Hub
from hub.ids import new_id
from hub.settings import Settings
from hub.setup.access.links import new_link
from hub.step import ASK, OWN
from hub.timing import FrozenClock
from hub.workspaces import Workspace

HOME = "/w/1/"
"""The first page of the workspace."""

MINUTE, DAY = 60_000, 86_400_000


@dataclass
class World:
    """A hub whose time stands still, and a browser in front of it."""

    hub: Hub
    clock: FrozenClock
    workspace: Workspace
    browser: FlaskClient

    def sign_in(self) -> TestResponse:
        return self.open(new_link(self.hub).removeprefix(self.hub.settings.public_url))

    def open(self, path: str) -> TestResponse:
        return self.browser.get(path, buffered=True)

    def send(self, path: str, **fields: str) -> TestResponse:
        """Sends a form as our own page would."""
        return self.browser.post(path, data={"token": self.token(), **fields})

    def token(self) -> str:
        found = re.search(r'name="token" value="(\w+)"', self.open(HOME).text)
        assert found is not None
        return found[1]

    def connection(self, connector: str = "shopify", workspace: Workspace | None = None, **values: Any) -> str:
        """A saved connection, without asking anybody."""
        owner = workspace or self.workspace
        name = values.pop("id", f"c{new_id() % 10**12}")
        fields = values.pop("fields", b"{}")
        row = {
            "id": name,
            "workspace_id": owner.id,
            "connector": connector,
            "label": f"My {connector}",
            "state": "ready",
            "fields": owner.sealer.seal(fields, f"connection {name}"),
            "created_at": self.clock.now(),
            "changed_at": self.clock.now(),
            "quota": "{}",
        }
        self.insert(schema.connection, row | values)
        return name

    def enable_order_thanks(self) -> None:
        """Has an account of everything that the recipe needs, and switches it on."""
        for connector in ("shopify", "hubspot", "mailchimp", "twilio"):
            self.connection(connector)
        self.hub.enabled.enable(self.workspace, "order_thanks", {"audience": "a1"})

    def run(
        self,
        *steps: dict[str, Any],
        workspace: Workspace | None = None,
        event: str = "shopify.order.created",
        **values: Any,
    ) -> int:
        """A run as the engine leaves one, with these steps."""
        owner, now = (workspace or self.workspace).id, self.clock.now()
        run_id, event_id = new_id(), new_id()
        about = {"workspace_id": owner, "connection_id": "c", "state": "taken"}
        self.insert(schema.event, about | {"id": event_id, "type": event, "at": now, "received_at": now})
        row = {
            "id": run_id,
            "workspace_id": owner,
            "enabled_id": 1,
            "recipe": "order_thanks",
            "version": "0" * 32,
            "event_id": event_id,
            "event_at": now,
            "state": "done",
            "started_at": now,
            "ended_at": now if values.get("state", "done") in ("done", "failed", "stopped") else None,
        }
        self.insert(schema.run, row | values)
        for position, step in enumerate(steps):
            plain = {
                "run_id": run_id,
                "position": position,
                "workspace_id": owner,
                "connection_id": None if step["action"] in OWN else "c",
                "state": "done",
                "attempts": 1,
                "fingerprint": b"",
                "asked_at": now,
                "ended_at": now if step.get("state", "done") == "done" else None,
            }
            self.insert(schema.step, plain | step)
        return run_id

    def ask(self, question: str, *choices: str, default: str | None = None, hours: int = 1) -> int:
        """A run that asks somebody of the business; gives its id."""
        run_id = self.run(state="waiting")
        inputs = {"question": question, "choices": choices, "timeout": timedelta(hours=hours), "default": default}
        row = {
            "run_id": run_id,
            "position": 0,
            "workspace_id": self.workspace.id,
            "action": ASK,
            "state": "waiting",
            "fingerprint": b"",
            "inputs": self.workspace.sealer.seal(values.write(inputs), f"step {run_id} 0 inputs"),
            "asked_at": self.clock.now(),
            "due_at": self.clock.now() + hours * 60 * MINUTE,
        }
        self.insert(schema.step, row)
        return run_id

    def insert(self, table: sa.Table, row: dict[str, Any]) -> None:
        with self.hub.database.write() as connection:
            connection.execute(sa.insert(table).values(row))


def make_world(settings: Settings) -> World:
    clock = FrozenClock()
    hub = Hub(settings, clock=clock)
    hub.database.acquire(CLOCK, 3600)
    app = create_app(hub)
    return World(hub, clock, hub.workspaces.add("Crumb & Co."), app.test_client())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(Settings(home=tmp_path))
    yield made
    made.hub.close()


@pytest.fixture
def world_on_any_database(tmp_path: Path, database_url: str) -> Iterator[World]:
    made = make_world(Settings(home=tmp_path, database_url=database_url, secret_key="k" * 40))
    yield made
    made.hub.close()
