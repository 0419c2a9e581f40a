"""Message texts with placeholders, as an owner writes them: "Thank you, {first_name}!"."""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(r"\{(\w+)(?:\|([^{}]*))?\}")


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

    return re.sub(r" +([!?.,;:])", r"\1", _PLACEHOLDER.sub(value, text)).strip()
