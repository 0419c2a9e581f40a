"""Takes out of a provider's words whatever we told it: what is kept as a reason must tell nobody's data."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from ..errors import scrubbed

LONGEST = 2000
QUOTED = 16
"""A provider that quotes part of a text quotes at least so many characters of it, else nobody is recognised."""


def veiled(text: str, inputs: Iterable[Any], secrets: Iterable[str] = ()) -> str:
    """`text` without what was in a call's inputs or is secret, in any spelling that providers answer in."""
    told = [part for value in inputs for part in texts_in(value)]
    spelled = {spelling for part in [*told, *secrets] for spelling in _spellings(part)}
    return scrubbed(_without_quotes(sayable(text[:LONGEST]), told), spelled)


def sayable(text: str) -> str:
    """`text` without what cannot be kept as text everywhere: half characters and NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def texts_in(value: Any) -> list[str]:
    """Every text in plain data, and every number that is long enough to tell something."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts_in(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts_in(item)]
    return [str(value)] if not isinstance(value, bool) and len(str(value)) > 4 else []


def _spellings(text: str) -> set[str]:
    try:
        return {text, text.lower(), text.upper(), quote(text), html.escape(text), json.dumps(text)[1:-1]}
    except UnicodeEncodeError:  # half a character, which no address can hold
        return {text}


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
