"""A desk in a business whose people live by one clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub import Consent
from hub.people import Word
from hub.timing import to_datetime
from tests import telling
from tests.hub.outbox.desk import Desk
from tests.world import World


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def agree(desk: Desk, address: str, given: bool = True, source: str = "shop.customer.updated") -> None:
    """Somebody says yes or no to marketing, by text message to a number or by e-mail."""
    desk.world.clock.advance(timedelta(milliseconds=1))
    now = desk.world.clock.now()
    consent = Consent("email" if "@" in address else "sms", address, given, to_datetime(now))
    with desk.hub.database.write() as database:
        word = Word(consent, source, now, sends=False)
        desk.hub.people.record_consents(database, desk.world.workspace, [word])


def put_mails(desk: Desk, count: int, what: str = "mail") -> list[int]:
    """Marketing e-mails to so many people; gives their runs."""
    return desk.put_all([[telling.mail(f"{what}-{n}@example.com", f"{what} {n}")] for n in range(count)])


def row(desk: Desk, run: int) -> Any:
    """The first step of a run."""
    return desk.world.steps(run)[0]
