"""Figures for people and for scripts."""

from __future__ import annotations

import json

import pytest

from hub.bench.report import Figure, Goal, Reference, document, notes, rows, shown

FAST = Figure("rate", "Rate", 1800.4, "orders/s", Reference(3000, "something plain"), Goal(least=1500), {"rounds": [1]})
SLOW = Figure("late", "Lateness", 90.0, "ms", goal=Goal(most=60))
VOID = Figure("lost", "Orders", 10.0, "orders/s", goal=Goal(least=5), void="One text is missing.")


def test_the_document_has_a_key_per_figure_with_its_unit_reference_and_goal() -> None:
    told = document({"cores": 2}, [FAST, SLOW])
    assert json.loads(json.dumps(told)) == told
    assert told == {
        "about": {"cores": 2},
        "rate": {
            "title": "Rate",
            "figure": 1800.4,
            "unit": "orders/s",
            "reference": {"figure": 3000.0, "unit": "orders/s", "what": "something plain", "ratio": 0.60013},
            "goal": {"least": 1500, "met": True},
            "details": {"rounds": [1]},
        },
        "late": {
            "title": "Lateness",
            "figure": 90.0,
            "unit": "ms",
            "goal": {"most": 60, "met": False},
            "details": {},
        },
    }


def test_a_void_figure_meets_no_goal_and_says_why() -> None:
    told = document({}, [VOID])["lost"]
    assert told["goal"]["met"] is False
    assert told["void"] == "One text is missing."
    assert notes({}, [VOID]) == ["VOID, Orders: One text is missing."]


def test_the_table_shows_goals_and_ratios() -> None:
    assert rows([FAST, SLOW, VOID]) == [
        ["Rate", "1,800", "orders/s", ">= 1,500", "met", "3,000", "0.60 x", "something plain"],
        ["Lateness", "90", "ms", "<= 60", "MISSED", "", "", ""],
        ["Orders", "10", "orders/s", ">= 5", "VOID", "", "", ""],
    ]


def test_a_machine_that_was_busy_before_is_told() -> None:
    assert notes({"cores_busy_before": 0.05}, []) == []
    (note,) = notes({"cores_busy_before": 1.2}, [])
    assert "1.2 cores" in note


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (1.1, "1.1"), (0.98765, "0.988"), (99.96, "100"), (123456.7, "123,457")]
)
def test_figures_for_people_have_three_digits_or_are_whole(value: float, text: str) -> None:
    assert shown(value) == text
