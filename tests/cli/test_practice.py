"""Letting something happen at a practice account, on the command line."""

from __future__ import annotations

from tests.cli.conftest import Command, refused, told


def test_what_happened_is_told_with_the_command_that_shows_what_comes_of_it(hub: Command, connect: Command) -> None:
    connect("shopify")
    says = "Done at the practice Shopify: order. See what comes of it with: hub runs\n"
    assert hub("practice", "order").stdout == says
    assert told(hub("practice", "order", "email=eve@example.com", "--json"))["email"] == "eve@example.com"


def test_among_several_workspaces_the_command_names_the_one_where_it_happened(hub: Command, connect: Command) -> None:
    hub("workspace", "add", "Joe's $hop")
    connect("shopify", "-w", "Joe's $hop")
    says = """with: hub runs -w 'Joe'"'"'s $hop'\n"""
    assert hub("practice", "order").stdout.endswith(says)
    assert "No practice account" in refused(hub("practice", "order", "-w", "Crumb & Co."))


def test_what_cannot_happen_is_refused_with_all_that_can(hub: Command) -> None:
    line = refused(hub("practice", "wonder"))
    assert "'wonder'" in line and "order" in line and "reply" in line


def test_without_a_practice_account_it_is_said_how_to_get_one(hub: Command, connect: Command) -> None:
    says = "No practice account of this service is connected. Start with: hub up --practice"
    assert refused(hub("practice", "order")) == says
    made = told(connect("shopify", "--json"))
    hub("disconnect", made["id"])
    assert refused(hub("practice", "order")) == says


def test_details_that_nothing_can_be_done_with_are_told_as_such(hub: Command, connect: Command) -> None:
    connect("shopify")
    says = "The practice Shopify cannot do 'cancel' with these details. Check them."
    assert refused(hub("practice", "cancel", "order_id=the-last-one")) == says
