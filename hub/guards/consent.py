"""No consent, no message: decided right before it leaves, so that a no wins over whatever waits already."""

from __future__ import annotations

from ..people import Said
from .messages import Message


def against(message: Message, connector: str, said: Said | None) -> str | None:
    """What speaks against a message that leaves by a `connector`, given what its recipient said last; None if nothing.

    Where nobody said anything, marketing does not leave, unless the provider itself keeps who subscribed and writes to
    nobody else: then only it knows, and a no that was told to the hub still counts.
    """
    if not message.recipient:
        return "it names no recipient."
    if said is not None and not said.given and said.source.startswith(f"{connector}.") and not message.asks_itself:
        return "they opted out of messages on this channel."
    if message.purpose not in ("marketing", "transactional"):
        return "its purpose is neither transactional nor marketing."
    if message.purpose == "marketing" and said is None and not message.asks_itself:
        return "nothing says that they agreed to marketing on this channel."
    if message.purpose == "marketing" and said is not None and not said.given:
        return "they said no to marketing on this channel."
    return None
