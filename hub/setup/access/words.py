"""Words that let somebody in: made by chance, told once, kept as keyed hashes."""

from __future__ import annotations

import hmac
from datetime import timedelta

from ...core import Hub

_BYTES = 32


def new_word(hub: Hub) -> str:
    return hub.chance.token(_BYTES)


def hashed(hub: Hub, purpose: str, word: str) -> bytes:
    """What is kept of a word. One for one purpose is none for another."""
    return hub.workspaces.hub_key().hashed(purpose, word)


def from_now(hub: Hub, span: timedelta) -> int:
    return hub.clock.now() + round(span.total_seconds() * 1000)


def form_token(hub: Hub, session: str) -> str:
    """What every form of a session carries, so that no other site can send it for somebody signed in here."""
    return hashed(hub, "form", session).hex()


def is_form_token(hub: Hub, session: str, given: str) -> bool:
    return hmac.compare_digest(form_token(hub, session).encode(), given.encode(errors="replace"))
