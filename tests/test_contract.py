"""Every connector that is found keeps what connectors promise; no code is needed per connector."""

import pytest

from hub import registry
from hub.testing import CHECKS


@pytest.mark.parametrize("promise", CHECKS, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("name", registry.connector_names())
def test_the_contract_is_kept(name, promise):
    promise(registry.connector(name))
