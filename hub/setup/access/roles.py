"""What each role may do. Every route names the right that it needs, and this is the only place that decides."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from ..language import lazy


class Right(Enum):
    """What somebody may do in a workspace, or for `RUN` on the hub itself."""

    SEE = "see what happens, and why"
    ACT = "try again, end, and let go on; pause all sending"
    CHANGE = "connect tools, switch recipes on, change settings"
    PRIVACY = "give out or erase what is kept about a person"
    TEAM = "say who else may come in"
    RUN = "workspaces, keys and backups"


OWNER, CONSULTANT, STAFF = "owner", "consultant", "staff"

ROLES: dict[str, frozenset[Right]] = {
    OWNER: frozenset({Right.SEE, Right.ACT, Right.CHANGE, Right.PRIVACY, Right.TEAM}),
    CONSULTANT: frozenset({Right.SEE, Right.ACT, Right.CHANGE, Right.PRIVACY}),
    STAFF: frozenset({Right.SEE, Right.ACT}),
}

TITLES = {OWNER: lazy("Owner"), CONSULTANT: lazy("Consultant"), STAFF: lazy("Staff")}
NOUNS = {OWNER: lazy("owner"), CONSULTANT: lazy("consultant"), STAFF: lazy("staff")}
"""By themselves, and within a sentence."""

WORDS = {
    OWNER: lazy("Owner: everything in this workspace, and who else may come in"),
    CONSULTANT: lazy("Consultant: everything but who may come in. One consultant may look after several businesses"),
    STAFF: lazy("Staff: sees everything and tries things again. No connecting, no settings"),
}

Needs = Right | Literal["nobody", "anybody"]
"""What a route needs: a right; or only somebody who is signed in; or nobody at all."""

NOBODY: Literal["nobody"] = "nobody"
ANYBODY: Literal["anybody"] = "anybody"


def rights(role: str | None, *, runs_hub: bool) -> frozenset[Right]:
    """What somebody with this role in a workspace may do there. A role that is unknown here may do nothing."""
    if runs_hub:
        return frozenset(Right)
    return ROLES.get(role or "", frozenset())
