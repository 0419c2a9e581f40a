"""Takes out of a provider's words whatever we told it: what is kept as a reason must tell nobody's data."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from ..errors import keepable, scrubbed

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
LONGEST = 2000
QUOTED = 16
"""A provider that quotes part of a text quotes at least so many characters of it, else nobody is recognised."""


def veiled(text: str, inputs: Iterable[Any], secrets: Iterable[str] = ()) -> str:
    """`text` without what was in a call's inputs or is secret, however the provider spells it."""
    told = [part for value in inputs for part in texts_in(value)]
    spelled = {spelling for part in [*told, *secrets] for spelling in (part, part.lower(), part.upper())}
    return scrubbed(_without_quotes(_plain(text[:LONGEST]), told), spelled)


def _plain(text: str) -> str:
    """`text` without escapes, be they of JSON, HTML or an address, and without what a database cannot keep as text."""
    return keepable(unquote(html.unescape(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), text))))


def texts_in(value: Any) -> list[str]:
    """Every text in plain data, and every number that is long enough to tell something."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts_in(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts_in(item)]
    return [str(value)] if not isinstance(value, bool) and len(str(value)) > 4 else []


def _without_quotes(text: str, told: list[str]) -> str:
    """`text` without long stretches of what was told: providers quote the beginning of what they refuse."""
    source = "\n".join(part for part in told if len(part) > QUOTED)
    kept, at = [], 0
    while at < len(text):
        end = at + QUOTED
        if source and end <= len(text) and text[at:end] in source:
            while end < len(text) and text[at : end + 1] in source:
                end += 1
            kept.append("…")
        else:
            end = at + 1
            kept.append(text[at])
        at = end
    return "".join(kept)
