"""When a step counts as asked for: at each account, what is about one person leaves in this order."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from . import schema


def last_asked(connection: sa.Connection, person_ids: Collection[int | None], now: int) -> dict[int, int]:
    """When something was last asked for about these people, in runs that go on; only of those of whom that is at `now`
    or later, in milliseconds. What is asked for next must count as later.

    A clock that is set back, or one machine's beside another's, would else have what is asked for last leave first.
    Whoever asks holds the people (`Database.lock_people`), so that nobody asks for anything about them meanwhile.
    """
    people = [person_id for person_id in person_ids if person_id is not None]
    rows = connection.execute(_LAST, {"people": people, "now": now}) if people else ()
    return {person_id: at for person_id, at in rows}


def counts_as_asked(now: int, *before: int) -> int:
    """When what is asked for now counts as asked for, after all of what was asked for before."""
    return max(now, *(at + 1 for at in before))


_run, _step = schema.run, schema.step
_LAST = (
    sa.select(_run.c.person_id, sa.func.max(_step.c.asked_at))
    .join_from(_run, _step, _step.c.run_id == _run.c.id)
    .where(
        _run.c.person_id.in_(sa.bindparam("people", expanding=True)),
        _run.c.ended_at.is_(None),
        _step.c.asked_at >= sa.bindparam("now"),
    )
    .group_by(_run.c.person_id)
)
