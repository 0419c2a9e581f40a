"""Recipe versions: a run finishes on the very code it started with, however often the recipe is edited meanwhile.

A version is the source of the recipe's module and of the recipe modules it imports, under their common hash. It is
kept, authenticated with the hub's key, as long as runs need it, and made into modules again when one does.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib.util
import inspect
import json
import linecache
import sys
import threading
from contextlib import suppress
from types import CodeType, ModuleType
from typing import Any

import sqlalchemy as sa

from . import registry, schema
from .database import Database
from .errors import HubError, RecipeInvalid, RecipeMissing
from .recipe import Recipe
from .timing import Clock
from .workspaces import Workspaces

Bundle = dict[str, str]
"""Module names and their source."""

# Python 3.11 fails if two threads make syntax trees at once: https://github.com/python/cpython/issues/106905
_one_parses = threading.Lock()


class Versions:
    """All versions that were ever enabled and are still needed."""

    def __init__(self, database: Database, workspaces: Workspaces, clock: Clock) -> None:
        self.database, self.workspaces, self.clock = database, workspaces, clock
        self._lock = threading.Lock()
        self._loaded: dict[tuple[str, str], Recipe] = {}
        self._current: dict[str, tuple[Recipe, str]] = {}

    def current(self, recipe: Recipe) -> str:
        """The version that a recipe's code is now. Raises RecipeInvalid if its source is not what runs here."""
        with self._lock:
            known = self._current.get(recipe.name)
            if known is None or known[0] is not recipe:
                known = self._current[recipe.name] = (recipe, version_of(bundle_of(recipe)))
            return known[1]

    def keep(self, connection: sa.Connection, recipe: Recipe) -> str:
        """Stores the recipe's code as it is now and gives its version. Raises RecipeInvalid as `current` does."""
        bundle = bundle_of(recipe)
        version = version_of(bundle)
        source = json.dumps({"module": recipe.module, "modules": bundle}).encode()
        row = {
            "hash": version,
            "recipe": recipe.name,
            "source": self.workspaces.hub_key(connection, lock=True).wrap(source, f"recipe {recipe.name} {version}"),
            "created_at": self.clock.now(),
        }
        self.database.insert_new(connection, schema.recipe_version, [row])
        return version

    def take(self, recipe: Recipe, version: str) -> None:
        """Has this version be this very recipe, whatever its source says: for one that is only tried out."""
        with self._lock:
            self._loaded[recipe.name, version] = recipe

    def load(self, name: str, version: str) -> Recipe:
        """The recipe as it was in this version. Raises RecipeMissing."""
        with self._lock:
            if found := self._loaded.get((name, version)):
                return found
        found = self._now(name, version) or self._kept(name, version)
        with self._lock:
            self._loaded[name, version] = found
        return found

    def _now(self, name: str, version: str) -> Recipe | None:
        recipe = registry.recipes().get(name)
        with suppress(RecipeInvalid):
            return recipe if recipe is not None and self.current(recipe) == version else None
        return None

    def _kept(self, name: str, version: str) -> Recipe:
        table = schema.recipe_version
        with self.database.read() as connection:
            query = self.workspaces.with_key(sa.select(table.c.source))
            row = connection.execute(query.where(table.c.hash == version, table.c.recipe == name)).one_or_none()
        if row is None:
            raise RecipeMissing(f"The code of recipe {name}, version {version[:8]}, is not kept here.")
        try:
            key = self.workspaces.keyring.named(row.key_id)
            kept = json.loads(key.unwrap(row.source, f"recipe {name} {version}"))
            return made_again(name, kept["module"], kept["modules"])
        except Exception as error:
            why = str(error) if isinstance(error, HubError) else type(error).__name__
            raise RecipeMissing(f"The code of recipe {name}, version {version[:8]}, cannot be used: {why}") from None


def bundle_of(recipe: Recipe) -> Bundle:
    """The sources that a recipe is made of: its module, and modules of the same package that it imports from.

    Raises RecipeInvalid if one of them cannot be read, or was edited after this process loaded it.
    """
    package = recipe.module.rpartition(".")[0]
    found: Bundle = {}
    todo = [recipe.module]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        module = sys.modules[name]
        try:
            found[name] = inspect.getsource(module)
        except OSError:
            raise RecipeInvalid(f"The source of {name} cannot be read, so its recipes cannot be kept.") from None
        todo += _imports(found[name], name, package)
    if not _is_in(_compiled(found[recipe.module], recipe.module), recipe.function.__code__):
        raise RecipeInvalid(f"Recipe {recipe.name} was edited after the hub had started. Restart the hub to use it.")
    return found


def _compiled(source: str, file: str) -> CodeType:
    # Without what this module imports from __future__, which would change the meaning of the recipe's.
    return compile(source, file, "exec", dont_inherit=True)


def _is_in(code: CodeType, wanted: CodeType) -> bool:
    """Whether compiled code holds this very function."""
    return code == wanted or any(_is_in(inner, wanted) for inner in code.co_consts if isinstance(inner, CodeType))


def version_of(bundle: Bundle) -> str:
    """The common hash of a bundle, 32 hexadecimal digits."""
    return hashlib.blake2b(json.dumps(bundle, sort_keys=True).encode(), digest_size=16).hexdigest()


def _imports(source: str, name: str, package: str) -> list[str]:
    """The modules of the recipe's own package that a module imports from."""
    if not package:
        return []
    found = []
    with _one_parses:
        tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names if alias.name.startswith(package + ".")]
        elif isinstance(node, ast.ImportFrom):
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), name.rpartition(".")[0])
            if origin.startswith(package + "."):
                found.append(origin)
            targets = [f"{package}.{alias.name}" for alias in node.names] if origin == package else []
        else:
            continue
        if targets:
            raise RecipeInvalid(
                f"Line {node.lineno} of {name} imports a whole module of recipes. Write: from {targets[0]} import …, "
                "so that a run keeps the code it started with."
            )
    return found


def made_again(name: str, module: str, bundle: Bundle) -> Recipe:
    """A recipe from a bundle: its modules import each other from the bundle, everything else as it is now."""
    version = version_of(bundle)[:8]
    made: dict[str, ModuleType] = {}

    def module_of(full: str) -> ModuleType:
        if full in made:
            return made[full]
        fresh = made[full] = ModuleType(full)
        file = f"<{full} {version}>"
        linecache.cache[file] = (len(bundle[full]), None, bundle[full].splitlines(keepends=True), file)
        fresh.__dict__["__builtins__"] = vars(builtins) | {"__import__": import_}
        fresh.__package__ = full.rpartition(".")[0]
        exec(_compiled(bundle[full], file), fresh.__dict__)
        return fresh

    def import_(target: str, names: Any = None, here: Any = None, wanted: Any = (), level: int = 0) -> Any:
        package = (names or {}).get("__package__") or ""
        full = importlib.util.resolve_name("." * level + target, package) if level else target
        if full in bundle and wanted:
            return module_of(full)
        return builtins.__import__(target, names, here, wanted, level)

    found = vars(module_of(module)).get(name)
    if not isinstance(found, Recipe):
        raise RecipeMissing(f"There is no recipe {name} in its kept code.")
    return found
