"""Recipes made and edited at random, with people inside: whoever moves ends as if the edited recipe had been there from
the start, and whoever does not ends as the one it began with."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from hub import engine
from tests import telling
from tests.carriers import ByThreads, Carrier
from tests.hub.test_versions import Shelf, shelf
from tests.world import World, happen

__all__ = ["shelf"]

Node = tuple[Any, ...]
"""("do", word) · ("sleep", days) · ("wait", days) · ("together", words) · ("if", flag, nodes, nodes)"""

TRIALS = 30
WORDS, FLAGS = "abc", ("red", "tall")


def some(chance: random.Random, depth: int = 2) -> list[Node]:
    return [one(chance, depth) for _ in range(chance.randint(1, 4))]


def one(chance: random.Random, depth: int = 2) -> Node:
    kind = chance.choice(["do", "do", "sleep", "wait", "together", "if"][: 6 if depth else 5])
    if kind == "do":
        return kind, chance.choice(WORDS)
    if kind == "together":
        return kind, tuple(chance.choice(WORDS) for _ in range(chance.randint(1, 3)))
    if kind == "if":
        return kind, chance.choice(FLAGS), some(chance, depth - 1), some(chance, depth - 1)
    return kind, chance.randint(1, 5)


def edited(chance: random.Random, nodes: list[Node]) -> list[Node]:
    """The same with one edit somewhere."""
    made, place = list(nodes), chance.randrange(len(nodes))
    node = made[place]
    if node[0] == "if" and chance.random() < 0.6:
        arms = [list(node[2]), list(node[3])]
        arm = chance.randrange(2)
        arms[arm] = edited(chance, arms[arm])
        made[place] = ("if", node[1], *arms)
        return made
    what = chance.choice(["other", "insert", "repeat", "remove", "swap", "join"])
    if what == "other":
        made[place] = one(chance)
    elif what in ("insert", "repeat"):
        made.insert(place, one(chance) if what == "insert" else node)
    elif what == "remove" and len(made) > 1:
        del made[place]
    elif what == "swap":
        chance.shuffle(made)
    elif node[0] == "do":
        made[place] = ("together", (node[1],))
    return made


def written(nodes: list[Node], indent: str = "    ") -> Iterator[str]:
    for node in nodes:
        if node[0] == "do":
            yield f"{indent}yield telling.do({node[1]!r})"
        elif node[0] == "sleep":
            yield f"{indent}yield sleep(days={node[1]})"
        elif node[0] == "wait":
            yield f"{indent}yield wait_for(telling.ended, timeout=timedelta(days={node[1]}))"
        elif node[0] == "together":
            yield f"{indent}yield together({', '.join(f'telling.do({word!r})' for word in node[1])})"
        else:
            yield f"{indent}if event.data[{node[1]!r}]:"
            yield from written(node[2], indent + "    ")
            yield f"{indent}else:"
            yield from written(node[3], indent + "    ")


def source(nodes: list[Node]) -> str:
    head = '\nfrom hub import together, wait_for\n\n@recipe(on=telling.happened, title="Greet")\ndef greet(event):\n'
    return head + "    '''Greets.'''\n" + "\n".join(written(nodes)) + "\n"


def does(nodes: list[Node], flags: dict[str, bool]) -> list[list[str]]:
    """What is done, in order; what is done together in any order."""
    found: list[list[str]] = []
    for node in nodes:
        if node[0] == "do":
            found.append([node[1]])
        elif node[0] == "together":
            found.append(sorted(node[1]))
        elif node[0] == "if":
            found += does(node[2 if flags[node[1]] else 3], flags)
    return found


def is_as(did: list[str], expected: list[list[str]]) -> bool:
    at = 0
    for group in expected:
        if sorted(did[at : at + len(group)]) != group:
            return False
        at += len(group)
    return at == len(did)


@pytest.fixture
def carrier() -> Carrier:
    return ByThreads()


@pytest.fixture
def edit(shelf: Shelf) -> Callable[[list[Node]], None]:
    def write(nodes: list[Node]) -> None:
        shelf.write("greet", source(nodes))
        shelf.load()

    return write


def test_no_edit_moves_somebody_whom_it_does_not_fit(world: World, edit: Any) -> None:
    seed = random.randrange(1_000_000)
    verdicts = Counter[str]()
    for trial in range(TRIALS):
        chance = random.Random(f"{seed} {trial}")
        old = some(chance)
        new = edited(chance, old)
        flags = {flag: chance.random() < 0.5 for flag in FLAGS}
        telling.provider.done.clear()
        edit(old)
        world.enable("greet")
        happen(world, key=str(trial), email=f"p{trial}@example.com", **flags)
        world.pass_time(timedelta(days=chance.randint(0, 8)))
        ended_before = world.runs[-1].ended_at is not None
        edit(new)
        found = engine.move(world.hub, world.workspace, "greet")
        world.settle()
        while world.runs[-1].state == "waiting":
            world.pass_time(timedelta(days=5))
        (state,) = [verdict.state for verdict in found] or ["ended" if ended_before else "same"]
        verdicts[state] += 1
        did = [inputs["what"] for _, inputs in telling.provider.done]
        story = f"seed {seed}, trial {trial}, {found}: {old} -> {new} with {flags} did {did}"
        assert world.runs[-1].state == "done", story
        assert is_as(did, does(new if state == "moves" else old, flags)), story
    assert verdicts["moves"] and verdicts["cannot"], verdicts
