"""Recipes for the connector of this package."""

from __future__ import annotations

from hub import Event, Steps, recipe, sleep, together
from tests import far


@recipe(on=far.happened, title="Put one thing")
def put_one(event: Event) -> Steps:
    """Puts what the event names."""
    yield far.put(event.data["what"])
    return "put"


@recipe(on=far.happened, title="Sleep a moment")
def sleep_briefly(event: Event) -> Steps:
    """Puts something after a second."""
    yield sleep(seconds=1)
    yield far.put("later")
    return "slept"


@recipe(on=far.happened, title="Do it each way")
def each_way(event: Event) -> Steps:
    """Puts, pays and sends what the event names."""
    what = event.data["what"]
    yield together(far.put(what), far.pay(what), far.send(what))
    return "all three"
