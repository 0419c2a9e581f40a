"""A release and the next one side by side over one migration: up one process at a time, and back, under load."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.migrations import HEAD
from tests.machines.cluster import ROOT, Cluster
from tests.servers import until

NEXT, AFTER_NEXT = f"{int(HEAD) + 1:04}", f"{int(HEAD) + 2:04}"

MIGRATION = f'''"""Which release kept a delivery."""

import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{HEAD}"


def upgrade() -> None:
    op.add_column("delivery", sa.Column("release", sa.String(8), nullable=True))
'''


def edited(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert text.count(old) == 1, f"{file}: {old}"
    (folder / file).write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def next_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as it is here, and one migration further: a column that is written."""
    folder = tmp_path_factory.mktemp("next")
    for part in ("hub", "webhooks", "connectors", "recipes", "tests"):
        shutil.copytree(ROOT / part, folder / part)
    (folder / "hub" / "migrations" / "versions" / f"{NEXT}_release.py").write_text(MIGRATION)
    edited(folder, "hub/migrations/__init__.py", f'HEAD = "{HEAD}"', f'HEAD = "{NEXT}"')
    kept = '    Column("content", Sealed, comment="address, headers and body; gone once read"),\n'
    edited(folder, "hub/schema.py", kept, kept + '    Column("release", String(8), default="next"),\n')
    return folder


@pytest.fixture(scope="module")
def upgrading(running: Cluster) -> Iterator[Cluster]:
    """The cluster, which is of this release again in the end, with its database."""
    yield running
    for name in running.processes:
        running.kill(name)
    with running.database.write() as connection:
        connection.execute(sa.text("ALTER TABLE delivery DROP COLUMN IF EXISTS release"))
    set_version(running, HEAD)


def set_version(cluster: Cluster, version: str) -> None:
    with cluster.database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def versions(cluster: Cluster) -> list[str]:
    return [version for (version,) in cluster.rows(sa.text("SELECT version_num FROM alembic_version"))]


def keepers(cluster: Cluster, since: float) -> set[str | None]:
    """Which releases kept deliveries since then; None is the one that does not tell."""
    query = sa.text("SELECT DISTINCT release FROM delivery WHERE received_at >= :since")
    return {release for (release,) in cluster.rows(query.bindparams(since=round(since * 1000)))}


def replace(cluster: Cluster, name: str, release: Path) -> None:
    """Stops a part and starts it with the code of a release, as an operator does."""
    cluster.stop(name)
    cluster.start(name, cwd=release)


def test_up_one_process_at_a_time_over_a_migration(
    cluster: Cluster, upgrading: Cluster, next_release: Path, measured: Callable[[str], None]
) -> None:
    began = time.time()
    with cluster.load(rate=3) as taken:
        until(lambda: cluster.done_since(began), 60, "Work being done")
        with cluster.database.read() as reading:
            # A backup, say: no table can be changed as long as it reads.
            reading.execute(sa.text("SELECT count(*) FROM delivery")).scalar()
            for name in ("web1", "clock1"):
                cluster.stop(name)
                cluster.begin(name, cwd=next_release)
            until(lambda: waits_for_tables(cluster), 60, "The migration's waiting")
            waited = time.time()
            until(lambda: cluster.done_since(waited), 60, "Work going on meanwhile")
            assert versions(cluster) == [HEAD]
        for name in ("web1", "clock1"):
            cluster.until_up(name)
        assert versions(cluster) == [NEXT]
        measured(f"a migration waited for a reader and was done {time.time() - waited:.1f} s after it began to wait")
        side_by_side = time.time()
        until(lambda: keepers(cluster, side_by_side) == {None, "next"}, 60, "Both releases' writing")
        replace(cluster, "worker1", next_release)
        # One that ends by itself meanwhile comes back with the code that it had.
        cluster.kill("worker2")
        cluster.start("worker2")
        said = "The database is the next release's already."
        until(lambda: cluster.logged("worker2", said), 60, "Its saying so")
        for name in ("web2", "clock2", "worker2"):
            at_work = time.time()
            until(lambda at_work=at_work: cluster.done_since(at_work), 60, "Work being done")
            replace(cluster, name, next_release)
        last = time.time()
        until(lambda: keepers(cluster, last) == {"next"}, 60, "The next release's writing alone")
    cluster.until_settled()
    cluster.place.assert_once(list(taken.at))
    assert {status for _, status, _, _ in taken.failed} <= {None}, "A web that is stopped takes nothing, and says so."
    measured(f"upgraded six processes one by one: {len(taken)} orders, the longest took {cluster.longest(began):.1f} s")


def waits_for_tables(cluster: Cluster) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE%'"
    return bool(cluster.rows(sa.text(query))[0][0])


def test_a_part_that_goes_back_to_the_release_before_does_its_work(upgrading: Cluster) -> None:
    cluster, began = upgrading, time.time()
    assert versions(cluster) == [NEXT]
    with cluster.load(rate=3) as taken:
        for name in ("web1", "worker1"):
            replace(cluster, name, ROOT)
        back = time.time()
        until(lambda: None in keepers(cluster, back), 60, "This release's writing")
        cluster.kill("worker2")
        alone = time.time()
        until(lambda: cluster.done_since(alone), 60, "This release's work")
    cluster.until_settled()
    cluster.place.assert_once(list(taken.at))
    assert cluster.done_since(began) == len(taken)


def test_what_does_not_fit_the_next_releases_database_is_refused_in_one_line(
    upgrading: Cluster, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError, match="written by a newer release"):
        upgrading.run("worker1", "hub.cli", "backup", str(tmp_path / "backup"))
    assert not list(tmp_path.iterdir())
    set_version(upgrading, AFTER_NEXT)
    try:
        with pytest.raises(RuntimeError) as refused:
            upgrading.run("worker1", "hub.cli", "worker")
    finally:
        set_version(upgrading, NEXT)
    (line,) = str(refused.value).strip().splitlines()
    assert line.startswith("This database was written by a newer release of the hub. Start that release, or restore")
