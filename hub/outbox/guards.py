"""What must hold right before a message leaves, in one place: no consent, no message, with the reason kept."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from .. import addresses
from ..connections import Connection
from ..core import Hub
from ..event import Channel
from ..workspaces import Workspace
from .backlog import Name, Waiting


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
    said = hub.people.consents(database, workspace, channel, set(recipients.values()))
    found = {}
    for name, step in messages.items():
        word = said.get(recipients[name])
        if word is not None and not word.given and word.source.startswith(f"{connection.connector.name}."):
            found[name] = "Not sent: they opted out of messages on this channel."
        elif step.inputs["purpose"] == "marketing" and word is None:
            found[name] = "Not sent: nothing says that they agreed to marketing on this channel."
        elif step.inputs["purpose"] == "marketing" and word is not None and not word.given:
            found[name] = "Not sent: they said no to marketing on this channel."
        elif step.inputs["purpose"] not in ("marketing", "transactional"):
            found[name] = "Not sent: its purpose is neither transactional nor marketing."
    return found


def _recipient(channel: Channel, step: Waiting) -> str:
    assert step.action.recipient is not None
    text = str(step.inputs[step.action.recipient])
    normalised = addresses.phone(text) if channel == "sms" else addresses.email(text)
    return normalised or text
