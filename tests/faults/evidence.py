"""What is kept of a run that was not good, to find out why: logs, and every step with its times."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from hub import history, schema
from hub.timing import iso
from tests.faults.load import Load
from tests.faults.site import Site


def keep(site: Site, load: Load, folder: Path) -> None:
    """Writes it all into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for log in site.folder.glob("*.log"):
        shutil.copy(log, folder)
    with site.hub() as (hub, workspace):
        lines = history.runs(workspace, hub, limit=10_000)
        stories = [history.story(workspace, hub, line.id, opened=True) for line in lines]
        numbers = {story.run.id: story.data["order_number"] for story in stories}
        with hub.database.read() as database:
            (folder / "steps.txt").write_text("\n".join(_steps(database, numbers)))
    (folder / "texts.txt").write_text("\n".join(map(str, site.providers.texts())))
    told = (f"{d.at:.2f} {d.key}: sent {d.sent_at}, answered {d.answered_at}, {d.statuses}" for d in load.deliveries)
    (folder / "deliveries.txt").write_text("\n".join(told))


def _steps(database: sa.Connection, numbers: dict[int, int]) -> Iterator[str]:
    run, step = schema.run, schema.step
    query = sa.select(step, run.c.person_id.label("whose"), run.c.started_at).join_from(
        step, run, run.c.id == step.c.run_id
    )
    for row in database.execute(query.order_by(run.c.person_id, run.c.event_at, step.c.position)).mappings():
        times = " ".join(f"{name} {iso(row[name])}" for name in ("started_at", "asked_at", "claimed_at", "ended_at"))
        yield (
            f"person {row['whose']} order {numbers.get(row['run_id'])}: {row['action']} {row['state']}, "
            f"{row['attempts']} attempts, {times} {row['reason'] or ''}"
        )
