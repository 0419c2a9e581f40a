"""On the pages: sending hours, what the brake asks, complaints, and why somebody did or did not get it."""

from __future__ import annotations

import pytest

from hub import notices, schema
from hub.guards import complaints, hours
from tests.setup.access.conftest import joined, signed_in
from tests.setup.conftest import HOME, World
from tests.setup.reading import text_of
from tests.setup.test_people import ADA, found, known

SETTINGS = f"{HOME}settings"
HOURS = {"sms_opens": "10:00", "sms_closes": "18:30", "email_opens": "08:00", "email_closes": "20:00"}


@pytest.fixture(autouse=True)
def _signed_in(world: World) -> None:
    world.sign_in()


def test_sending_hours_are_set_and_shown(world: World) -> None:
    assert 'value="09:00"' in world.open(SETTINGS).text
    assert world.send(f"{SETTINGS}/hours", **HOURS).status_code == 303
    page = world.open(SETTINGS).text
    assert "Saved." in page and 'value="18:30"' in page
    (workspace,) = world.hub.workspaces.list()
    assert hours.read_hours(workspace.hours)["sms"] == hours.Hours(600, 1110)
    assert "changed when marketing leaves: text messages 10:00–18:30" in text_of(world.open(f"{HOME}changes").text)


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("sms_opens", "07:00", "They must lie within 08:00–21:00: nobody wants marketing by text message outside."),
        ("email_closes", "07:00", "The end must be later than the beginning."),
        ("email_opens", "noon", "Write a time of day such as 9:00 or 20:30."),
        ("email_opens", "", "Please fill this in."),
    ],
)
def test_hours_that_will_not_do_are_refused_beside_their_field(world: World, field: str, typed: str, says: str) -> None:
    page = world.send(f"{SETTINGS}/hours", **(HOURS | {field: typed}))
    assert says in text_of(page.text)
    assert world.hub.workspaces.list()[0].hours is None


# ---- the brake


def braked(world: World, count: int = 3) -> None:
    """So many messages wait for an answer."""
    now, until = world.clock.now(), world.clock.now() + 3_600_000
    for _ in range(count):
        held = {"held_by": "brake", "held_until": until, "due_at": until, "ended_at": None}
        world.run({"action": "mailchimp.add_event", "state": "waiting"} | held, state="waiting")
    row = {"workspace_id": world.workspace.id, "recipe": "order_thanks", "asked_at": now, "usual": 30}
    world.insert(schema.brake, row)


def test_the_first_page_asks_whether_so_many_should_leave_and_takes_the_answer(world: World) -> None:
    braked(world)
    shown = text_of(world.open(HOME).text)
    assert "Unusually many messages would leave" in shown
    assert "“Thank people for their order” would send 3 more marketing messages. On a busy day it sends 30." in shown
    world.send(f"{HOME}brake/order_thanks/go-on")
    shown = text_of(world.open(HOME).text)
    assert "3 messages may leave." in shown and "Unusually many" not in shown
    steps = world.hub.database.engine.connect().execute(schema.step.select()).all()
    assert {step.due_at for step in steps} == {world.clock.now()}
    world.send(f"{HOME}brake/order_thanks/go-on")
    assert "Somebody answered this already." in text_of(world.open(HOME).text)


def test_staff_may_stop_them_and_not_let_them_go(world: World) -> None:
    braked(world, 1)
    staff = signed_in(world, joined(world, "staff"))
    page = staff.client.get(HOME).text
    assert 'id="stop-1"' in page and 'id="go-on-1"' not in page
    world.send(f"{HOME}brake/order_thanks/stop")
    assert "1 message will not leave." in text_of(world.open(HOME).text)


def test_people_are_told_that_the_brake_asks(world: World) -> None:
    braked(world)
    assert [*notices.needed(world.hub, world.workspace).values()] == [
        "“Thank people for their order” would send 3 more marketing messages; on a busy day it sends 30. "
        "They wait for your answer."
    ]


# ---- one person


def test_a_complaint_is_noted_by_hand_and_settled(world: World) -> None:
    known(world)
    page = found(world)
    assert "They complain" in text_of(world.open(page).text)
    world.send(f"{page}/complains")
    shown = text_of(world.open(page).text)
    assert "They have an open complaint, so marketing to them waits." in shown
    with world.hub.database.read() as database:
        (person,) = database.execute(schema.person.select()).all()
        assert complaints.names_of(database, [person.id]) == ["by hand"]
    world.send(f"{page}/settled")
    assert "They have an open complaint" not in text_of(world.open(page).text)


def test_nobody_known_cannot_complain(world: World) -> None:
    page = found(world, "nobody@example.com")
    assert "They complain" not in world.open(page).text
    assert world.send(f"{page}/complains").status_code == 400


def test_the_page_says_why_they_got_it_or_not(world: World) -> None:
    world.enable_order_thanks()
    world.connection(id="c")
    run = known(world)
    page = found(world)
    assert '<option value="order_thanks">Thank people for their order</option>' in world.open(page).text
    shown = world.open(f"{page}/why?recipe=order_thanks").text
    assert "Send a text message: Done." in text_of(shown)
    assert f"/w/1/runs/{run}" in shown
    assert world.open(f"{page}/why?recipe=dance").status_code == 404
    assert ADA not in shown
