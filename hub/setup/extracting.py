"""Finds every sentence that has to be said in other languages, and brings the files of them up to date:

    python -m hub.setup.extracting [PACKAGE …]

Without packages, those of the hub itself. A sentence that is new stands there without words until somebody writes
them, and is said in English meanwhile.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from .. import registry
from ..connector import Connector
from ..recipe import Recipe
from .language import FOLDER, PLACE, languages
from .measures import SOURCE
from .retold import folder_of
from .words import CLAUSE

Sentence = tuple[str | None, str | tuple[str, str]]
"""Its context, and how it reads: in both forms where it counts something."""

PACKAGES = ("hub", "webhooks", "connectors", "recipes")
"""Ours that say something in English which pages show."""

_KEYWORDS = {
    "_": None,
    "lazy": None,
    "Lazy": None,
    "parts": None,
    "ngettext": (1, 2),
    "in_markup_counted": (1, 2),
    "pgettext": ((1, "c"), 2),
}
_METHODS = [("templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
_FOLDERS = {"setup", "cli", "bench", "testing", "migrations", "practice"}
_MODULES = {
    *("app", "backup", "connector", "core", "database", "disk", "jobs", "mail", "metrics", "outcomes", "processes"),
    *("recipe", "recipe_settings", "registry", "rotating", "serving", "settings", "site", "step", "timing", "trigger"),
    *("values", "versions", "worker"),
}
"""Where the hub speaks to a log, a terminal or a developer, and to no page."""

_LETTERS = re.compile(r"[A-Za-z]{4,}")


def of_pages() -> Iterator[Sentence]:
    """What the pages themselves say."""
    from babel.messages.extract import extract_from_dir

    for _file, _line, said, _comments, context in extract_from_dir(FOLDER.parent, _METHODS, keywords=_KEYWORDS):
        yield context, said if isinstance(said, str) else (said[0], said[-1])


def of_package(package: str) -> Iterator[Sentence]:
    """What a package says elsewhere: its errors, reasons that are kept, and what its connectors and recipes declare."""
    spec = find_spec(package)
    folder = Path(next(iter((spec.submodule_search_locations if spec else None) or ("",))))
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).with_suffix("").parts
        if "practice" in file.name or package == "hub" and (parts[0] in _FOLDERS or parts[-1] in _MODULES):
            continue
        yield from ((None, said) for said in _of_module(ast.parse(file.read_text())))
    for name in registry.connector_names():
        connector = registry.connector(name)
        if connector.package.partition(".")[0] == package:
            yield from _of_connector(connector)
    for recipe in registry.recipes().values():
        if recipe.function.__module__.partition(".")[0] == package:
            yield from ((None, " ".join(said.split())) for said in _of_recipe(recipe) if said)


# ---- what is declared


def _of_connector(connector: Connector) -> Iterator[Sentence]:
    from ..practice.server import service_of

    said = [connector.about]
    for field in connector.fields.values():
        said += [] if field.generated else [field.label, field.help]
    for trigger in connector.triggers.values():
        yield CLAUSE, trigger.title
        said.append(trigger.title)
    for action in connector.actions.values():
        said += [action.title, action.price.says if action.price is not None else ""]
        if action.examples is not None:
            answers = action.examples(**dict.fromkeys(action.signature.parameters))
            yield from ((CLAUSE, when) for when, _answer in answers)
    service = service_of(connector)
    said += [service.title_of(name) for name in service.happenings] if service is not None else []
    yield from ((None, text) for text in said if text)


def _of_recipe(recipe: Recipe) -> Iterator[str]:
    yield from (recipe.title, recipe.about)
    for setting in recipe.settings.values():
        yield from (setting.words.label, setting.words.help)
    for check in recipe.filters:
        yield check.__doc__ or ""


# ---- what is said in code


def _of_module(tree: ast.Module) -> Iterator[str]:
    """Every literal that is a sentence, and what errors are called by their docstrings."""
    apart = {id(piece) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for piece in node.values}
    apart |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.bases and (doc := ast.get_docstring(node)):
            first = " ".join(doc.partition("\n\n")[0].split())
            yield from [first] if _is_error(node) else []
        said = _text(node)
        if said and id(node) not in apart and _is_sentence(said):
            yield said


def _is_error(node: ast.ClassDef) -> bool:
    """Whether a class may be raised without words of its own: those whose first base is an error's."""
    return all(isinstance(base, ast.Name) for base in node.bases) and node.bases[0].id in _ERRORS  # type: ignore[attr-defined]


_ERRORS = {"HubError", "SetupError", "DeliveryRefused", "ActionFailed", "TryLater", "ReplayFailed", "Rejected"}


def _text(node: ast.AST) -> str | None:
    """The text of a literal, with named places where something is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    made, names = "", []
    for piece in node.values:
        if isinstance(piece, ast.FormattedValue):
            name = next(reversed(re.findall("[a-z]+", ast.unparse(piece.value).lower())), "it")
            names.append(name)
            made += f"%({name}{names.count(name) if names.count(name) > 1 else ''})s"
        else:
            made += str(getattr(piece, "value", ""))
    return made


def _is_sentence(said: str) -> bool:
    """What a template fills in for customers is none of ours to say differently."""
    begins = said[:1].isupper() or said[:2] == "%("
    return (
        begins
        and said.rstrip()[-1:] in (".", "?", "!")
        and "{" not in said
        and bool(_LETTERS.search(PLACE.sub("", said)))
    )


# ---- files


def bring_up_to_date(file: Path, said: Sequence[Sentence]) -> None:
    """Adds what is new to a file, without words yet, and takes out what nobody says any more."""
    from babel.messages import Catalog
    from babel.messages.pofile import read_po, write_po

    known = Catalog(locale=file.stem)
    if file.exists():
        with file.open("rb") as source:
            known = read_po(source, locale=file.stem)
    made = Catalog(locale=file.stem, fuzzy=False)
    for context, text in sorted(dict.fromkeys(said), key=str):
        old = known.get(text if isinstance(text, str) else text[0], context)
        made.add(text, old.string if old is not None else None, context=context)
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as target:
        write_po(target, made, width=116, omit_header=True)


def main(packages: Sequence[str]) -> None:
    for language in languages():
        if language == SOURCE:
            continue
        if not packages:
            bring_up_to_date(FOLDER / f"{language}.po", list(of_pages()))
        for package in packages or PACKAGES:
            bring_up_to_date(folder_of(package) / f"{language}.po", list(of_package(package)))


if __name__ == "__main__":
    main(sys.argv[1:])
