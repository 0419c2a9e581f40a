"""Message texts with placeholders, as an owner writes them: "Thank you, {first_name}!"."""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(r"\{(\w+)(?:\|([^{}]*))?\}")

# The look-behind lets a match begin only where a gap does, else a long one, as in a stranger's name, takes for ever.
_GAP = re.compile(r"(?<! ) +([!?.,;:])")


def filled_in(text: str, **values: object) -> str:
    """The text with its placeholders filled in.

    `{first_name|there}` gives what stands after the bar where there is no value; without a bar it gives nothing. A
    name that is not offered stays as it was written, so that a slip is seen in the preview and not hidden.
    """

    def value(found: re.Match[str]) -> str:
        name, otherwise = found[1], found[2]
        if name not in values:
            return found[0]
        given = values[name]
        return str(given) if given not in (None, "") else otherwise or ""

    return _GAP.sub(r"\1", _PLACEHOLDER.sub(value, text)).strip()


def placeholders(text: str) -> list[str]:
    """The names of the placeholders in a text, each once."""
    return list(dict.fromkeys(found[1] for found in _PLACEHOLDER.finditer(text)))
