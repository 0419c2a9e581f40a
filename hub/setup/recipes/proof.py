"""What a recipe brings about, in words and as tables: for its page and for the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ...effect.findings import LEAST_DAYS, LEAST_PEOPLE, LEAST_REACHED, Compared, Sums, Tested
from ...effect.intervals import Interval, share
from ...effect.measure import UNITS
from ...effect.reading import Effect
from ...timing import to_datetime
from .. import words
from ..words import CATCHING_UP, NEEDS_YOU, OFF, WORKING, State
from .preview import money

WORKS = State(WORKING, "●", "It works")
HARMS = State(NEEDS_YOU, "▲", "It does harm")
OPEN = State(CATCHING_UP, "◐", "No clear difference so far")
EARLY = State(OFF, "○", "Not enough data yet")
WINS = State(WORKING, "●", "Clear winner")
NO_WINNER = State(CATCHING_UP, "◐", "No clear winner so far")


@dataclass(frozen=True)
class Table:
    """A table: what it is about, its columns, and a row for each arm, each begun by the arm's name."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Proof:
    """What is said of a recipe: how it stands, in one line; what that means, in sentences; and the numbers."""

    goal: str
    line: str
    state: State | None
    says: Sequence[str]
    tables: Sequence[Table]


def proof(effect: Effect) -> Proof:
    """What is said of what was counted."""
    state, said = None, list[str]()
    if effect.compared is not None:
        state = {"more": WORKS, "less": HARMS, "open": OPEN, "early": EARLY}[effect.compared.verdict]
        said += _held_out(effect, effect.compared)
    for test in effect.tests:
        said.append(_test(effect, test))
    return Proof(_goal(effect), _line(effect), state, said, list(_tables(effect)))


def _goal(effect: Effect) -> str:
    within = words.span(round(effect.measure.within.total_seconds() * 1000))
    return f"{words.happening(effect.measure.type)} within {within}"


def _line(effect: Effect) -> str:
    """ "Since 3 October: 640 came · 170 reached the goal · 90 more than without it (30 to 150)"."""
    if effect.since is None:
        return "Nobody came since it is counted."
    with_it = effect.with_it
    said = [f"{with_it.people:,} came", f"{with_it.reached:,} reached the goal"]
    if effect.compared is not None:
        more = effect.compared.more
        said.append("not enough data yet" if more is None else f"{_more(more)} than without it{_between(more)}")
    return f"Since {_day(effect.since)}: {' · '.join(said)}"


def _held_out(effect: Effect, compared: Compared) -> Iterator[str]:
    if compared.lacks is not None:
        yield f"Not enough data yet: {_lacking(effect, compared.lacks)}"
        return
    assert compared.more is not None
    people = f"Of {compared.here.people:,} people whose time is over"
    if compared.verdict == "more":
        yield f"It works. {people}, {_more(compared.more)} reached the goal than would have without it."
    elif compared.verdict == "less":
        yield f"It does harm. {people}, {_more(compared.more)} reached the goal than would have without it."
    else:
        yield "Whether it makes a difference is not clear so far: chance alone could have made this one."
    if compared.worth is not None:
        cost = "after messages were paid" if effect.cost_currency in ("", effect.currency) else "before messages"
        worth = compared.worth
        yield (
            f"They were worth {_sum(worth.best, effect.currency)} more than without it, {cost} "
            f"({_sum(worth.low, effect.currency)} to {_sum(worth.high, effect.currency)})."
        )


def _test(effect: Effect, test: Tested) -> str:
    name = f"Test “{test.name}”"
    if test.lacks is not None:
        return f"{name}: not enough data yet. {words.upper_first(_lacking(effect, test.lacks))}"
    assert test.against is not None
    assert test.against.more is not None
    if test.winner is None:
        return f"{name}: no clear winner so far. Chance alone could have made the difference."
    return (
        f"{name}: {test.winner} wins, with {_more(test.against.more)} of {test.against.here.people:,} who reached the "
        f"goal than with the next best{_between(test.against.more)}."
    )


def _lacking(effect: Effect, lack: str) -> str:
    if lack == "days":
        if effect.ready_at is None:
            return f"it needs {LEAST_DAYS} days of people whose time is over."
        return f"on {_day(effect.ready_at)}, {LEAST_DAYS} days of people had their time, at the earliest."
    if lack == "people":
        return f"it needs {LEAST_PEOPLE} people in each group whose time is over."
    return f"it needs {LEAST_REACHED} people who reached the goal."


# ---- tables


def _tables(effect: Effect) -> Iterator[Table]:
    share_out = effect.measure.hold_out
    arms = {"With it": effect.with_it}
    if share_out or effect.without.people:
        arms[f"Left out ({share_out} %)"] = effect.without
    yield _table("Everybody so far", effect, arms)
    if effect.compared is not None and effect.compared.here.people:
        mine = {"With it": effect.compared.here, f"Left out ({share_out} %)": effect.compared.there}
        yield _table("Compared: whoever's time is over", effect, mine)
    for test in effect.tests:
        yield _table(f"Test “{test.name}”: whoever's time is over", effect, test.options)


def _table(title: str, effect: Effect, arms: object) -> Table:
    assert isinstance(arms, dict)
    columns = ["Group", "People", "Reached the goal", "Share", "Unsubscribed"]
    with_money, with_messages = bool(effect.currency), bool(effect.with_it.sent)
    columns += ["Worth", "Discounts in it"] if with_money else []
    columns += ["Messages", "Their cost"] if with_messages else []
    return Table(title, columns, [_row(name, sums, effect, with_money, with_messages) for name, sums in arms.items()])


def _row(name: str, sums: Sums, effect: Effect, with_money: bool, with_messages: bool) -> list[str]:
    row = [name, f"{sums.people:,}", f"{sums.reached:,}", _share(sums), f"{sums.unsubscribed:,}"]
    if with_money:
        row += [_sum(sums.value, effect.currency), _sum(sums.discounts, effect.currency)]
    if with_messages:
        row += [f"{sums.sent:,}", _sum(sums.cost, effect.cost_currency) if sums.cost else "not known"]
    return row


def _share(sums: Sums) -> str:
    """ "26 % (23 to 30)"."""
    if not sums.people:
        return "–"
    found = share(min(sums.reached, sums.people), sums.people).times(100)
    return f"{found.best:.0f} % ({found.low:.0f} to {found.high:.0f})"


# ---- words


def _more(interval: Interval) -> str:
    """ "90 more", "3 fewer"."""
    best = round(interval.best)
    return f"{-best:,} fewer" if best < 0 else f"{best:,} more"


def _between(interval: Interval) -> str:
    """ " (30 to 150)"; where less than nothing is possible, in words."""
    low, high = round(interval.low), round(interval.high)
    if low >= 0:
        return f" ({low:,} to {high:,})"
    if high <= 0:
        return f" ({-high:,} to {-low:,})"
    return f" (between {-low:,} fewer and {high:,} more)"


def _sum(units: float, currency: str) -> str:
    amount = Decimal(round(units)) / UNITS
    return f"−{money(-amount, currency)}" if amount < 0 else money(amount, currency)


def _day(at: int) -> str:
    when = to_datetime(at)
    return f"{when.day} {when:%B %Y}"
