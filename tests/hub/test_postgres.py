"""What is agreed with PostgreSQL about waiting. What it is good for, `tests/machines` shows on real hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from hub import postgres
from hub.database import Database
from tests import servers


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    with servers.database(postgres_url) as url:
        made = Database(url)
        yield made
        made.close()


def test_a_process_that_stands_still_in_a_transaction_loses_it_and_the_next_one_is_good(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "FROZEN_SECONDS", 0.2)
    frozen = Database(database.url.render_as_string(hide_password=False))
    watching = sa.text("SELECT state FROM pg_stat_activity WHERE pid = :pid")

    def state(pid: int) -> str | None:
        with database.read() as connection:
            return connection.execute(watching, {"pid": pid}).scalar()

    with frozen.engine.connect() as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        servers.until(lambda: state(pid) is None)
        with pytest.raises(sa.exc.DBAPIError) as broken:
            connection.exec_driver_sql("SELECT 1")
    assert broken.value.connection_invalidated, "Then what was tried is tried again."
    with frozen.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() != pid
    frozen.close()


def test_what_a_connection_is_told_outlives_a_rollback(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        raise ZeroDivisionError
    with database.read() as connection:
        told = connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar()
    assert told == f"{postgres.FROZEN_SECONDS:g}s"


def test_a_connection_is_dead_when_nobody_answered_for_less_than_a_lease_lasts() -> None:
    told = postgres.patience(sa.make_url("postgresql://somebody@far/hub"))
    probing = told["keepalives_idle"] + told["keepalives_interval"] * told["keepalives_count"]
    assert told["tcp_user_timeout"] == probing * 1000 == postgres.SILENT_SECONDS * 1000
    assert postgres.SILENT_SECONDS + told["connect_timeout"] < 15


def test_what_the_address_says_counts_more() -> None:
    told = postgres.patience(sa.make_url("postgresql://somebody@far/hub?connect_timeout=30&keepalives_idle=60"))
    assert not told.keys() & {"connect_timeout", "keepalives_idle"}
    assert told["tcp_user_timeout"]
