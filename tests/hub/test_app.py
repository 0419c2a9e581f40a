"""What operators watch: liveness, readiness in words, and metrics without anybody's data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from hub import schema
from hub.clock import CLOCK
from hub.site import create_site
from tests.calling import Client
from tests.far.site import Site, event_body


@pytest.fixture
def client(site: Site) -> Client:
    return Client(create_site(site.hub, site.intake))


def away(*_: object) -> Any:
    raise sa.exc.OperationalError("SELECT secret", {}, Exception("password"))


def test_the_process_is_alive_whatever_the_database_does(client: Client, site: Site) -> None:
    site.hub.database.read = away  # type: ignore[method-assign]
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_the_hub_is_ready_while_its_clock_ticks(client: Client, site: Site) -> None:
    assert site.hub.database.acquire(CLOCK, 60)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ready\n")


@pytest.mark.parametrize("seconds", [None, -1])
def test_readiness_names_a_clock_that_never_ticked_or_does_no_more(
    client: Client, site: Site, seconds: float | None
) -> None:
    if seconds is not None:
        assert site.hub.database.acquire(CLOCK, seconds)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "The clock does not tick. Start it: hub clock\n")


def test_readiness_names_a_database_that_is_away_and_tells_no_secret(client: Client, site: Site) -> None:
    site.hub.database.read = away  # type: ignore[method-assign]
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.text == "The database does not answer (OperationalError). Check that it runs.\n"


def test_readiness_names_a_key_that_is_not_the_databases(client: Client, site: Site) -> None:
    with site.hub.database.write() as database:
        database.execute(sa.update(schema.hub_key).values(id="another"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "key" in answer.text


def test_metrics_count_deliveries_and_hold_nobodys_data(client: Client, site: Site) -> None:
    path = f"/webhooks/far/{site.connection.id}"
    assert client.post(path, data=event_body("ada")).status_code == 200
    assert client.post("/webhooks/ada@example.com/ada", data=b"{}").status_code == 404
    answer = client.get("/metrics")
    assert 'hub_deliveries_total{connector="far",outcome="kept"}' in answer.text
    assert "ada" not in answer.text
    assert site.connection.id not in answer.text


def test_metrics_tell_the_room_that_the_database_takes(client: Client, site: Site) -> None:
    site.hub.settings = replace(site.settings, disk_mb=500)
    figures = dict(line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines() if line[0] != "#")
    assert float(figures["hub_database_bytes"]) > 100_000
    assert float(figures["hub_database_budget_bytes"]) == 500e6


def test_an_address_that_nobody_knows_becomes_no_metric_while_the_database_is_away(
    client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.hub.connections, "get", away)
    assert client.post("/webhooks/quirke@example.com/x", data=b"{}").status_code == 503
    text = client.get("/metrics").text
    assert "quirke" not in text
    assert 'outcome="not_kept"' in text
