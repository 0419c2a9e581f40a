"""No consent, no message: decided right before it leaves, with the reason."""

from __future__ import annotations

from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from hub import Consent
from hub.outbox import Poke
from hub.people import Word
from hub.timing import to_datetime
from tests import telling
from tests.hub.outbox.desk import Desk
from tests.servers import until
from tests.threads import in_a_thread

NUMBER = "+14155550100"


@pytest.fixture(autouse=True)
def noon(desk: Desk) -> None:
    """It is noon where the recipients are."""
    desk.world.clock.advance(timedelta(hours=8))


def says(desk: Desk, given: bool, source: str = "shop.customer.updated", number: str = NUMBER) -> None:
    desk.world.clock.advance(timedelta(seconds=1))
    now = desk.world.clock.now()
    said = Consent("sms", number, given, to_datetime(now))
    word = Word(said, source, now, sends=source.startswith("telling."))
    with desk.hub.database.write() as database:
        desk.hub.people.record_consents(database, desk.world.workspace, [word])


def sent(desk: Desk, purpose: str, to: str = NUMBER) -> str:
    """What became of a message: sent, or the reason why it was not."""
    run = desk.put(telling.send(to, "Hello", purpose=purpose))
    desk.drain()
    became = desk.of(run)
    if became.state == "refused":
        assert became.reason == became.answer["message"]
        assert became.run_due  # the recipe is told
    return "sent" if became.state == "done" else str(became.reason)


def test_marketing_without_a_word_of_consent_is_not_sent(desk: Desk) -> None:
    assert sent(desk, "marketing") == "Not sent: nothing says that they agreed to marketing on this channel."
    assert desk.did == []


def test_what_somebody_asked_for_needs_no_consent_to_marketing(desk: Desk) -> None:
    says(desk, False)
    assert sent(desk, "transactional") == "sent"


def test_the_latest_word_counts(desk: Desk) -> None:
    says(desk, True)
    assert sent(desk, "marketing") == "sent"
    says(desk, False)
    assert sent(desk, "marketing") == "Not sent: they said no to marketing on this channel."
    says(desk, True)
    desk.world.clock.advance(timedelta(days=1))
    assert sent(desk, "marketing") == "sent"


def test_whoever_said_stop_to_this_service_gets_nothing_from_it_at_all(desk: Desk) -> None:
    says(desk, True)
    says(desk, False, "telling.stopped")
    for purpose in ("marketing", "transactional"):
        assert sent(desk, purpose) == "Not sent: they opted out of messages on this channel."
    says(desk, True, "telling.started")
    assert sent(desk, "transactional") == "sent"


def test_a_no_to_marketing_that_a_shop_tells_takes_nothing_of_a_stop_back(desk: Desk) -> None:
    says(desk, False)
    says(desk, False, "telling.stopped")
    says(desk, False)
    assert sent(desk, "transactional") == "Not sent: they opted out of messages on this channel."
    says(desk, True, "telling.started")
    says(desk, False)
    assert sent(desk, "transactional") == "sent"


@pytest.mark.parametrize("purpose", ["", "Marketing", "urgent", None, ["marketing"]])
def test_a_purpose_that_is_none_is_not_sent(desk: Desk, purpose: Any) -> None:
    says(desk, True)
    assert sent(desk, purpose) == "Not sent: its purpose is neither transactional nor marketing."


@pytest.mark.parametrize("to", ["", "  ", None])
def test_a_message_to_nobody_is_not_sent(desk: Desk, to: Any) -> None:
    assert sent(desk, "transactional", to) == "Not sent: it names no recipient."


def test_a_number_is_the_same_in_every_spelling(desk: Desk) -> None:
    says(desk, False, "telling.stopped")
    assert sent(desk, "transactional", "+1 (415) 555-0100").startswith("Not sent: they opted out")


def test_a_recipient_that_no_text_can_hold_holds_up_nobody_else(desk: Desk) -> None:
    bad = desk.put(telling.send("\ud83d", "Hello", purpose="transactional"))
    assert sent(desk, "transactional") == "sent"
    assert desk.of(bad).state == "done"


def test_a_word_that_comes_while_a_message_waits_counts(desk: Desk) -> None:
    says(desk, True)
    run = desk.put(telling.send(NUMBER, "Hello", purpose="marketing"))
    says(desk, False)
    desk.drain()
    assert desk.of(run).state == "refused"


def test_one_that_is_refused_leaves_its_place_in_the_call_to_others(desk: Desk) -> None:
    others = [f"+1415555{n:04}" for n in range(100, 140)]
    for number in others[1::2]:
        says(desk, True, number=number)
    desk.put_all([[telling.send(number, number, purpose="marketing")] for number in others])
    desk.drain()
    assert sorted(desk.did) == others[1::2]


def test_many_that_are_refused_keep_nobody_waiting(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.outbox.holder.LOOK_SECONDS", 60.0)
    desk.hub.linger_seconds = 60.0
    desk.put_all([[telling.send(NUMBER, "Hello", purpose="marketing")] for _ in range(60)])
    last, ends, poke = desk.put(telling.do("last")), Event(), Poke()
    with in_a_thread(lambda: desk.drain(poke=poke, stopping=ends.is_set)):
        until(lambda: "waiting" not in desk.states() and "claimed" not in desk.states())
        ends.set()
        poke.look()
    assert (desk.of(last).state, desk.states().count("refused")) == ("done", 60)
