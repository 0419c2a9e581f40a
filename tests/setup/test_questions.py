"""What recipes ask somebody of the business, on the pages and by the link in a message."""

from __future__ import annotations

import re

import pytest

from hub import questions
from tests.setup.conftest import HOME, World
from tests.setup.reading import text_of


@pytest.fixture(autouse=True)
def _signed_in(world: World) -> None:
    world.sign_in()


def link(world: World, run_id: int) -> str:
    found = questions.link(world.hub, questions.get(world.hub, world.workspace, run_id))
    return found.removeprefix(world.hub.settings.public_url)


def waiting(world: World) -> int:
    return questions.count(world.hub, world.workspace)[0]


def test_a_question_stands_on_the_first_page_and_is_answered_with_one_tap(world: World) -> None:
    run_id = world.ask("Refund order 1042?", "Yes", "No", default="No")
    home = world.open(HOME).text
    assert "One question waits for your answer" in text_of(home)
    assert "Refund order 1042?" in text_of(home)
    address = f"/w/1/questions/{run_id}/0"
    assert address in home
    page = world.open(address).text
    assert re.findall(r'name="answer" value="(\w+)"', page) == ["Yes", "No"]
    assert "it goes on with “No”" in text_of(page)
    answer = world.send(address, answer="Yes")
    assert answer.headers["Location"] == HOME
    assert "Thank you. The recipe goes on with your answer." in world.open(HOME).text
    assert waiting(world) == 0
    assert "answered what the recipe “Thank people for their order” asked" in text_of(world.open("/w/1/changes").text)
    again = world.send(address, answer="No")
    assert again.headers["Location"] == HOME
    assert "answered already, or its time is over" in text_of(world.open(HOME).text)


def test_it_is_told_whom_it_is_about(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "whom", lambda *_: ("ada@example.com", "+14155550123"))
    run_id = world.ask("Call them?", "Done")
    page = text_of(world.open(f"/w/1/questions/{run_id}/0").text)
    assert "It is about ada@example.com, +14155550123." in page
    assert "ada@example.com" not in world.open(HOME).text


def test_a_text_is_written_and_what_will_not_do_is_said_beside_it(world: World) -> None:
    run_id = world.ask("What shall we say?")
    address = f"/w/1/questions/{run_id}/0"
    assert "<textarea" in world.open(address).text
    refused = world.send(address, answer="x" * (questions.MOST_CHARACTERS + 1))
    assert "At most 2,000 characters, please." in text_of(refused.text) and waiting(world) == 1
    assert "Write an answer first." in text_of(world.send(address, answer=" ").text)
    assert world.send(address, answer="Sorry!").status_code == 303
    assert waiting(world) == 0


def test_an_answer_that_is_no_choice_is_refused(world: World) -> None:
    run_id = world.ask("Refund?", "Yes", "No")
    refused = world.send(f"/w/1/questions/{run_id}/0", answer="Perhaps")
    assert "Choose one of: Yes, No." in text_of(refused.text)
    assert waiting(world) == 1


def test_what_is_asked_is_text(world: World) -> None:
    run_id = world.ask("<b>Refund</b> {{ 'q' * 9 }}?", "<i>Yes</i>")
    for page in (world.open(HOME).text, world.open(f"/w/1/questions/{run_id}/0").text):
        assert "<b>Refund" not in page and "&lt;b&gt;Refund" in page and "qqqqqqqqq" not in page


def test_a_link_answers_without_signing_in(world: World) -> None:
    run_id = world.ask("Refund order 1042?", "Yes", "No", default="No")
    address = link(world, run_id)
    stranger = world.browser.application.test_client()
    page = stranger.get(address)
    assert "Refund order 1042?" in page.text and waiting(world) == 1, "opening it decides nothing"
    assert page.headers["Cache-Control"] == "no-store"
    assert "Thank you" in stranger.post(address, data={"answer": "Yes"}).text
    assert waiting(world) == 0
    gone = stranger.get(address)
    assert gone.status_code == 404 and "This link does not work any more" in gone.text
    assert "Somebody with the link answered" in text_of(world.open("/w/1/changes").text)


def test_a_link_that_was_changed_or_sent_from_elsewhere_does_nothing(world: World) -> None:
    address = link(world, world.ask("Refund?", "Yes"))
    stranger = world.browser.application.test_client()
    assert stranger.get(address[:-2]).status_code == 404
    elsewhere = stranger.post(address, data={"answer": "Yes"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status_code == 403
    assert waiting(world) == 1


def test_the_run_shows_what_it_waits_for(world: World) -> None:
    run_id = world.ask("Refund?", "Yes")
    whole = world.open(f"/w/1/runs/{run_id}").text
    assert f'href="/w/1/questions/{run_id}/0"' in whole
    page = text_of(whole)
    assert "Wait for an answer of yours, 1 hour at most" in page
    assert "Go on without an answer" in page
    questions.answer(world.hub, world.workspace, questions.get(world.hub, world.workspace, run_id), "Yes")
    assert "Answered by a person." in text_of(world.open(f"/w/1/runs/{run_id}").text)


def test_an_address_of_no_question_leads_home(world: World) -> None:
    for address in (f"/w/1/questions/{1 << 70}/0", "/w/1/questions/1/99999999999", "/w/1/questions/1/0"):
        assert world.open(address).headers["Location"] == HOME
