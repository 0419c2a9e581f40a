"""What other parts of the hub say in English, in the reader's language: errors, reasons that were kept, and what
connectors and recipes declare. A package has its sentences in a file of its own, `translations/de.po` beside its code;
what is in none is shown as it is.

A sentence that is put together when it is said stands there with its places, as "%(service)s does not answer.".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

from ..registry import packages
from .language import PLACE
from .measures import LANGUAGE, SOURCE

OURS = ("hub", "webhooks")
"""Packages whose sentences may stand in those of any other."""


@dataclass(frozen=True)
class Sentences:
    """The sentences of a package: whole ones by context and text, and those with places, the longest first."""

    whole: dict[tuple[str | None, str], str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]


def told(said: object, package: str = OURS[0], within: str | None = None) -> str:
    """What somebody else said, in the language of the page. `package`: whose code said it, or a module of that code;
    `within`: the context in which it is used, where other languages say it differently there."""
    text, language = str(said), LANGUAGE.get()
    if not text or language == SOURCE:
        return text
    return _told(text, package.partition(".")[0], within, language)


@lru_cache(maxsize=4096)
def _told(text: str, package: str, within: str | None, language: str) -> str:
    # What was kept does not say who said it.
    for place in dict.fromkeys((package, *OURS, *packages())):
        sentences = _sentences(place, language)
        for key in ((within, text), (None, text)):
            if key in sentences.whole:
                return sentences.whole[key]
        for pattern, says in sentences.patterns:
            if found := pattern.fullmatch(text):
                put = {name: _put(value, package, within, language) for name, value in found.groupdict().items()}
                return _filled(says, put)
    return text


def _filled(sentence: str, put: Mapping[str, str]) -> str:
    return PLACE.sub(lambda place: put[place[1]], sentence)


def _put(value: str, package: str, within: str | None, language: str) -> str:
    """What is put into a sentence, which may be another one without its full stop."""
    said = _told(value, package, within, language)
    return said if said != value else _told(f"{value}.", package, within, language).removesuffix(".")


@cache
def _sentences(package: str, language: str) -> Sentences:
    file = folder_of(package) / f"{language}.po"
    return read_sentences(file) if file.exists() else Sentences({}, ())


def folder_of(package: str) -> Path:
    """Where a package has its sentences, if it has any."""
    spec = find_spec(package)
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places or ("",)))) / "translations"


def read_sentences(file: Path) -> Sentences:
    """The sentences of a file."""
    from babel.messages.pofile import read_po

    with file.open("rb") as source:
        known = [
            message
            for message in read_po(source, locale=file.stem)
            if message.id and message.string and not message.fuzzy
        ]
    whole = {(message.context, str(message.id)): str(message.string) for message in known}
    with_places = sorted((id for _context, id in whole if PLACE.search(id)), key=len, reverse=True)
    return Sentences(whole, tuple((pattern_of(id), whole[None, id]) for id in with_places if (None, id) in whole))


def pattern_of(sentence: str) -> re.Pattern[str]:
    """What a sentence with places looks like once they are filled in."""
    pieces = PLACE.split(sentence)
    names: set[str] = set()
    made = ""
    for index, piece in enumerate(pieces):
        if index % 2:
            made += f"(?P={piece})" if piece in names else f"(?P<{piece}>.+?)"
            names.add(piece)
        else:
            made += re.escape(piece)
    return re.compile(made, re.DOTALL)
