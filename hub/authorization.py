"""Declaring how an account is logged in to by OAuth 2: the owner says yes at the provider, and copies no secret.

`Connector(…, oauth=OAuth(authorize=…, token=…, …))`. What is done with it is in `hub/oauth/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .connector import Field
    from .http import Session

Values = Mapping[str, Any]
Prepare = Callable[[Values], Values]
Verify = Callable[[Mapping[str, str], Values, Sequence[str], int], None]
LookUp = Callable[["Session", str | None, str], Values]


@dataclass(frozen=True)
class Ended:
    """A login that is to be ended at its provider. `address(url)` gives an address as `OAuth.at` does."""

    session: Session
    address: Callable[[str], str]
    client_id: str
    client_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)


@dataclass(frozen=True)
class OAuth:
    """How a provider logs in by OAuth 2, with the authorization code grant of RFC 6749.

    authorize   the page where the owner says yes. It and `token` may hold `{shop}`, a field that is filled in before;
                with a `base_url`, that stands for their scheme and host
    token       where a code, and later the refresh token, is exchanged for an access token
    practice    the client id and the secret of the practice service's own app. They are known to everybody
    scopes      what the hub asks to be allowed, put together with `scope_separator`
    pkce        whether the provider takes a proof key (RFC 7636, S256)
    exchange    more parameters for the exchange of the code
    keeps       the secret field that keeps the access token
    signs       the secret field for which the app's secret counts too, where the provider signs webhooks with that
    instead_of  required fields of the other way to log in, which this one does not need
    prepare     `prepare(fields)` gives what was filled in as it is to be used; raises SetupError. Obligatory where an
                address is made of it: the app's secret goes there
    verify      `verify(query, fields, secrets, now)` checks the provider's own proof on the way back, raising
                LoginRefused; `secrets` are the app's, newest first, and `now` is in milliseconds since 1970
    end         `end(ended)` has the provider end a login when its account is disconnected; raises ActionFailed
    look_up     `look_up(session, base_url, access_token)` gives more fields to keep; raises ActionFailed
    """

    authorize: str
    token: str
    practice: tuple[str, str] = field(repr=False)
    scopes: Sequence[str] = ()
    scope_separator: str = " "
    pkce: bool = False
    exchange: Mapping[str, str] = field(default_factory=dict)
    keeps: str = "access_token"
    signs: str | None = None
    instead_of: Sequence[str] = ()
    prepare: Prepare | None = None
    verify: Verify | None = None
    look_up: LookUp | None = None
    end: Callable[[Ended], None] | None = None

    @property
    def scope(self) -> str | None:
        return self.scope_separator.join(self.scopes) or None

    def not_granted(self, granted: Sequence[str]) -> list[str]:
        """What the hub asked for and was not allowed. Who may write may read, too: Shopify names only the former."""
        may = {*granted, *(name.replace("write_", "read_", 1) for name in granted if name.startswith("write_"))}
        return [name for name in self.scopes if name not in may]

    def asks(self, fields: Mapping[str, Field]) -> list[Field]:
        """What is to be filled in before the owner is sent to the provider."""
        given = {self.keeps, self.signs, *self.instead_of}
        return [item for item in fields.values() if item.required and not item.generated and item.name not in given]

    def address(self, which: str, fields: Values) -> str:
        """One of the addresses, `authorize` or `token`, for an account with these fields."""
        return self.at(which, fields)

    def at(self, which: str, fields: Values) -> str:
        """An address of the provider for an account with these fields, which may stand in it as `{shop}`."""
        whole = which.format_map(fields)
        base_url = fields.get("base_url")
        return str(base_url).rstrip("/") + urlsplit(whole).path if base_url else whole

    def faults(self, name: str, fields: Mapping[str, Field]) -> Iterator[str]:
        """What is wrong in the declaration, as sentences, for the connector of this name."""
        asked = {item.name for item in self.asks(fields)}
        for which, address in (("authorize", self.authorize), ("token", self.token)):
            parts = {part for _, part, _, _ in Formatter().parse(address) if part is not None}
            if not address.startswith("https://") or not urlsplit(address).path.strip("/"):
                yield f"{name}: the OAuth address {which} is no whole https address"
            if parts - asked:
                yield f"{name}: the OAuth address {which} is made of {sorted(parts - asked)}, which nobody fills in"
            if parts and self.prepare is None:
                yield f"{name}: the OAuth address {which} is made of what somebody fills in, and nothing checks that"
        for label in ("keeps", "signs"):
            kept = getattr(self, label)
            if kept is not None and not (kept in fields and fields[kept].secret):
                yield f"{name}: OAuth {label} {kept!r}, which is no secret field"
        for other in self.instead_of:
            if other not in fields:
                yield f"{name}: OAuth stands instead of {other!r}, which is no field"
        if not all(self.practice):
            yield f"{name}: OAuth names no app of the practice service"
