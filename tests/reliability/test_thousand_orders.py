"""The main job at some size: many signed orders, each delivered twice, some forged; and the hub killed meanwhile."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability import driver
from tests.reliability.driver import Embedded
from tests.servers import until

ORDERS, FORGED, THREADS, KILLS = 1000, 100, 32, 20


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[str]:
    with driver.practice(tmp_path / "practice.log") as address:
        yield address


@pytest.fixture
def hub(tmp_path: Path, practice: str) -> Iterator[Embedded]:
    made = Embedded(tmp_path / "home", practice)
    made.start()
    made.prepare()
    yield made
    made.stop()


def settled(hub: Embedded) -> bool:
    return hub.run_states() == {"done": ORDERS}


def assert_totals(hub: Embedded, practice: str) -> None:
    """One run, one contact, one member, one text per order, whatever happened on the way."""
    until(lambda: settled(hub), 120, f"Every run being done ({hub.run_states()})")
    contacts = driver.books(practice, "hubspot")["objects"]["contacts"].values()
    emails = Counter(contact["properties"]["email"] for contact in contacts)
    assert emails == Counter(f"person{n}@example.com" for n in range(ORDERS))
    texts = Counter(message["to"] for message in driver.books(practice, "twilio")["messages"])
    assert texts == Counter(f"+1415{5_550_000 + n}" for n in range(ORDERS))
    members = driver.books(practice, "mailchimp")["lists"]["practice"]["members"].values()
    assert sorted(member["email_address"] for member in members) == sorted(emails)
    assert all(member["tags"] == ["customer"] for member in members)


def test_a_thousand_orders_twice_and_a_hundred_forged(hub: Embedded, practice: str) -> None:
    orders = driver.orders(ORDERS)
    statuses = driver.post_all(lambda: hub.shop_url, orders * 2 + driver.forged(FORGED), THREADS)
    assert statuses == [200] * 2 * ORDERS + [401] * FORGED
    assert_totals(hub, practice)
    upserts = [call for call in driver.calls(practice, "hubspot") if call["path"].endswith("batch/upsert")]
    assert len(upserts) < ORDERS / 4


def test_killed_twenty_times_meanwhile_the_totals_are_the_same(hub: Embedded, practice: str) -> None:
    orders = driver.orders(ORDERS)
    statuses: list[int] = []
    posting = threading.Thread(
        target=lambda: statuses.extend(driver.post_all(lambda: hub.shop_url, orders * 2, THREADS, patient=True))
    )
    chance = random.Random()
    posting.start()
    for _ in range(KILLS):
        # Anywhere between the first request after a start and well into the work that it left.
        threading.Event().wait(chance.uniform(0.0, 0.6))
        hub.kill()
        hub.start()
    posting.join(120)
    assert statuses == [200] * 2 * ORDERS
    assert_totals(hub, practice)
