"""What somebody does about runs on the pages: one, several, or all of them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub import runs, schema, tasks
from hub.ids import new_id
from hub.workspaces import Workspace
from tests.setup.access.conftest import Browser, joined, signed_in
from tests.setup.conftest import World
from tests.setup.reading import text_of

ACTIVITY = "/w/1/activity"
SMS = {"action": "twilio.send_sms"}


@pytest.fixture(autouse=True)
def _signed_in(world: World) -> None:
    world.sign_in()


def state_of(world: World, run_id: int) -> str:
    with world.hub.database.read() as connection:
        return str(connection.execute(sa.select(schema.run.c.state).where(schema.run.c.id == run_id)).scalar())


def told(world: World, path: str, **fields: str) -> str:
    """What the next page says after a form was sent."""
    answer = world.send(path, **fields)
    assert answer.status_code == 303, answer.text
    page = world.open(answer.headers["Location"]).text
    return " ".join(re.findall(r'role="status">([^<]*)</p>', page))


def changes(world: World) -> str:
    return text_of(world.open("/w/1/changes").text)


def test_a_held_run_can_be_tried_again_or_ended(world: World) -> None:
    run_id, other = (world.run(SMS | {"state": "unknown"}, state="held") for _ in range(2))
    page = world.open(f"/w/1/runs/{run_id}").text
    assert 'id="retry"' in page and 'id="end"' in page and 'id="replay"' not in page
    assert "It goes on in a moment." in told(world, f"/w/1/runs/{run_id}/retry")
    assert state_of(world, run_id) == "running"
    assert "It is ended." in told(world, f"/w/1/runs/{other}/end")
    assert state_of(world, other) == "stopped"
    assert f"tried run {run_id} again" in changes(world) and f"ended run {other}" in changes(world)


def test_before_a_message_is_sent_again_it_is_said_who_gets_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = world.run(SMS | {"state": "unknown"}, state="held")
    refused = world.run(SMS | {"state": "refused", "ended_at": 1}, state="failed")
    quiet = world.run({"action": "hubspot.upsert_contact", "state": "unknown"}, state="held")
    shown = [text_of(world.open(f"/w/1/runs/{run_id}").text) for run_id in (unknown, refused, quiet)]
    says = "for the one customer whom this is about: Send a text message."
    assert [says in text for text in shown] == [True, True, False]
    assert ["sends nothing twice" in text for text in shown] == [True, False, False]
    monkeypatch.setattr(runs, "can_be_asked", lambda action: False)
    assert "they get it twice" in text_of(world.open(f"/w/1/runs/{unknown}").text)


def test_what_cannot_be_done_says_why_and_changes_nothing(world: World) -> None:
    run_id = world.run()
    page = world.open(f"/w/1/runs/{run_id}").text
    assert not re.findall(r'id="(?:retry|end|replay|skip-\d+)"', page)
    for path, says in (("retry", "Only a run that is held or failed"), ("end", "nothing to cancel")):
        assert says in told(world, f"/w/1/runs/{run_id}/{path}")
    assert "over already" in told(world, f"/w/1/runs/{run_id}/skip", position="0")
    assert "run" not in changes(world).partition("the latest first")[2]
    assert world.send(f"/w/1/runs/{run_id}/skip", position="x").status_code == 400
    for path in (f"/w/1/runs/{1 << 63}/retry", "/w/1/runs/5/end", f"/w/1/events/{1 << 63}/replay", "/w/1/tasks/5"):
        answer = world.open(path) if "tasks" in path else world.send(path)
        assert answer.status_code == 404


def test_of_a_run_whose_content_is_gone_only_the_end_is_offered(world: World) -> None:
    held = world.run(SMS | {"state": "unknown"}, state="held", sealed=False)
    failed = world.run(SMS | {"state": "refused", "ended_at": 1}, state="failed", sealed=False)
    offered = [
        re.findall(r'<button[^>]*id="(retry|end|replay|skip-0)"', world.open(f"/w/1/runs/{run_id}").text)
        for run_id in (held, failed)
    ]
    assert offered == [["end"], []]
    assert "was removed after its time" in told(world, f"/w/1/runs/{failed}/retry")


def test_a_step_can_be_skipped_and_a_wait_ended(world: World) -> None:
    later = world.clock.now() + 3_600_000
    waiting = world.run({"action": "sleep", "state": "waiting", "due_at": later}, state="waiting", due_at=later)
    held = world.run(SMS | {"state": "unknown"}, state="held")
    assert "Go on now" in text_of(world.open(f"/w/1/runs/{waiting}").text)
    assert "Skip “Send a text message”" in text_of(world.open(f"/w/1/runs/{held}").text)
    for run_id in (waiting, held):
        assert "Skipped." in told(world, f"/w/1/runs/{run_id}/skip", position="0")
        assert f"skipped step 1 of run {run_id}" in changes(world)
        assert "Skipped by a person." in text_of(world.open(f"/w/1/runs/{run_id}").text)
    with world.hub.database.read() as connection:
        rows = connection.execute(sa.select(schema.run.c.due_at)).scalars().all()
    assert rows == [world.clock.now()] * 2


def test_an_event_can_start_what_it_did_not_start(world: World) -> None:
    world.enable_order_thanks()
    with world.hub.database.read() as connection:
        account = connection.execute(
            sa.select(schema.connection.c.id).where(schema.connection.c.connector == "shopify")
        ).scalar()
    event_id, now = new_id(), world.clock.now()
    row = {"id": event_id, "workspace_id": 1, "connection_id": account, "type": "shopify.order.created"}
    world.insert(schema.event, row | {"at": now, "received_at": now, "state": "taken", "skipped": '{"x": "y"}'})
    assert f'id="replay-{event_id}"' in world.open(ACTIVITY).text
    assert "What the event said is gone" in told(world, f"/w/1/events/{event_id}/replay")
    assert "acted on event" not in changes(world)


def test_those_that_were_ticked_are_tried_again_and_no_others(world: World) -> None:
    chosen = [world.run(SMS | {"state": "unknown"}, state="held") for _ in range(2)]
    other = world.run(SMS | {"state": "unknown"}, state="held")
    page = world.open(f"{ACTIVITY}?show=held").text
    assert all(f'name="run" value="{run_id}"' in page for run_id in [*chosen, other])
    token = world.token()
    form = {"token": token, "show": "held", "what": "retry", "run": [str(n) for n in chosen]}
    answer = world.browser.post(f"{ACTIVITY}/several", data=form)
    assert "2 runs tried again." in text_of(world.open(answer.headers["Location"]).text)
    assert [state_of(world, run_id) for run_id in [*chosen, other]] == ["running", "running", "held"]
    form = {"token": token, "show": "held", "what": "cancel", "run": [str(other), str(chosen[0]), "x", "5"]}
    world.browser.post(f"{ACTIVITY}/several", data=form)
    assert state_of(world, other) == "stopped"
    assert "tried 2 runs again" in changes(world)


def test_several_skip_what_is_in_doubt_or_begin_anew(world: World) -> None:
    held = world.run(SMS | {"state": "unknown"}, state="held", person_id=1)
    failed = world.run(SMS | {"state": "refused"}, state="failed")
    page = world.open(f"{ACTIVITY}?show=held").text
    assert 'id="skip-chosen"' in page and 'id="replay-chosen"' not in page
    page = world.open(f"{ACTIVITY}?show=failed").text
    assert 'id="replay-chosen"' in page and "also what was done already" in page and 'id="skip-chosen"' not in page
    assert "was erased" in told(world, f"{ACTIVITY}/several", show="held", what="skip", run=str(held))
    says = told(world, f"{ACTIVITY}/several", show="failed", what="replay", run=str(failed))
    assert "The recipe is off, so it does not start." in says
    path = world.send(f"{ACTIVITY}/several", show="failed", what="replay", all="yes").headers["Location"]
    tasks.go_on(world.hub)
    assert "0 of 1 started anew. 1 other could not." in text_of(world.open(path).text)
    assert "started 1 run anew" in changes(world)


@pytest.mark.parametrize("form", [{}, {"show": "waiting", "what": "cancel"}, {"show": "failed", "what": "cancel"}])
def test_nothing_is_done_together_that_was_not_offered(world: World, form: dict[str, str]) -> None:
    run_id = world.run(state="waiting")
    assert world.send(f"{ACTIVITY}/several", run=str(run_id), **form).status_code == 400
    assert state_of(world, run_id) == "waiting"
    assert "Nothing was chosen." in told(world, f"{ACTIVITY}/several", show="held", what="retry")


def test_all_of_them_go_on_with_a_bar_that_says_how_far_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PORTION", 4)
    held = [world.run(SMS | {"state": "unknown"}, state="held") for _ in range(10)]
    answer = world.send(f"{ACTIVITY}/several", show="held", what="cancel", all="yes")
    path = answer.headers["Location"]
    page = world.open(path).text
    assert '<progress class="progress" max="10" value="0"' in page and "0 of 10" in page
    task_id = int(path.rpartition("/")[2])
    tasks._portion(world.hub, task_id)
    world.clock.advance(timedelta(minutes=4))
    assert "4 of 10, about 6 minutes left" in text_of(world.open(path).text)
    assert "4 of 10, about 6 minutes left" in text_of(world.open(ACTIVITY).text)
    tasks.go_on(world.hub)
    assert "10 of 10 ended." in text_of(world.open(path).text)
    assert {state_of(world, run_id) for run_id in held} == {"stopped"}
    assert "ended 10 runs" in changes(world)
    assert "There is nothing left to do." in told(world, f"{ACTIVITY}/several", show="held", what="cancel", all="yes")


def test_long_work_can_be_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PORTION", 1)
    for _ in range(2):
        world.run(SMS | {"state": "unknown"}, state="held")
    path = world.send(f"{ACTIVITY}/several", show="held", what="retry", all="yes").headers["Location"]
    tasks._portion(world.hub, int(path.rpartition("/")[2]))
    assert "It is stopped." in told(world, f"{path}/stop")
    assert "nothing to stop" in told(world, f"{path}/stop")
    assert tasks.go_on(world.hub) == 0
    assert "1 of 2 tried again." in text_of(world.open(path).text)


@pytest.fixture
def other(world: World) -> Workspace:
    return world.hub.workspaces.add("Bike Repair Nord")


def test_others_runs_are_not_touched(world: World, other: Workspace) -> None:
    run_id = world.run(SMS | {"state": "unknown"}, workspace=other, state="held")
    owner = signed_in(world, joined(world, "owner"))
    for path in ("retry", "end"):
        assert owner.send(f"/w/1/runs/{run_id}/{path}").status_code == 404
    owner.send(f"{ACTIVITY}/several", show="held", what="retry", run=str(run_id))
    owner.send(f"{ACTIVITY}/several", show="held", what="retry", all="yes")
    tasks.go_on(world.hub)
    assert state_of(world, run_id) == "held"


def test_staff_may_act_and_are_not_offered_what_they_may_not(world: World) -> None:
    run_id = world.run(SMS | {"state": "unknown"}, state="held")
    staff: Browser = signed_in(world, joined(world, "staff"))
    assert 'id="retry"' in staff.get(f"/w/1/runs/{run_id}").text
    assert staff.send(f"/w/1/runs/{run_id}/retry").status_code == 303
    page = staff.get("/w/1/people").text
    assert 'id="keep"' not in page and "kept for 30 days" in page
