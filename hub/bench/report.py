"""What was measured: figures beside their references and goals, as a table for people and as data for scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reference:
    """The same machine, in the same run, at something plain: its figure in the unit of what it stands beside."""

    value: float
    what: str


@dataclass(frozen=True)
class Goal:
    """What a figure should be on two cores, at least or at most."""

    least: float | None = None
    most: float | None = None

    def met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f">= {shown(self.least)}" if self.least is not None else f"<= {shown(self.most or 0)}"


@dataclass(frozen=True)
class Figure:
    """One measured figure. `void` says why it counts for nothing, if it does not."""

    key: str
    title: str
    value: float
    unit: str
    reference: Reference | None = None
    goal: Goal | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    void: str | None = None

    @property
    def ratio(self) -> float | None:
        """The figure over its reference."""
        return self.value / self.reference.value if self.reference and self.reference.value else None


def document(about: Mapping[str, Any], figures: Sequence[Figure]) -> dict[str, Any]:
    """All as plain data: a key per figure, and `about` for what a reader must know to compare."""
    return {"about": dict(about), **{figure.key: _data(figure) for figure in figures}}


def _data(figure: Figure) -> dict[str, Any]:
    data: dict[str, Any] = {"title": figure.title, "figure": rounded(figure.value), "unit": figure.unit}
    if figure.reference is not None:
        ratio = figure.ratio
        data["reference"] = {
            "figure": rounded(figure.reference.value),
            "unit": figure.unit,
            "what": figure.reference.what,
            "ratio": None if ratio is None else rounded(ratio),
        }
    if figure.goal is not None:
        goal = {"least": figure.goal.least, "most": figure.goal.most}
        data["goal"] = {name: value for name, value in goal.items() if value is not None}
        data["goal"]["met"] = figure.void is None and figure.goal.met(figure.value)
    if figure.void is not None:
        data["void"] = figure.void
    return data | {"details": dict(figure.details)}


HEADERS = ("Measured", "Figure", "Unit", "Goal", "", "Reference", "Ratio", "What the reference is")


def rows(figures: Sequence[Figure]) -> list[list[str]]:
    """A row of text per figure, below HEADERS."""
    return [_row(figure) for figure in figures]


def _row(figure: Figure) -> list[str]:
    goal, verdict = "", ""
    if figure.goal is not None:
        goal, verdict = str(figure.goal), "met" if figure.goal.met(figure.value) else "MISSED"
    if figure.void is not None:
        verdict = "VOID"
    reference, ratio, what = "", "", ""
    if figure.reference is not None:
        reference, what = shown(figure.reference.value), figure.reference.what
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f} x"
    return [figure.title, shown(figure.value), figure.unit, goal, verdict, reference, ratio, what]


def notes(about: Mapping[str, Any], figures: Sequence[Figure]) -> list[str]:
    """What must be said below the table: what is void and why, and what else a measurement noticed."""
    found = [f"VOID, {figure.title}: {figure.void}" for figure in figures if figure.void]
    found += [
        f"{figure.title}: {note}" for figure in figures if not figure.void for note in figure.details.get("notes", ())
    ]
    if float(about.get("cores_busy_before", 0)) > 0.2:
        busy = about["cores_busy_before"]
        found.append(
            f"Other programs kept {busy} cores busy before the start, so the figures are worse than this machine's."
        )
    return found


def shown(value: float) -> str:
    """A figure for people, to three digits or to the whole number."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def rounded(value: float) -> float:
    """A figure for scripts: what is beyond it is noise."""
    return float(f"{value:.5g}")
