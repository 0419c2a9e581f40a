"""What may be chosen in an account: asked quickly or not at all, and never twice at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.mailchimp import connector as mailchimp
from hub import RateLimited
from hub.connector import Choices
from hub.setup.recipes import choosing
from hub.setup.recipes.choosing import Choosers, Offered

from ..conftest import World

AUDIENCE = "mailchimp.audience"
Answer = Callable[[Any], Any]


@pytest.fixture
def answers(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    monkeypatch.setattr(type(world.hub.connections), "client", lambda self, connection: connection)

    def answer(function: Answer) -> None:
        monkeypatch.setitem(mailchimp.choosable, "audience", Choices("audience", function))

    return answer


def offered(world: World, choosers: Choosers | None = None) -> Any:
    return (choosers or Choosers(world.hub)).offered(AUDIENCE, world.hub.connections.list(world.workspace))


def test_an_accounts_choices_are_offered_by_title(world: World, answers: Callable[[Answer], None]) -> None:
    world.connection("mailchimp")
    answers(lambda client: iter([("b2", "wholesale"), ("a1", "Customers")]))
    found = offered(world)
    assert (found.choices, found.trouble) == ([("a1", "Customers"), ("b2", "wholesale")], None)


def test_an_endless_list_is_cut(world: World, answers: Callable[[Answer], None]) -> None:
    world.connection("mailchimp")

    def endless(client: Any) -> Iterator[tuple[str, str]]:
        while True:
            yield "a", "A"

    answers(endless)
    assert len(offered(world).choices) == choosing.MOST


def test_an_account_without_any_says_what_to_do(world: World, answers: Callable[[Answer], None]) -> None:
    world.connection("mailchimp")
    answers(lambda client: [])
    assert offered(world).trouble == "There is none in this Mailchimp account yet. Make one there first."


@pytest.mark.parametrize("error", [RateLimited("key-secret"), ValueError("key-secret"), SystemExit("key-secret")])
def test_an_account_that_fails_is_told_without_its_words(
    world: World, answers: Callable[[Answer], None], error: BaseException
) -> None:
    world.connection("mailchimp")

    def fail(client: Any) -> Any:
        raise error

    answers(fail)
    found = offered(world)
    assert found.trouble == "Mailchimp could not be asked just now. Type its id, or try again later."


def test_a_slow_account_keeps_no_page_waiting_and_is_asked_once(
    world: World, answers: Callable[[Answer], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.connection("mailchimp")
    goes_on, asked = threading.Event(), []

    def slow(client: Any) -> list[tuple[str, str]]:
        asked.append(client)
        goes_on.wait(30)
        return [("a1", "Customers")]

    answers(slow)
    choosers = Choosers(world.hub)
    monkeypatch.setattr(choosing, "PATIENCE", 0.01)
    for _ in range(20):
        assert "could not be asked" in offered(world, choosers).trouble
    goes_on.set()
    monkeypatch.setattr(choosing, "PATIENCE", 30)
    assert offered(world, choosers).choices == [("a1", "Customers")]
    assert len(asked) == 1


def test_an_answer_is_kept_for_a_minute_and_a_failure_is_not(world: World, answers: Callable[[Answer], None]) -> None:
    world.connection("mailchimp")
    asked: list[int] = []

    def counting(client: Any) -> list[tuple[str, str]]:
        asked.append(1)
        if len(asked) == 1:
            raise ValueError
        return [("a1", f"Customers {len(asked)}")]

    answers(counting)
    choosers = Choosers(world.hub)
    assert offered(world, choosers).trouble
    assert offered(world, choosers).choices == [("a1", "Customers 2")]
    assert offered(world, choosers).choices == [("a1", "Customers 2")]
    world.clock.advance(choosing.FRESH + 1)
    assert offered(world, choosers).choices == [("a1", "Customers 3")]


def test_without_a_login_nobody_is_asked(world: World, answers: Callable[[Answer], None]) -> None:
    answers(lambda client: pytest.fail("asked"))
    assert offered(world).trouble == "Connect Mailchimp, and you can choose here. Or type its id."
    world.connection("mailchimp", state="needs_login")
    assert offered(world).trouble == "Mailchimp needs you to sign in again. Until then, type its id."


def test_a_choice_that_no_connector_has_is_typed(world: World) -> None:
    assert Choosers(world.hub).offered("pigeon.loft", []).trouble == "Type its id."
    assert Choosers(world.hub).offered("mailchimp.loft", []).trouble == "Type its id."


def test_what_lies_in_another_choice_is_asked_with_it_and_anything_else_may_be_typed(
    world: World, answers: Callable[[Answer], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(lambda client: [])
    asked = []

    def tags(client: Any, list_id: str) -> list[tuple[str, str]]:
        asked.append(list_id)
        if list_id == "gone":
            raise ValueError
        return [("vip", "vip")]

    monkeypatch.setitem(mailchimp.choosable, "tag", Choices("tag", tags, within="audience", is_open=True))
    choosers, tag = Choosers(world.hub), "mailchimp.tag"
    assert choosers.offered(tag, [], "a1") == Offered(is_open=True)
    world.connection("mailchimp")
    connections = world.hub.connections.list(world.workspace)
    assert choosers.offered(tag, connections) == Offered(is_open=True)
    assert choosers.offered(tag, connections, "a1") == Offered([("vip", "vip")], is_open=True)
    assert choosers.offered(tag, connections, "b2").choices
    assert choosers.offered(tag, connections, "gone") == Offered(is_open=True)
    assert asked == ["a1", "b2", "gone"]
