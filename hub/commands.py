"""Commands as sentences for people name them: whole, so that they can be copied into a shell."""

from __future__ import annotations

import shlex
from typing import Any

from .connections import Connection
from .workspaces import Workspace


def option(workspace: Workspace, *, several: bool = True) -> str:
    """` -w NAME`, as a shell takes it; nothing where there are not several workspaces."""
    return f" -w {shlex.quote(workspace.name)}" if several else ""


def connect_again(connection: Connection, option: str, public_url: str) -> str:
    """The command that renews an account's login, with its secrets left to be filled in; of one that was connected by
    signing in there, the page where that is done.

    Everything else that the account was connected with stands there: without it, another account would be made.
    """
    if connection.login is not None:
        return f"{public_url}/w/{connection.workspace_id}/connections/{connection.id}/login"
    words = []
    for name, field in connection.connector.fields.items():
        if field.secret:
            # One that the hub would make is named too: made anew, it would not be the one that the service has.
            is_wanted = field.required or field.made is not None
            words += [f"{name}=…"] if is_wanted and not field.generated else []
        elif not field.generated and (value := connection.fields.get(name)):
            words.append(_word(name, value))
    if base_url := connection.fields.get("base_url"):
        words.append(_word("base_url", base_url))
    return f"hub connect {connection.connector.name}{option} {' '.join(words)}"


def _word(name: str, value: Any) -> str:
    return shlex.quote(f"{name}={','.join(value) if isinstance(value, list) else value}")
