"""Every connector that is found keeps what connectors promise; no code is needed per connector."""

import inspect
from urllib.parse import urlsplit

import pytest

from hub import registry
from hub.practice.server import services
from hub.testing import CHECKS

ASKED_BACK = [
    action
    for name in registry.connector_names()
    for action in registry.connector(name).actions.values()
    if action.find is not None
]


@pytest.mark.parametrize("promise", CHECKS, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("name", registry.connector_names())
def test_the_contract_is_kept(name, promise):
    promise(registry.connector(name))


@pytest.mark.parametrize("name", [name for name in registry.connector_names() if registry.connector(name).oauth])
def test_whoever_is_logged_in_to_by_oauth_can_be_practised_with(name):
    service = services()[name]
    paths = [urlsplit(address).path for address in (service.login.oauth.authorize, service.login.oauth.token)]
    assert service.login.oauth is registry.connector(name).oauth
    assert [service.login.authorize_path, service.login.token_path] == paths
    assert {"expire_tokens", "revoke_login"} <= set(service.happenings)


@pytest.mark.parametrize("action", ASKED_BACK, ids=lambda action: action.name)
def test_what_looks_back_gives_all_calls_that_it_finds(action):
    # Its types are checked, so what it says it gives is what it gives.
    assert str(inspect.signature(action.find).return_annotation).startswith("list[")
