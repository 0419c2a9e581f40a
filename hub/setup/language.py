"""The language of a page: every sentence in the reader's own. English is the source and stands in the code; another
language is a file of its sentences, `translations/de.po`, read when somebody needs it first.

Sentences have named places, as `%(name)s`. Whole numbers that are put there are written as the language writes them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any, TypeVar, cast

from markupsafe import Markup, escape

from .measures import LANGUAGE, SOURCE, listed, number

T = TypeVar("T")

FOLDER = Path(__file__).parent / "translations"

PLACE = re.compile(r"%\((\w+)\)s")
"""A place in a sentence."""


@cache
def languages() -> tuple[str, ...]:
    """The languages that the pages are there in, the source first."""
    return (SOURCE, *sorted(file.stem for file in FOLDER.glob("*.po")))


def choose(chosen: str | None, accepted: Sequence[str] = ()) -> None:
    """Sets the language of the page that is made: the one that its reader chose, else the first one that their browser
    asks for (`accepted`, best first, as "de-AT") and that is here."""
    wanted = [chosen or "", *(name.partition("-")[0].lower() for name in accepted)]
    LANGUAGE.set(next((name for name in wanted if name in languages()), SOURCE))


# ---- sentences


def _(text: str, /, **values: Any) -> str:
    """A sentence in the language of the page, with its places filled in."""
    return _catalog(LANGUAGE.get()).gettext(text) % _shown(values)


def ngettext(one: str, many: str, count: int, /, **values: Any) -> str:
    """A sentence about a number of things, which stands at its place `num`."""
    return _catalog(LANGUAGE.get()).ngettext(one, many, count) % _shown({"num": count} | values)


def pgettext(context: str, text: str, /, **values: Any) -> str:
    """A sentence that other languages say differently where it is used so, as within another one."""
    return _catalog(LANGUAGE.get()).pgettext(context, text) % _shown(values)


def parts(text: str, /, **values: Any) -> tuple[Any, ...]:
    """A sentence with things in it that are no words, such as instants: its pieces in the order of the language. A
    value that is a tuple itself is taken apart."""
    pieces: list[Any] = []
    for index, piece in enumerate(PLACE.split(_catalog(LANGUAGE.get()).gettext(text))):
        value = values[piece] if index % 2 else piece.replace("%%", "%")
        pieces += value if isinstance(value, tuple) else [number(value) if isinstance(value, int) else value]
    return tuple(piece for piece in pieces if piece != "")


class Lazy:
    """A sentence that is made before its reader is known, and said in their language wherever it is shown."""

    def __init__(self, text: str) -> None:
        self.source = text

    def __str__(self) -> str:
        return _(self.source)

    def __html__(self) -> str:
        return str(escape(str(self)))

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __mod__(self, values: object) -> str:
        """As forms' validators put their limits into a message."""
        return str(self) % values

    def __hash__(self) -> int:
        return hash(self.source)

    def __getattr__(self, name: str) -> Any:
        return getattr(str(self), name)


def lazy(text: str) -> str:
    """A constant sentence. It is used as any other text is, but joined to others only after `str`."""
    return cast(str, Lazy(text))


# ---- in templates: what is put into a sentence is escaped; a sentence itself may have markup


def in_markup(text: str, /, **values: Any) -> Markup:
    return Markup(_catalog(LANGUAGE.get()).gettext(text)) % _shown(values)


def in_markup_counted(one: str, many: str, count: int, /, **values: Any) -> Markup:
    return Markup(_catalog(LANGUAGE.get()).ngettext(one, many, count)) % _shown({"num": count} | values)


IN_TEMPLATES: dict[str, Callable[..., Any]] = {
    "_": in_markup,
    "ngettext": in_markup_counted,
    "number": number,
    "listed": listed,
}


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    return {name: number(value) if isinstance(value, int) else value for name, value in values.items()}


# ---- catalogs


@cache
def _catalog(language: str) -> NullTranslations:
    return NullTranslations() if language == SOURCE else read_catalog(FOLDER / f"{language}.po")


def read_catalog(file: Path) -> GNUTranslations:
    """The sentences of a file, made ready in memory: so there is nothing to build before the hub starts."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    made = io.BytesIO()
    with file.open("rb") as source:
        write_mo(made, read_po(source, locale=file.stem))
    made.seek(0)
    return GNUTranslations(made)


def joined(said: Iterable[str]) -> str:
    """Sentences one after the other, without those that are empty."""
    return " ".join(str(say) for say in said if say)
