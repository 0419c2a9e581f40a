"""Very much of everything that a hub keeps, written by the database itself: years of history, and runs that sleep."""

from __future__ import annotations

import json

import sqlalchemy as sa

from hub import schema
from tests.world import World

HOUR, DAY = 3_600_000, 86_400_000
WORKSPACES = 20
SLEEPERS = 10_000_000_000
"""The ids of what sleeps begin here."""


class Bulk:
    """Fills a world's tables. Rows are the first workspace's, and of one connection; in their values `n` counts."""

    def __init__(self, world: World, connection_id: str) -> None:
        self.world, self.sqlite = world, world.hub.database.is_sqlite
        self.now = world.clock.now()
        self.workspace, self.connection = str(world.workspace.id), f"'{connection_id}'"
        self.hash = self.bytes(16)

    def bytes(self, size: int) -> str:
        """Bytes by chance."""
        return f"randomblob({size})" if self.sqlite else f"decode(repeat(md5(random()::text), {size} / 16), 'hex')"

    def history(self, count: int, *, size: int = 16) -> None:
        """Orders that ended, each of one person, one an hour ago, the next two hours ago. None has a payload but the
        newest hundredth, whose events and steps have one of `size` bytes."""
        mine, told = (
            {"workspace_id": self.workspace},
            {"workspace_id": self.workspace, "connection_id": self.connection},
        )
        number, at, kept = f"{count} * 3 - n", f"{self.now} - n * {HOUR}", f"n <= {count} / 100"
        content, later = f"CASE WHEN {kept} THEN {self.bytes(size)} END", f"{self.now} + {DAY} + n"
        self.fill("person", count, id="n", key=self.hash, **mine)
        self.fill("identity", count, hash=self.hash, person_id="n", **mine)
        self.fill("consent", count, hash=self.hash, channel="'email'", given="true", at=at, source="'s'", **mine)
        for _ in range(2):
            self.fill("seen_key", count, connection_id=self.connection, hash=self.hash, at=f"{self.now} - n")
        self.fill("once_key", count, recipe="'one_thing'", hash=self.hash, until=later, **mine)
        self.fill("echo", count // 10, connection_id=self.connection, hash=self.hash, until=later)
        self.fill("erasure", count // 10, id="n", hash=self.hash, at=at, **mine)
        self.fill("privacy_request", count // 10, id="n", kind="'export'", state="'done'", at=at, **told)
        self.fill("delivery", count, id=number, received_at=at, state="'read'", events="1", **told)
        event = {"type": "'telling.happened'", "at": at, "received_at": at, "state": "'taken'", "content": content}
        self.fill("event", count, id=number, delivery_id=number, person_id="n", **event, **told)
        run = {"started_at": at, "ended_at": at, "event_at": at, "state": "'done'", "fence": "1", "sealed": kept}
        self._runs(count, id=number, event_id=number, person_id="n", **run)
        for position in range(2):
            step = {"position": str(position), "connection_id": self.connection, "action": "'telling.do'"}
            done = {"state": "'done'", "inputs": content, "asked_at": at, "ended_at": at, "fence": "1"}
            self._steps(count, run_id=number, person_id="n", **step, **done)

    def sleeping(self, count: int, *, first: int = DAY, apart: int = 1) -> None:
        """Runs that sleep, one person each, due from `first` milliseconds from now on, `apart` from each other."""
        mine, number, at = {"workspace_id": self.workspace}, f"{SLEEPERS} + n", str(self.now - 1)
        due = f"{self.now} + {first} + n * {apart}"
        self.fill("person", count, id=number, key=self.hash, **mine)
        event = {"type": "'telling.happened'", "at": at, "received_at": at, "state": "'taken'", "content": self.hash}
        self.fill("event", count, id=number, connection_id=self.connection, person_id=number, **event, **mine)
        run = {"started_at": at, "event_at": at, "state": "'waiting'", "fence": "0", "sealed": "true", "due_at": due}
        self._runs(count, id=number, event_id=number, person_id=number, **run)
        step = {"position": "0", "action": "'sleep'", "state": "'waiting'", "fence": "0", "asked_at": at}
        self._steps(count, run_id=number, person_id=number, due_at=due, **step)
        self.fill("waiter", count, person_id=number, type="'telling.ended'", run_id=number, **mine)

    def connections(self, count: int) -> None:
        """More accounts, spread over more workspaces."""
        hub = self.world.hub
        workspaces = [hub.workspaces.add(f"Business {number}") for number in range(WORKSPACES - 1)]
        same = {"connector": "telling", "state": "ready", "created_at": self.now, "changed_at": self.now}
        rows = []
        for number in range(count):
            workspace, name = workspaces[number % len(workspaces)], f"{number:016x}"
            fields = workspace.sealer.seal(json.dumps({"account": str(number)}).encode(), f"connection {name}")
            about = {"id": name, "workspace_id": workspace.id, "label": f"Account {number}", "fields": fields}
            rows.append(same | about)
        with hub.database.write() as database:
            database.execute(sa.insert(schema.connection), rows)

    def analyze(self) -> None:
        """Has PostgreSQL look at what there is, as it does by itself now and then; on SQLite nobody ever does."""
        if not self.sqlite:
            with self.world.hub.database.write() as database:
                database.execute(sa.text("ANALYZE"))

    def _runs(self, count: int, **values: str) -> None:
        same = {"enabled_id": "1", "recipe": "'r'", "version": "'v'", "leased_until": "0"}
        self.fill("run", count, workspace_id=self.workspace, **same, **values)

    def _steps(self, count: int, **values: str) -> None:
        same = {"priority": "1", "attempts": "1", "fingerprint": self.hash}
        self.fill("step", count, workspace_id=self.workspace, **same, **values)

    def fill(self, table: str, count: int, **values: str) -> None:
        """Rows of a table, with what SQL makes of these values."""
        series = "SELECT CAST(generate_series(1, :count) AS BIGINT)"
        if self.sqlite:
            series = "SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :count"
        rows = f"WITH RECURSIVE s(n) AS ({series}) SELECT {', '.join(values.values())} FROM s"
        with self.world.hub.database.write() as database:
            database.execute(sa.text(f"INSERT INTO {table} ({', '.join(values)}) {rows}"), {"count": count})
