"""Every sentence of the pages in every language they are there in."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from contextvars import copy_context
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from hub.setup import extracting, language
from hub.setup.extracting import PACKAGES, of_package, of_pages
from hub.setup.language import FOLDER, languages
from hub.setup.retold import folder_of, told
from tests.setup.conftest import HOME, World
from tests.setup.reading import text_of

PAGES = FOLDER.parent
OTHERS = [name for name in languages() if name != "en"]
PLACES = re.compile(r"%\(\w+\)s")
TAGS = re.compile(r"</?\w+")


def catalog(file: Path) -> Catalog:
    with file.open("rb") as source:
        return read_po(source, locale=file.stem)


def forms(said: Any) -> list[str]:
    return [said] if isinstance(said, str) else list(said or [])


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("where", ["pages", *PACKAGES])
def test_a_language_has_every_sentence_and_none_that_nobody_says(name: str, where: str) -> None:
    file = (FOLDER if where == "pages" else folder_of(where)) / f"{name}.po"
    known = catalog(file)
    there = {(message.context, message.id) for message in known if message.id}
    said = set(of_pages() if where == "pages" else of_package(where))
    assert said - there == set(), "run: python -m hub.setup.extracting, and write the words"
    assert there - said == set(), "run: python -m hub.setup.extracting"
    empty = [message.id for message in known if message.id and not all(forms(message.string))]
    assert empty == [] and not [message.id for message in known if message.fuzzy]


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("where", ["pages", *PACKAGES])
def test_every_sentence_keeps_its_places_and_its_markup(name: str, where: str) -> None:
    known = catalog((FOLDER if where == "pages" else folder_of(where)) / f"{name}.po")
    for message in known:
        for source, said in zip(forms(message.id), forms(message.string), strict=True) if message.id else ():
            assert Counter(PLACES.findall(said)) == Counter(PLACES.findall(source)), source
            assert Counter(TAGS.findall(said)) == Counter(TAGS.findall(source)), source
            assert said.count("%%") == source.count("%%") and source.strip() == source, source


# ---- nothing is said that cannot be translated


def literals(template: Path) -> Iterator[str]:
    """What a template says outside of its expressions, without markup; and what it says by plain texts in them."""
    environment = Environment(extensions=[])
    tree = environment.parse(template.read_text())
    text = "".join(
        part.data if isinstance(part, nodes.TemplateData) else "\0" for part in tree.find_all(nodes.TemplateData)
    )
    plain = re.sub(r"<(pre|code)\b.*?</\1>", "", text, flags=re.DOTALL)
    yield from re.findall(r'\b(?:aria-label|title|alt|placeholder)="([^"]*)"', plain)
    yield from re.sub(r"<[^>]*>|<[^>]*$|^[^<]*>", "\0", plain).split("\0")


NAMES = {"R", "Regulars", "· Regulars"}


@pytest.mark.parametrize("template", sorted((PAGES / "templates").glob("*.html")), ids=lambda path: path.stem)
def test_no_template_says_anything_in_one_language_alone(template: Path) -> None:
    found = [unescape(text).strip() for text in literals(template) if re.search("[A-Za-z]{2}", text)]
    assert [text for text in found if text not in NAMES] == []


MARKING = {"_", "lazy", "Lazy", "parts", "ngettext", "pgettext", "in_markup", "in_markup_counted", "told"}
QUIET = re.compile(r"Error$|^(error|warning|info|Right|State|SettingInvalid|TooManyTries|Unforeseen|HubError)$")


def said_plainly(tree: ast.Module) -> Iterator[str]:
    """Literals that read as a sentence or a title, and that nothing marks."""
    passed: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            passed.add(id(node.value))
        if isinstance(node, ast.ClassDef) and node.name == "Right":
            passed |= {id(inner) for inner in ast.walk(node)}
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in MARKING or QUIET.search(called):
                passed |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            if re.match(r"[A-Z][a-z]+( [A-Za-z“]|[.?!]$)", node.value) or re.search(
                r"[a-z]{2} [a-z]{2,} [a-z]{2}", node.value
            ):
                yield node.value


def modules() -> list[Path]:
    return [file for file in sorted(PAGES.rglob("*.py")) if file.name != "extracting.py"]


@pytest.mark.parametrize("file", modules(), ids=lambda path: str(path.relative_to(PAGES)))
def test_no_module_of_the_pages_says_anything_in_one_language_alone(file: Path) -> None:
    assert list(said_plainly(ast.parse(file.read_text()))) == []
