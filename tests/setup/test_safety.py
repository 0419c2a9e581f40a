"""Whatever came from outside stays text, and the pages load nothing from elsewhere."""

from __future__ import annotations

import re

from .conftest import HOME, World

NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def test_nothing_from_outside_becomes_part_of_the_page(world: World) -> None:
    world.sign_in()
    world.connection("shopify", label=NASTY, state="needs_login", reason=NASTY)
    world.hub.workspaces.add(NASTY)
    run_id = world.run(
        {"action": NASTY[:100], "state": "refused", "reason": NASTY, "ended_at": 1},
        {"action": "twilio.send_sms", "state": "claimed", "reason": NASTY},
        recipe=NASTY[:80],
        event=NASTY[:80],
        reason=NASTY,
        version=NASTY[:32],
    )
    for path in (HOME, f"/w/1/runs/{run_id}", f"/w/1/?note={NASTY}", f"/sign-in?next=/{NASTY}", "/w/2/"):
        page = world.open(path).text
        assert "<img" not in page
        assert re.findall(r"<script[^>]*>", page) == ['<script src="/assets/live.js" defer>']
        assert not re.search(r"<[^>]*\son\w+=", page)
    assert "&lt;script&gt;" in world.open(f"/w/1/runs/{run_id}").text


def test_what_is_kept_current_can_be_found_again_and_focus_comes_back_to_it(world: World) -> None:
    world.sign_in()
    world.connection(state="needs_login", reason="The token ended.")
    for path in (HOME, f"/w/1/runs/{world.run(state='held', reason='It changed.')}"):
        page = world.open(path).text
        live = re.findall(r"<[^>]*\sdata-live[^>]*>", page)
        assert live and all(re.search(r'\sid="[\w-]+"', tag) for tag in live)
        assert not re.findall(r"<(?:summary|button)(?![^>]*\sid=)[^>]*>", page[page.index("<main") :])


def test_pages_need_nothing_but_this_hub_and_no_inline_code(world: World) -> None:
    world.sign_in()
    for path in (HOME, f"/w/1/runs/{world.run()}"):
        page = world.open(path).text
        assert "//" not in re.sub(r"<!doctype[^>]*>", "", page)
        assert "style=" not in page and "<style" not in page
        for address in re.findall(r'(?:src|href)="(/assets/[^"]+)"', page):
            assert world.open(address).status_code == 200
