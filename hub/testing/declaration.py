"""Promises on the declaration: complete, with words for people, and usable from a recipe."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from types import ModuleType

from .. import values
from ..connector import Action, Connector
from ..errors import StepNotData
from .finding import none_of

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_EVENT_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


def the_declaration_is_complete(connector: Connector) -> None:
    none_of(connector.faults())


def everything_has_a_name_and_words_for_people(connector: Connector) -> None:
    def faults() -> Iterator[str]:
        if not _NAME.fullmatch(connector.name):
            yield f"{connector.name!r}: a connector's name is lower-case letters, digits and _"
        if not (connector.title.strip() and connector.about.strip()):
            yield f"{connector.name}: has no title or no line on what it is for (about)"
        for field in connector.fields.values():
            if not field.label.strip():
                yield f"{connector.name}: the field {field.name!r} has no label"
        for trigger in connector.triggers.values():
            if not _EVENT_NAME.fullmatch(trigger.name):
                yield f"{trigger.type}: a trigger is named like order.created"
            if not trigger.title.strip():
                yield f"{trigger.type}: has no title, which completes the sentence 'When …'"
        for action in connector.actions.values():
            if not (action.title.strip() and (action.__doc__ or "").strip()):
                yield f"{action.name}: has no title or no docstring"

    none_of(faults())


def a_recipe_finds_everything_in_the_package(connector: Connector) -> None:
    package = _package(connector)
    here = list(vars(package).values())
    missing = [t.type for t in connector.triggers.values() if not any(value is t for value in here)]
    missing += [a.name for a in connector.actions.values() if getattr(package, a.__name__, None) is not a]
    if getattr(package, "connector", None) is not connector:
        missing.append("connector")
    none_of(f"{name}: is not to be had from {package.__name__}; import it there" for name in missing)


def _package(connector: Connector) -> ModuleType:
    module = sys.modules[connector.package]
    return module if hasattr(module, "__path__") else sys.modules[connector.package.rpartition(".")[0]]


def every_action_takes_plain_data(connector: Connector) -> None:
    none_of(fault for action in connector.actions.values() for fault in _input_faults(action))


def _input_faults(action: Action[..., object]) -> Iterator[str]:
    for name, given in action.signature.parameters.items():
        if given.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            yield f"{action.name}: takes *{name}, which a step cannot keep by name"
        elif given.default is not inspect.Parameter.empty:
            try:
                values.write(given.default)
            except StepNotData:
                yield f"{action.name}: the default of {name} is not plain data"
    for name in action.batch_by:
        if name not in action.signature.parameters:
            yield f"{action.name}: is batched by {name!r}, which is none of its inputs"
    if action.batch_limit < 1:
        yield f"{action.name}: a batch of {action.batch_limit} is none"


def every_limit_lets_calls_through(connector: Connector) -> None:
    limit = connector.limit
    given = {"calls": limit.calls, "per": limit.per, "concurrent": limit.concurrent, "daily": limit.daily}
    none_of(
        f"{connector.name}: the limit {name}={n} lets none through"
        for name, n in given.items()
        if n is not None and n <= 0
    )


def every_example_is_an_answer_in_words(connector: Connector) -> None:
    def faults() -> Iterator[str]:
        for action in connector.actions.values():
            if action.examples is None:
                continue
            # Whatever the inputs are, the examples are the same kind of answers.
            found = action.examples(**dict.fromkeys(action.signature.parameters))
            if not found:
                yield f"{action.name}: is said to have examples of its answers, and gives none"
            for when, answer in found:
                if not when.strip():
                    yield f"{action.name}: an example of its answers does not say when it is given"
                try:
                    values.write(answer.data if action.lists else answer)
                except (StepNotData, AttributeError):
                    yield f"{action.name}: the example {when!r} is not {'an item' if action.lists else 'plain data'}"

    none_of(faults())


CHECKS = (
    the_declaration_is_complete,
    everything_has_a_name_and_words_for_people,
    a_recipe_finds_everything_in_the_package,
    every_action_takes_plain_data,
    every_limit_lets_calls_through,
    every_example_is_an_answer_in_words,
)
