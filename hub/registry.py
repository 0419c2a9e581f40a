"""Finds connectors and recipes: in every package that an entry point names, ours registered like anyone's.

A package of connectors holds one sub-package per connector, whose object is called `connector`; a package of
recipes holds modules with recipes in them. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from .connector import Action, Connector
from .errors import ConnectorInvalid, HubError, NotFound
from .recipe import Recipe

log = logging.getLogger("hub.registry")


@cache
def _modules(group: str) -> dict[str, str]:
    """Short names and full module names in the packages that the entry points of a group name."""
    found: dict[str, str] = {}
    for point in sorted(entry_points(group=group), key=lambda point: (point.name != "regulars", point.name)):
        package = _loaded(point.value, "All modules")
        for module in pkgutil.iter_modules(getattr(package, "__path__", ())):
            if not module.name.startswith("_"):
                found.setdefault(module.name, f"{point.value}.{module.name}")
    return found


@cache
def packages() -> tuple[str, ...]:
    """The packages that hold connectors or recipes: "connectors", "recipes", and those of others."""
    points = [*entry_points(group="regulars.connectors"), *entry_points(group="regulars.recipes")]
    return tuple(sorted({point.value.partition(".")[0] for point in points}))


def connector_names() -> list[str]:
    return sorted(_modules("regulars.connectors"))


@cache
def connector(name: str) -> Connector:
    """The connector of this name. Raises NotFound, or ConnectorInvalid with every fault of its declaration."""
    module_name = _modules("regulars.connectors").get(name)
    if module_name is None:
        raise NotFound(f"There is no connector {name!r}. There are: {', '.join(connector_names())}.")
    try:
        found = getattr(importlib.import_module(module_name), "connector", None)
    except HubError:
        raise
    except (Exception, SystemExit) as error:
        why = f"{type(error).__name__}: {error}"
        raise ConnectorInvalid(f"The connector {name} cannot be loaded. {why}. Mend or update its package.") from error
    if not isinstance(found, Connector):
        raise ConnectorInvalid(f"The package {module_name} has no object called connector.")
    found.validate()
    return found


def action(name: str) -> Action[Any, Any]:
    """The action of this full name, `twilio.send_sms`. Raises NotFound."""
    of, _, _ = name.partition(".")
    found = connector(of).actions.get(name)
    if found is None:
        raise NotFound(f"{connector(of).title} has no action {name!r}.")
    return found


@cache
def recipes() -> dict[str, Recipe]:
    """Every recipe, by name. What cannot be used is told in the log, and holds up no other one: a module that cannot be
    loaded, and recipes that share a name. Of these none is taken, as nobody could tell which one is meant."""
    found: dict[str, list[Recipe]] = {}
    for module_name in _modules("regulars.recipes").values():
        for made in _recipes_in(_loaded(module_name, "Recipes")):
            same = found.setdefault(made.name, [])
            if not any(made is other for other in same):
                same.append(made)
    for name, same in found.items():
        if len(same) > 1:
            where = " and ".join(made.module for made in same)
            log.error("Recipes in %s are called %r alike, so they are left out. Rename all but one.", where, name)
    return {name: same[0] for name, same in sorted(found.items()) if len(same) == 1}


def _loaded(module_name: str, what: str) -> ModuleType | None:
    try:
        return importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a consultant's file may hold anything, and everything else must run
        why = str(error) if isinstance(error, HubError) else f"{type(error).__name__}: {error}"
        log.error("%s in %s are left out, as it cannot be loaded. %s", what, module_name, why)
        return None


def _recipes_in(module: ModuleType | None) -> Iterator[Recipe]:
    for value in vars(module).values() if module else ():
        if isinstance(value, Recipe) and module and value.module == module.__name__:
            yield value


def recipe(name: str) -> Recipe:
    """The recipe of this name. Raises NotFound."""
    found = recipes().get(name)
    if found is None:
        raise NotFound(f"There is no recipe {name!r}. There are: {', '.join(recipes())}.")
    return found
