"""The outbox: what runs asked for leaves here, one holder per connection, batched, within the provider's limits.

A step goes waiting → claimed → done, refused or unknown; the claim is committed before the call leaves.
"""

from .holder import drain
from .poke import Poke

__all__ = ["Poke", "drain"]
