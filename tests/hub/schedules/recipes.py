"""Recipes that begin by the clock, in a module of their own as any others."""

from __future__ import annotations

from hub import Event, Steps, daily, recipe, weekly
from tests import telling


@recipe(on=daily("09:00"), title="Look each day")
def look_daily(event: Event) -> Steps:
    """Looks each day."""
    yield telling.do(event.data["due"])


@recipe(on=[daily("09:00", catch_up="skip"), weekly("mon", "10:00", catch_up="skip")], title="Look if in time")
def look_in_time(event: Event) -> Steps:
    """Looks at nine, or not at all."""
    yield telling.do(event.data["says"])


@recipe(on=telling.happened, title="Something else")
def something_else(event: Event) -> Steps:
    """Does something else."""
    yield telling.do("else")


def is_no_vip(event: Event) -> bool:
    """They are no VIP."""
    return not event.data["vip"]


@recipe(on=daily("09:00").each(telling.members), title="Greet everybody", filters=[is_no_vip])
def greet_all(event: Event, *, place: str = "there") -> Steps:
    """Greets each member who is no VIP."""
    yield telling.pay(f"{place}: {event.data['name']}")
