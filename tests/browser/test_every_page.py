"""Every page, at both widths, light and dark: nothing wrong for whoever cannot see it well, nothing too wide."""

from __future__ import annotations

import pytest

from .conftest import Setting

PAGES = {
    "home": "/w/1/",
    "recipes": "/w/1/recipes",
    "recipe": "/w/1/recipes/welcome_series",
    "recipe-rehearsal": "/w/1/recipes/welcome_series/rehearse",
    "recipe-settings": "/w/1/recipes/order_thanks/settings",
    "recipe-off": "/w/1/recipes/order_thanks/off",
    "activity": "/w/1/activity",
    "activity-failed": "/w/1/activity?show=failed",
    "people": "/w/1/people",
    "connections": "/w/1/connections",
    "connect-shopify": "/w/1/connections/new/shopify",
    "login-shopify": "/w/1/connections/login/shopify",
    "apps": "/apps",
    "app-shopify": "/apps/shopify",
    "settings": "/w/1/settings",
    "workspaces": "/workspaces",
    "team": "/w/1/team",
    "changes": "/w/1/changes",
    "more": "/w/1/more",
    "account": "/account",
    "nowhere": "/nowhere",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_fit_for_everybody(practising: Setting, scheme: str) -> None:
    practising.newcomer.order()
    for width in ("phone", "desk"):
        visit = practising.visit(width, scheme)
        visit.open(practising.link())
        for name, path in PAGES.items():
            visit.open(path)
            visit.shoot(name)
        for connection in practising.newcomer.told("connections"):
            visit.open(f"/w/1/connections/{connection['id']}")
            visit.shoot(f"connection-{connection['connector']}")
        visit.open(f"/w/1/connections/{connection['id']}/disconnect")
        visit.shoot("disconnect")
        (run,) = [run for run in practising.newcomer.told("runs") if run["recipe"] == "order_thanks"]
        visit.open(f"/w/1/runs/{run['id']}")
        visit.shoot("run")
        assert all("404" in said for said in visit.complaints), visit.complaints
