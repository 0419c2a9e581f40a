"""What must hold right before a message leaves, in one place: no consent, no message, with the reason kept."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from .. import addresses
from ..connections import Connection
from ..core import Hub
from ..event import Channel
from ..people import Said
from ..workspaces import Workspace
from .steps import Name, Waiting


def refusals(
    hub: Hub, database: sa.Connection, workspace: Workspace, connection: Connection, steps: Sequence[Waiting]
) -> dict[Name, str]:
    """Why some of these steps must not leave. Steps that are no messages always pass."""
    found: dict[Name, str] = {}
    for channel in ("email", "sms"):
        messages = {step.name: step for step in steps if step.action.channel == channel}
        if messages:
            found |= _without_consent(hub, database, workspace, connection, channel, messages)
    return found


def _without_consent(
    hub: Hub,
    database: sa.Connection,
    workspace: Workspace,
    connection: Connection,
    channel: Channel,
    messages: dict[Name, Waiting],
) -> dict[Name, str]:
    recipients = {name: _recipient(channel, step) for name, step in messages.items()}
    said = hub.people.consents(database, workspace, channel, {text for text in recipients.values() if text})
    found = {}
    for name, step in messages.items():
        recipient = recipients[name]
        if reason := _against(connection, step.inputs.get("purpose"), recipient, said.get(recipient)):
            found[name] = f"Not sent: {reason}"
    return found


def _against(connection: Connection, purpose: object, recipient: str, said: Said | None) -> str | None:
    """What speaks against a message, given what its recipient said last; None if nothing does."""
    if not recipient:
        return "it names no recipient."
    if said is not None and not said.given and said.source.startswith(f"{connection.connector.name}."):
        return "they opted out of messages on this channel."
    if purpose not in ("marketing", "transactional"):
        return "its purpose is neither transactional nor marketing."
    if purpose == "marketing" and said is None:
        return "nothing says that they agreed to marketing on this channel."
    if purpose == "marketing" and said is not None and not said.given:
        return "they said no to marketing on this channel."
    return None


def _recipient(channel: Channel, step: Waiting) -> str:
    """The address in its one spelling; empty if there is none."""
    assert step.action.recipient is not None
    text = str(step.inputs.get(step.action.recipient) or "").strip()
    normalised = addresses.phone(text) if channel == "sms" else addresses.email(text)
    return normalised or text
