"""Reading Mailchimp's lists. https://mailchimp.com/developer/marketing/docs/methods-parameters/#pagination"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hub.errors import OutcomeUnknown

PAGE = 1000
"""Records at once, as many as Mailchimp gives."""


def listed(call: Callable[..., dict[str, Any]], *path: str, name: str, **query: Any) -> Iterator[dict[str, Any]]:
    """All that is in the list of this name, page by page. Raises ActionFailed."""
    seen = 0
    while True:
        page = call(*path, **query, count=PAGE, offset=seen)
        try:
            items, total = list(page[name]), int(page["total_items"])
        except (KeyError, TypeError, ValueError):
            raise unreadable() from None
        yield from items
        seen += len(items)
        if not items or seen >= total:
            return


def unreadable() -> OutcomeUnknown:
    return OutcomeUnknown("Mailchimp's answer has not the form it should have, so it may or may not have happened.")
