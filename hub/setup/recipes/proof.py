"""What a recipe brings about, in words and as tables: for its page, and in English for the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ...effect.findings import LEAST_DAYS, LEAST_PEOPLE, LEAST_REACHED, Compared, Sums, Tested
from ...effect.intervals import Interval, share
from ...effect.measure import UNITS
from ...effect.reading import Effect
from ...timing import to_datetime
from .. import words
from ..language import _, lazy
from ..measures import money, number, short_day
from ..words import CATCHING_UP, NEEDS_YOU, OFF, WORKING, State

STATES = {
    "more": State(WORKING, "●", lazy("It works")),
    "less": State(NEEDS_YOU, "▲", lazy("It does harm")),
    "open": State(CATCHING_UP, "◐", lazy("No clear difference so far")),
    "early": State(OFF, "○", lazy("Not enough data yet")),
}


@dataclass(frozen=True)
class Table:
    """A table: what it is about, its columns, and a row for each group, begun by the group's name."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Proof:
    """What is said of a recipe: what people should do after it, how it stands, in one line; what that means, in
    sentences; and the numbers. `state` is None where nobody is left out to compare with."""

    goal: str
    line: str
    state: State | None
    says: Sequence[str]
    tables: Sequence[Table]


def proof(effect: Effect) -> Proof:
    """What is said of what was counted."""
    state = STATES[effect.compared.verdict] if effect.compared is not None else None
    said = list(_held_out(effect, effect.compared)) if effect.compared is not None else []
    said += [_test(effect, test) for test in effect.tests]
    if effect.compared is None and not effect.tests:
        said.append(_("What they would have done without it is not known: it leaves out nobody to compare with."))
    within = words.span(round(effect.measure.within.total_seconds() * 1000))
    goal = _("%(happening)s within %(span)s", happening=words.happening(effect.measure.type), span=within)
    return Proof(goal, _line(effect), state, said, list(_tables(effect)))


def _line(effect: Effect) -> str:
    """ "Since 3 Oct: 640 came · 170 reached the goal · 90 more than without it (30 to 150)"."""
    if effect.since is None:
        return _("Nobody came since it is counted")
    came, reached = effect.with_it.people, effect.with_it.reached
    said = [
        _("Since %(day)s: %(people)s came", day=_day(effect.since), people=came),
        _("%(people)s reached the goal", people=reached),
    ]
    if effect.compared is not None and effect.compared.more is None:
        said.append(_("not enough data yet"))
    elif effect.compared is not None and effect.compared.more is not None:
        said.append(_("%(more)s than without it", more=_more(effect.compared.more)))
    return " · ".join(said)


def _held_out(effect: Effect, compared: Compared) -> Iterator[str]:
    if compared.lacks is not None:
        yield _lacking(effect, compared.lacks)
        return
    assert compared.more is not None
    about = {"people": compared.here.people, "more": _more(compared.more)}
    if compared.verdict == "open":
        yield _(
            "Of %(people)s whose time is over, %(more)s reached the goal than would have without it. That may be "
            "chance alone.",
            **about,
        )
    else:
        yield _(
            "Of %(people)s whose time is over, %(more)s reached the goal than would have without it. Of twenty recipes "
            "that do nothing, chance would make fewer than one look like this, however often you look.",
            **about,
        )
    if worth := compared.worth:
        sums = {name: _sum(value, effect.currency) for name, value in vars(worth).items()}
        if effect.cost_currency in ("", effect.currency):
            yield _("It brought in about %(best)s, with messages paid (%(low)s to %(high)s).", **sums)
        else:
            yield _("It brought in about %(best)s, before messages are paid (%(low)s to %(high)s).", **sums)


def _test(effect: Effect, test: Tested) -> str:
    if test.lacks is not None:
        return _("Test “%(test)s”: %(lacks)s", test=test.name, lacks=_lacking(effect, test.lacks))
    assert test.against is not None
    assert test.against.more is not None
    more = _more(test.against.more)
    if test.winner is None:
        return _("Test “%(test)s”: no clear winner so far, as the difference may be chance alone.", test=test.name)
    return _(
        "Test “%(test)s”: %(winner)s wins. Of %(people)s, %(more)s reached the goal than with the next best.",
        test=test.name,
        winner=test.winner,
        people=test.against.here.people,
        more=more,
    )


def _lacking(effect: Effect, lack: str) -> str:
    if lack == "days" and effect.ready_at is not None:
        return _(
            "Not enough data yet. On %(day)s, %(days)s days of people have had their time, at the earliest.",
            day=_day(effect.ready_at),
            days=LEAST_DAYS,
        )
    if lack == "reached":
        return _("Not enough data yet: it needs %(people)s who reached the goal.", people=LEAST_REACHED)
    return _("Not enough data yet: it needs %(people)s in each group whose time is over.", people=LEAST_PEOPLE)


# ---- tables


def _tables(effect: Effect) -> Iterator[Table]:
    left_out = _("Left out (%(percent)s %%)", percent=effect.measure.hold_out)
    arms = {_("With it"): effect.with_it}
    if effect.compared is not None:
        arms[left_out] = effect.without
    yield _table(_("Everybody so far"), effect, arms)
    if effect.compared is not None and effect.compared.here.people:
        compared = {_("With it"): effect.compared.here, left_out: effect.compared.there}
        yield _table(_("Compared: those whose time is over"), effect, compared)
    for test in effect.tests:
        yield _table(_("Test “%(test)s”: those whose time is over", test=test.name), effect, test.options)


def _table(title: str, effect: Effect, arms: Mapping[str, Sums]) -> Table:
    columns = [_("Group"), _("People"), _("Reached the goal"), _("Share, and what it may be"), _("Unsubscribed")]
    columns += [_("Worth"), _("Discounts in it")] if effect.currency else []
    columns += [_("Messages"), _("Their cost")] if effect.with_it.sent else []
    return Table(title, columns, [_row(name, sums, effect) for name, sums in arms.items()])


def _row(name: str, sums: Sums, effect: Effect) -> list[str]:
    row = [name, number(sums.people), number(sums.reached), _share(sums), number(sums.unsubscribed)]
    if effect.currency:
        row += [_sum(sums.value, effect.currency), _sum(sums.discounts, effect.currency)]
    if effect.with_it.sent:
        cost = _sum(sums.cost, effect.cost_currency) if sums.cost else "–"
        row += [number(sums.sent), cost]
    return row


def _share(sums: Sums) -> str:
    """ "26 % (23 to 30)"."""
    if not sums.people:
        return "–"
    found = share(min(sums.reached, sums.people), sums.people).times(100)
    rounded = {name: round(value) for name, value in vars(found).items()}
    return _("%(best)s %% (%(low)s to %(high)s)", **rounded)


# ---- words


def _more(interval: Interval) -> str:
    """ "90 more (30 to 150)"; where it may be fewer, that is said."""
    best, low, high = round(interval.best), round(interval.low), round(interval.high)
    if best >= 0 and low >= 0:
        return _("%(best)s more (%(low)s to %(high)s)", best=best, low=low, high=high)
    if best < 0 and high <= 0:
        return _("%(best)s fewer (%(low)s to %(high)s)", best=-best, low=-high, high=-low)
    if best >= 0:
        return _("%(best)s more (between %(low)s fewer and %(high)s more)", best=best, low=-low, high=high)
    return _("%(best)s fewer (between %(low)s fewer and %(high)s more)", best=-best, low=-low, high=high)


def _sum(units: float, currency: str) -> str:
    amount = Decimal(round(units)) / UNITS
    return f"−{money(-amount, currency)}" if amount < 0 else money(amount, currency)


def _day(at: int) -> str:
    return short_day(to_datetime(at).date())
