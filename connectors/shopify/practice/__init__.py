"""The practice shop: a small, stateful stand-in for one shop at Shopify, with its API and its webhooks.

`service` is the shop; `signed` and the payloads make single deliveries, for tests and for load.
"""

from . import happenings, meeting
from .checkouts import checkout_payload
from .orders import order_payload
from .people import customer_payload
from .shop import service
from .webhook import signed

__all__ = ["checkout_payload", "customer_payload", "happenings", "meeting", "order_payload", "service", "signed"]
