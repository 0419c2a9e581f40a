"""Who may do what: every route, for every role, in one's own workspace and in others'."""

from __future__ import annotations

import re
from itertools import product

import pytest
from werkzeug.routing import Rule

from hub.setup.access.roles import ANYBODY, NOBODY, ROLES, Right
from hub.setup.access.users import User

from .conftest import Browser, World, browser, joined, operator, signed_in

WITHOUT_GUARD = {"setup.static": "the styles", "setup.sign_in": "the way in", "setup.enter": "a link's own word"} | {
    "setup.code": "asks for its half session itself",
    "setup.invitation": "an invitation's own word",
    "setup.answer": "the signed word of a question",
}
"""Routes that need nobody, and what they go by instead."""

FILLED = {
    **dict.fromkeys(("workspace_id", "run_id", "user_id", "event_id", "delivery_id", "task_id", "request_id"), "1"),
    "position": "0",
    **dict.fromkeys(("word", "name", "connector", "connection_id"), "x"),
    "who": "e" + "0" * 32,
    "filename": "page.css",
}
"""What stands in for the parts of an address."""


def rules(world: World) -> list[Rule]:
    return [rule for rule in world.browser.application.url_map.iter_rules() if rule.endpoint.startswith("setup.")]


def path_of(rule: Rule, workspace_id: int = 1) -> str:
    values = FILLED | {"workspace_id": str(workspace_id)}
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], rule.rule)


def methods_of(rule: Rule) -> list[str]:
    return sorted(rule.methods - {"HEAD", "OPTIONS"})


def asked(who: Browser, rule: Rule, method: str, workspace_id: int = 1) -> int:
    fields = {"token": who.token()} if method == "POST" else None
    return who.client.open(path_of(rule, workspace_id), method=method, data=fields).status_code


NEEDS: dict[str, object] = {
    "static": NOBODY,
    "sign_in": NOBODY,
    "code": NOBODY,
    "enter": NOBODY,
    "invitation": NOBODY,
    "index": ANYBODY,
    "sign_out": ANYBODY,
    "account": ANYBODY,
    "first": ANYBODY,
    "called": ANYBODY,
    "speak": ANYBODY,
    "password": ANYBODY,
    "second_step": ANYBODY,
    "end_others": ANYBODY,
    "answer": NOBODY,
    "question": Right.ACT,
    "home": Right.SEE,
    "run": Right.SEE,
    "more": Right.SEE,
    "changes": Right.SEE,
    "recipes": Right.SEE,
    "recipe": Right.SEE,
    "recipe_rehearsal": Right.SEE,
    "recipe_settings": Right.CHANGE,
    "recipe_undo": Right.CHANGE,
    "inside": Right.CHANGE,
    "move_inside": Right.CHANGE,
    "recipe_on": Right.CHANGE,
    "recipe_off": Right.CHANGE,
    "order": Right.ACT,
    "pause": Right.ACT,
    "go_on": Right.ACT,
    "connections": Right.SEE,
    "connection": Right.SEE,
    "try_out": Right.ACT,
    "connect": Right.CHANGE,
    "connect_practice": Right.CHANGE,
    "connect_again": Right.CHANGE,
    "subscribe": Right.CHANGE,
    "use_instead": Right.CHANGE,
    "disconnect": Right.CHANGE,
    "log_in": Right.CHANGE,
    "log_in_again": Right.CHANGE,
    "come_back": ANYBODY,
    "own_apps": Right.RUN,
    "own_app": Right.RUN,
    "forget_app": Right.RUN,
    "settings": Right.CHANGE,
    "tell_whom": Right.CHANGE,
    "sending_hours": Right.CHANGE,
    "brake_go_on": Right.CHANGE,
    "brake_stop": Right.ACT,
    "complain": Right.ACT,
    "settle": Right.ACT,
    "why": Right.SEE,
    "workspaces": Right.RUN,
    "activity": Right.SEE,
    "work": Right.SEE,
    "people": Right.SEE,
    "person": Right.SEE,
    "find": Right.SEE,
    "find_in_activity": Right.SEE,
    "try_again": Right.ACT,
    "end_run": Right.ACT,
    "skip_step": Right.ACT,
    "replay_event": Right.ACT,
    "read_delivery": Right.ACT,
    "act_on_several": Right.ACT,
    "stop_work": Right.ACT,
    "keep_days": Right.CHANGE,
    "open_person": Right.PRIVACY,
    "export_person": Right.PRIVACY,
    "erase_person": Right.PRIVACY,
    "give_answer": Right.PRIVACY,
    "team": Right.TEAM,
    "invite": Right.TEAM,
    "take_back": Right.TEAM,
    "change_role": Right.TEAM,
    "remove_member": Right.TEAM,
}
"""What every route needs, written down a second time on purpose: a page that is added must be added here too."""


def test_every_route_is_known(world: World) -> None:
    assert {rule.endpoint.removeprefix("setup.") for rule in rules(world)} == set(NEEDS)


def test_without_a_session_nothing_answers_but_the_way_in(world: World) -> None:
    walked = 0
    for rule in rules(world):
        for method in methods_of(rule):
            code = browser(world).client.open(path_of(rule), method=method, buffered=True).status_code
            assert (code == 401) == (rule.endpoint not in WITHOUT_GUARD), (rule, method, code)
            walked += 1
    assert walked > 20


@pytest.mark.parametrize("role", [*ROLES, "no such role", None])
def test_every_role_may_do_what_it_may_and_nothing_else(world: World, role: str | None) -> None:
    joined(world, "owner", "other@example.com")
    user = joined(world, role or "owner", "ada@example.com", workspace_id=1 if role else 99)
    for rule, workspace_id in product(rules(world), (1, 2, 77)):
        needs = NEEDS[rule.endpoint.removeprefix("setup.")]
        if not isinstance(needs, Right) or "workspace_id" not in rule.arguments:
            continue
        for method in methods_of(rule):
            code = asked(signed_in(world, user), rule, method, workspace_id)
            if workspace_id != 1 or role not in ROLES:
                assert code == 404, (rule, method, workspace_id)
            elif needs not in ROLES[role]:
                assert code == 403, (rule, method)
            else:
                assert code in (200, 303, 400, 404), (rule, method, code)


def test_others_workspaces_are_as_if_they_were_not_there(world: World, ada: User) -> None:
    other = world.hub.workspaces.add("Bike Repair Nord")
    joined(world, "owner", "bob@example.com", other.id)
    mine = signed_in(world, ada)
    for rule in rules(world):
        if "workspace_id" not in rule.arguments:
            continue
        for method in methods_of(rule):
            fields = {"token": mine.token()} if method == "POST" else None
            answers = [mine.client.open(path_of(rule, id), method=method, data=fields) for id in (other.id, 77)]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert answers[0].text == answers[1].text
            assert "Bike Repair" not in answers[0].text


def test_whoever_runs_the_hub_may_do_everything_everywhere(world: World) -> None:
    other = world.hub.workspaces.add("Bike Repair Nord")
    for path in ("/w/1/", f"/w/{other.id}/", f"/w/{other.id}/team"):
        assert operator(world).get(path).status_code == 200


@pytest.mark.parametrize("rule_name", [name for name, needs in NEEDS.items() if needs != NOBODY])
def test_a_form_that_is_not_ours_does_nothing(world: World, ada: User, rule_name: str) -> None:
    rule = next(rule for rule in rules(world) if rule.endpoint == f"setup.{rule_name}")
    if "POST" not in rule.methods:
        return
    for token in ("", "0" * 32, "ü", signed_in(world, ada).token()):
        answer = signed_in(world, ada).client.post(path_of(rule), data={"token": token})
        assert answer.status_code == 403
        assert "out of date" in answer.text


@pytest.mark.parametrize("path", ["/sign-in", "/w/1/practice/order", "/sign-out"])
def test_a_form_on_another_site_does_nothing(world: World, ada: User, path: str) -> None:
    mine = signed_in(world, ada)
    for site in ("cross-site", "same-site"):
        answer = mine.client.post(path, data={"token": mine.token()}, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403
    assert mine.get("/w/1/").status_code == 200


def test_what_somebody_may_not_do_is_not_offered_to_them(world: World) -> None:
    staff = signed_in(world, joined(world, "staff"))
    page = staff.get("/w/1/").text
    assert 'href="/w/1/changes"' in page
    assert 'href="/w/1/team"' not in page
    refusal = staff.get("/w/1/team")
    assert refusal.status_code == 403 and "Only an owner may do that." in refusal.text
