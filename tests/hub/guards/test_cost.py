"""What judging costs, in statements to the database: the outbox's speed is one of its promises."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub import guards
from hub.outbox.steps import Waiting, load
from tests import telling
from tests.hub.guards.conftest import put_mails
from tests.hub.outbox.desk import Desk


@pytest.fixture(autouse=True)
def morning(desk: Desk) -> None:
    desk.world.clock.advance(timedelta(hours=1))


def statements(desk: Desk, runs: list[int]) -> int:
    """How many statements it takes to judge these runs' messages."""
    hub, said = desk.hub, []
    steps = [step for step in load(hub, desk.world.workspace, [(run, 0) for run in runs]) if isinstance(step, Waiting)]

    def note(*about: object) -> None:
        said.append(about[2])

    with hub.database.write() as database:
        sa.event.listen(hub.database.engine, "before_cursor_execute", note)
        try:
            recipes = dict.fromkeys(runs, "none")
            assert guards.judge(hub, database, desk.world.workspace, desk.connection, steps, recipes) == {}
        finally:
            sa.event.remove(hub.database.engine, "before_cursor_execute", note)
    return len(said)


def test_messages_that_somebody_asked_for_cost_one_query_however_many(desk: Desk) -> None:
    orders = [[telling.send(f"+49151123456{n:02}", "Hello", purpose="transactional")] for n in range(50)]
    assert statements(desk, desk.put_all(orders)) == 1


def test_what_is_no_message_costs_nothing(desk: Desk) -> None:
    assert statements(desk, desk.put_all([[telling.do(n)] for n in range(50)])) == 0


@pytest.mark.parametrize("count", [1, 50])
def test_marketing_costs_the_same_few_statements_however_many(desk: Desk, count: int) -> None:
    put_mails(desk, 1, "first of the day")
    desk.drain()
    emails = [f"{n}@example.com" for n in range(count)]
    runs = [desk.put(telling.mail(email, "Hello"), person=desk.person(email)) for email in emails]
    # Consent, the business, the people, what waits for them, what left to them; what the recipe sends, and what leaves.
    # PostgreSQL is asked once more, for the people's turn. Rows are written 64, 16, 4 or 1 at a time, twice.
    written = 2 * (1 if count == 1 else 3 + 2)
    assert 6 + written <= statements(desk, runs) <= 7 + written
