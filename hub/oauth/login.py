"""What is kept of a login by OAuth 2, sealed among the connection's fields, beside the access token itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .tokens import Tokens

LOGIN = "oauth"
"""The name under which it stands among the fields. It is no field of the connector: nobody fills it in."""

SPENT_MS = 30_000
"""A token that ends sooner is not used: a call may take that long."""

FRESH_MS = 60_000
"""For so long after a token came in place of one that was not accepted, it is not replaced for the same reason."""


@dataclass(frozen=True)
class Login:
    """A login that somebody gave the hub's app with this client id. Instants are milliseconds since 1970.

    doubted        whether the access token came in place of one that was not accepted
    refresh_token  None where the provider gives none: then the access token does not end
    expires_at     when the access token ends; None: it does not
    """

    client_id: str
    issued_at: int
    expires_at: int | None
    refresh_token: str | None = field(repr=False)
    doubted: bool = False

    @property
    def renew_at(self) -> int | None:
        """When the access token is to be renewed: after two thirds of its time."""
        if self.refresh_token is None or self.expires_at is None:
            return None
        return self.expires_at - (self.expires_at - self.issued_at) // 3

    @property
    def can_renew(self) -> bool:
        return self.refresh_token is not None

    def is_over(self, now: int) -> bool:
        """Whether the access token has ended, or does before a call would."""
        return self.expires_at is not None and self.expires_at - SPENT_MS <= now

    def may_renew(self, now: int) -> bool:
        """Whether a token that is not accepted may be replaced by a better one. That was done just now, if it came for
        this reason, has not ended, and is new; on a clock that was set back it is not known to be new."""
        has_ended = self.expires_at is not None and self.expires_at <= now
        is_old = has_ended or abs(now - self.issued_at) > FRESH_MS
        return self.can_renew and (is_old or not self.doubted)


def login_in(fields: Mapping[str, Any]) -> Login | None:
    """The login among a connection's fields; None where the account was connected with keys."""
    kept = fields.get(LOGIN)
    return Login(**kept) if kept else None


def kept(tokens: Tokens, client_id: str, now: int, *, doubted: bool = False) -> dict[str, Any]:
    """A login, as it is kept, whose tokens came just now."""
    expires_at = None if tokens.expires_in is None else now + round(tokens.expires_in * 1000)
    return asdict(Login(client_id, now, expires_at, tokens.refresh_token, doubted))
