"""Pages while something waits for somebody: a question, a run that stopped, messages that are unusually many, silence,
long work. Each is fit for everybody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from hub import schema
from hub.core import Hub
from hub.settings import Settings
from hub.timing import SystemClock
from tests.servers import until
from tests.setup.conftest import MINUTE, World

from .conftest import Setting


@pytest.fixture
def beside(practising: Setting) -> Iterator[World]:
    """A second process on the file of the hub, which puts there what took days to come about."""
    hub = Hub(Settings(home=practising.newcomer.folder / "var"))
    (workspace,) = hub.workspaces.list()
    yield World(hub, SystemClock(), workspace, None)  # type: ignore[arg-type]
    hub.close()


def fall_silent(world: World) -> None:
    """The shop has been silent for unusually long."""
    table = schema.connection
    with world.hub.database.write() as connection:
        shop = sa.update(table).where(table.c.connector == "shopify")
        connection.execute(shop.values(silent_since=table.c.last_event_at, usual_ms=20 * MINUTE))


def ask_whether_to_go_on(world: World) -> None:
    """A recipe would send unusually many messages."""
    about = {"workspace_id": world.workspace.id, "recipe": "abandoned_cart", "usual": 30}
    world.insert(schema.brake, about | {"asked_at": world.clock.now()})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_waits_for_somebody_is_fit_for_everybody(practising: Setting, beside: World, scheme: str) -> None:
    practising.newcomer.order()
    stopped = {"action": "twilio.send_sms", "state": "unknown"}
    held, failed = (beside.run(stopped, state=state, recipe="order_thanks") for state in ("held", "failed"))
    choice = beside.ask("Refund order 1042?", "Yes", "No", default="No", hours=48)
    text = beside.ask("What shall we answer?", hours=48)
    ask_whether_to_go_on(beside)
    fall_silent(beside)
    places = {
        "home-waiting": "/w/1/",
        "run-held": f"/w/1/runs/{held}",
        "run-failed": f"/w/1/runs/{failed}",
        "run-asking": f"/w/1/runs/{choice}",
        "question-choices": f"/w/1/questions/{choice}/0",
        "question-text": f"/w/1/questions/{text}/0",
        "activity-held": "/w/1/activity?show=held",
        "recipe-inside": "/w/1/recipes/order_thanks/inside",
        "connections-silent": "/w/1/connections",
    }
    for width in ("phone", "desk"):
        visit = practising.visit(width, scheme)
        visit.open(practising.link())
        for name, path in places.items():
            visit.open(path)
            visit.shoot(name)
        assert visit.complaints == []


def test_long_work_is_fit_for_everybody_and_its_end_is_seen(practising: Setting, beside: World) -> None:
    for _ in range(3):
        beside.run(
            {"action": "twilio.send_sms", "state": "dropped"}, state="failed", recipe="order_thanks", sealed=False
        )
    visit = practising.visit("phone", "dark")
    visit.open(practising.link())
    visit.open("/w/1/activity?show=failed")
    visit.page.locator("#ask-all").click()
    visit.page.locator("[name=all]").check()
    visit.page.locator("[name=what][value=retry]").first.click()
    visit.sees("Trying runs again")
    visit.shoot("work")
    until(lambda: "Done" in visit.page.content(), 20, "The work did not end.")
    visit.shoot("work-done")
