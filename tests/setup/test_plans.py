"""Whatever the pages ask the database, an index leads to it."""

from __future__ import annotations

from hub.setup import activity, queries
from tests.hub.test_plans_at_size import asked, read_through
from tests.setup.conftest import World
from tests.setup.test_activity import ACTIVITY, event


def test_every_question_of_the_pages_is_answered_from_an_index(world_on_any_database: World) -> None:
    world = world_on_any_database
    world.sign_in()
    run_id = world.run({"action": "twilio.send_sms"}, state="held")
    event(world, skipped='{"x": "y"}')
    who = f"e{world.workspace.hash('email', 'ada@example.com').hex()}"
    with asked(world) as statements:
        for path in (
            *(f"{ACTIVITY}?show={show}" for show in activity.FILTERS),
            f"{ACTIVITY}?recipe=order_thanks&before={1 << 61}",
            f"/w/1/runs/{run_id}",
            "/w/1/people",
            f"/w/1/people/{who}",
        ):
            assert world.open(path).status_code == 200
    assert len(statements) > 20
    assert not "\n\n".join(read_through(world, statements))


def test_runs_are_found_by_their_events_and_not_by_walking_through_all(world: World) -> None:
    """In a workspace with a million runs that took the page of Activity a third of a second."""
    world.run()
    with asked(world) as statements:
        queries.runs_of_events(world.hub, world.workspace, list(range(50)), 200)
    ((statement, values),) = ((text, found) for text, found in statements.items() if "run.event_id IN" in text)
    with world.hub.database.engine.connect() as database:
        plan = [str(row[-1]) for row in database.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert any(line.startswith("SEARCH run USING INDEX ix_run_event") for line in plan), plan
