"""A page as a reader finds it."""

from __future__ import annotations

import re
from html import unescape


def text_of(html: str) -> str:
    """What a reader sees, in one line."""
    main = html[html.index("<main") :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def heading(html: str) -> str:
    found = re.findall(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    assert len(found) == 1
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found[0])).split())


def part(html: str, name: str) -> str:
    """The part of a page with this id, to the end of the page."""
    return text_of("<main>" + html[html.index(f'id="{name}"') :])
