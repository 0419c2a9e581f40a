"""The button: from a click to a text message, over real sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from hub.app import create_app
from hub.clock import Clock
from hub.core import Hub
from hub.practice.server import PracticeServer
from hub.settings import Settings
from hub.setup.access.links import new_link
from hub.site import create_site
from hub.wakeups import ThreadWakeups
from hub.worker import Worker
from tests.calling import as_wsgi
from tests.servers import until
from webhooks.intake import Intake

from .conftest import HOME, World


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Hub]:
    """A whole hub in this process, reached by the practice services."""
    wakeups = ThreadWakeups()
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    hub = Hub(Settings(home=tmp_path, public_url=address), wakeups=wakeups)
    intake = Intake(hub.database, wakeups)
    server.app = as_wsgi(create_site(hub, intake))
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    worker, clock = Worker(hub), Clock(hub)
    wakeups.listener = worker.poke
    serving.start()
    worker.start()
    clock.start()
    yield hub
    clock.stop()
    worker.stop()
    server.shutdown()
    serving.join()
    server.server_close()
    intake.close()
    hub.close()


def test_an_order_placed_on_the_page_is_seen_through_to_the_text(living: Hub, practice: str, tmp_path: Path) -> None:
    workspace = living.workspaces.add("Crumb & Co.")
    for name, service in PracticeServer().services.items():
        living.connections.connect(workspace, name, {**service.account, "base_url": f"{practice}/{name}"})
    living.enabled.enable(workspace, "order_thanks", {"audience": "practice"})
    browser = create_app(living).test_client()
    world = World(living, None, workspace, browser)  # type: ignore[arg-type]
    world.sign_in()
    assert "Place a practice order" in world.open(HOME).text

    answer = world.send("/w/1/practice/order")
    assert (answer.status_code, answer.headers["Location"]) == (303, HOME)
    page = world.open(answer.headers["Location"]).text
    assert "An order was placed in the practice shop." in page and 'class="note"' in page
    says = "Create or update a contact · Add or update a member · Send a text message"
    until(lambda: says in world.open(HOME).text, 20, "The run on the page")
    # The clock may take its first look a moment after the run was done.
    until(lambda: "Everything is working" in world.open(HOME).text, 20, "All being well")


def test_a_practice_shop_that_is_gone_is_said_with_the_way_out(world: World) -> None:
    world.connection(fields=json.dumps({"base_url": "http://127.0.0.1:9/shopify"}).encode())
    world.sign_in()
    answer = world.send("/w/1/practice/order")
    assert answer.headers["Location"] == HOME
    page = world.open(answer.headers["Location"]).text
    assert "Start the hub again with: hub up --practice" in page and 'class="note trouble"' in page


def test_a_shop_behind_another_address_is_no_practice_shop(world: World, practice: str) -> None:
    world.connection(fields=json.dumps({"base_url": f"{practice}/nothing/shopify"}).encode())
    world.sign_in()
    assert world.send("/w/1/practice/order").headers["Location"] == HOME


def test_where_an_order_would_start_nothing_there_is_no_button(world: World) -> None:
    world.connection(fields=json.dumps({"base_url": "http://127.0.0.1:9/shopify"}).encode())
    world.sign_in()
    assert "Place a practice order" not in world.open(HOME).text


def test_without_a_practice_shop_there_is_no_button(world: World) -> None:
    world.enable_order_thanks()
    world.sign_in()
    assert "Place a practice order" not in world.open(HOME).text
    assert world.send("/w/1/practice/order").headers["Location"] == HOME


def test_a_link_made_by_a_command_opens_the_running_hub(living: Hub) -> None:
    import requests

    session = requests.Session()
    session.trust_env = False
    with session:
        assert session.get(new_link(living)).status_code == 200
        assert "Welcome to Regulars" in session.get(living.settings.public_url).text
