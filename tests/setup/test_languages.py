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
    assert empty == [] and not [message.id for message in known if message.id and message.fuzzy]


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


NOT_SAID = {"nobody has this password", "kept, and never shown", "The id of ", "The internal name of "}
"""What is compared, hashed or read by a consultant."""

MARKING = {"_", "lazy", "Lazy", "parts", "ngettext", "pgettext", "in_markup", "in_markup_counted", "told"}
QUIET = re.compile(r"Error$|^(error|warning|info|Right|State|SettingInvalid|TooManyTries|Unforeseen|HubError)$")


READS = re.compile(r"^[A-Z][a-z]+( [A-Za-z“]|[.?!]$)|[a-z]{2} [a-z]{2,} [a-z]{2}")


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
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in passed
            and READS.search(node.value)
        ):
            yield node.value


def modules() -> list[Path]:
    return [file for file in sorted(PAGES.rglob("*.py")) if file.name != "extracting.py"]


@pytest.mark.parametrize("file", modules(), ids=lambda path: str(path.relative_to(PAGES)))
def test_no_module_of_the_pages_says_anything_in_one_language_alone(file: Path) -> None:
    found = set(said_plainly(ast.parse(file.read_text()))) - NOT_SAID
    assert {text for text in found if "\\" not in text} == set(), "a pattern is no sentence"


# ---- on the pages


def speaking(world: World, accepted: str) -> None:
    world.browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = accepted


def test_before_anybody_signs_in_the_browser_says_which_language(world: World) -> None:
    speaking(world, "fr, de-AT;q=0.9, en;q=0.8")
    page = world.open("/sign-in").text
    assert '<html lang="de">' in page and "Noch kein Passwort, oder vergessen?" in page
    speaking(world, "fr, it")
    page = world.open("/sign-in").text
    assert '<html lang="en">' in page and "No password yet, or forgotten?" in page


def test_whoever_chose_a_language_reads_it_in_every_browser(world: World) -> None:
    world.sign_in()
    world.send("/account/first", name="Ada", email="ada@example.com", new="three good words")
    world.send("/account/language", language="de")
    speaking(world, "en")
    shown = world.open("/account").text
    assert "Gespeichert." in shown and '<option selected value="de">Deutsch</option>' in shown
    assert "Noch ist nichts verbunden" in world.open(HOME).text
    world.send("/account/language", language="")
    assert "Nothing is connected yet" in world.open(HOME).text
    assert "Not a valid choice" in world.send("/account/language", language="xx").text


def test_an_address_that_is_none_is_told_in_the_language_of_whoever_asks_for_it(world: World) -> None:
    speaking(world, "de")
    world.open("/sign-in")
    assert "Diese Seite gibt es nicht." in world.open("/nowhere").text
    speaking(world, "en")
    assert "There is no such page." in world.open("/nowhere").text


def test_forms_say_what_is_wrong_in_the_readers_language(world: World) -> None:
    world.sign_in()
    speaking(world, "de")
    shown = text_of(world.send("/w/1/people/keep", days="many").text)
    assert "Keine gültige, ganze Zahl." in shown, "WTForms' own words"
    shown = text_of(world.send("/w/1/people/keep", days="5000").text)
    assert "Wählen Sie eine Zahl von 0 bis 3650 Tagen." in shown
    shown = text_of(world.send("/w/1/settings/notices", emails="no address", url="").text)
    assert "'no address' ist keine E-Mail-Adresse." in shown


def test_a_run_is_told_in_german_with_what_recipes_and_connectors_call_things(world: World) -> None:
    world.sign_in()
    speaking(world, "de")
    send = {"action": "twilio.send_sms", "state": "refused", "reason": "There is no text to send."}
    run = world.run(
        {"action": "wait_for", "due_at": world.clock.now() + 86_400_000, "state": "waiting"},
        send,
        state="stopped",
        reason="Ended by shopify.order.cancelled.",
    )
    shown = text_of(world.open(f"/w/1/runs/{run}").text)
    assert "Für die Bestellung danken" in shown and "Eine Bestellung geht ein" in shown
    assert "Warten, bis etwas geschieht, höchstens 1 Tag" in shown
    assert "Eine Textnachricht senden" in shown and "Es gibt keinen Text zu senden." in shown
    assert "Beendet, weil eine Bestellung storniert wird." in shown


def test_what_is_put_into_a_sentence_is_no_markup_in_any_language(world: World) -> None:
    world.sign_in()
    speaking(world, "de")
    name = "<b>Crumb</b> %(x)s 100%"
    world.hub.workspaces.rename(world.workspace, name)
    world.send("/w/1/team/invite", role="staff")
    shown = world.open("/w/1/changes").text
    assert "&lt;b&gt;Crumb&lt;/b&gt; %(x)s 100%" in shown and "<b>Crumb" not in shown
    assert "hat eine Einladung für die Rolle Mitarbeiter gemacht" in text_of(shown)


# ---- what others said


def in_german(said: str, package: str = "hub", within: str | None = None) -> str:
    context = copy_context()
    context.run(language.choose, "de")
    return context.run(told, said, package, within)


def test_a_sentence_that_was_put_together_is_found_by_its_places() -> None:
    said = "The Twilio account does not have +1 415 555 0100. Check the sender number, or buy it there."
    assert in_german(said, "connectors.twilio").startswith("Das Konto bei Twilio hat +1 415 555 0100 nicht.")
    both = "There is no text to send. Connect the account again; what waits goes on then."
    assert (
        in_german(both, "connectors")
        == "Es gibt keinen Text zu senden. Verbinden Sie das Konto wieder; dann geht weiter, was wartet."
    )
    assert in_german("a contact is created", "connectors") == "ein Kontakt wird angelegt"
    assert in_german("a contact is created", "connectors", "clause") == "ein Kontakt angelegt wird"


def test_what_a_package_has_no_words_for_is_told_as_it_is() -> None:
    assert in_german("Bakes a cake.", "acme") == "Bakes a cake."
    assert told("Cancelled.") == "Cancelled.", "in English nothing is looked up"


def test_a_new_sentence_is_added_without_words_and_one_that_is_gone_is_taken_out(tmp_path: Path) -> None:
    file = tmp_path / "translations" / "de.po"
    extracting.bring_up_to_date(file, [(None, "Old."), (None, ("%(num)s cake", "%(num)s cakes"))])
    file.write_text(file.read_text().replace('msgid "Old."\nmsgstr ""', 'msgid "Old."\nmsgstr "Alt."'))
    extracting.bring_up_to_date(file, [(None, "Old."), ("clause", "new")])
    known = catalog(file)
    assert known["Old."].string == "Alt." and "%(num)s cake" not in known
    new = known.get("new", "clause")
    assert new is not None and not new.string
