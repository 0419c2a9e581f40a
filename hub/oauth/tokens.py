"""The two calls at a provider's token endpoint: a code for tokens, and a refresh token for fresh ones.

Made with Authlib's client, over the hub's own session, so that they have its time-outs and follow no redirect. Authlib
takes whatever has a JSON body for an answer, and HubSpot's refusals have one without `error`: so an answer is judged
here before Authlib reads it. Its storing of tokens and its own renewing are left out: they know no other process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..authorization import OAuth
from ..errors import ActionFailed, NotAuthorized, OutcomeUnknown, RateLimited, ServiceDown, scrubbed
from ..http import Session, retry_after
from .apps import App

if TYPE_CHECKING:
    import requests

_BUSY = (408, 425, 429)


@dataclass(frozen=True)
class Tokens:
    """What a token endpoint gave. `expires_in`: for how many seconds the access token lasts; None: it does not end.
    `granted`: what it was allowed, where the endpoint says so."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: float | None
    granted: tuple[str, ...] | None = None


def authorize_url(
    oauth: OAuth, app: App, fields: Mapping[str, Any], redirect_uri: str, state: str, verifier: str | None
) -> str:
    """The address where the owner is asked to say yes."""
    with Session() as session:
        client = _client(session, oauth, app, redirect_uri)
        address = oauth.address(oauth.authorize, fields)
        url, _ = client.create_authorization_url(address, state=state, code_verifier=verifier)
        return str(url)


def tokens_for_code(
    oauth: OAuth, app: App, fields: Mapping[str, Any], redirect_uri: str, code: str, verifier: str | None
) -> Tokens:
    """Exchanges the code that came back. Raises NotAuthorized if the provider refuses it, or TryLater."""
    proof = {"code_verifier": verifier} if verifier else {}

    def ask(client: Any) -> Any:
        address = oauth.address(oauth.token, fields)
        return client.fetch_token(address, grant_type="authorization_code", code=code, **proof, **oauth.exchange)

    return _asked(oauth, app, redirect_uri, ask, [code, verifier or ""])


def tokens_for_refresh(oauth: OAuth, app: App, fields: Mapping[str, Any], refresh_token: str) -> Tokens:
    """Exchanges a refresh token. Where the provider does not give another one, it stays good.

    Raises NotAuthorized if the provider does not accept it, or TryLater if that is not known.
    """

    def ask(client: Any) -> Any:
        client.scope = None  # what was allowed stays allowed
        return client.refresh_token(oauth.address(oauth.token, fields), refresh_token=refresh_token)

    found = _asked(oauth, app, None, ask, [refresh_token])
    return found if found.refresh_token else Tokens(found.access_token, refresh_token, found.expires_in)


def _client(session: Session, oauth: OAuth, app: App, redirect_uri: str | None) -> Any:
    # Here, so that a hub without such a login never loads it.
    from authlib.integrations.requests_client.oauth2_session import OAuth2ClientAuth
    from authlib.oauth2.client import OAuth2Client

    client = OAuth2Client(
        session,
        client_id=app.client_id,
        client_secret=app.secrets[0],
        token_endpoint_auth_method="client_secret_post",
        scope=oauth.scope,
        redirect_uri=redirect_uri,
        code_challenge_method="S256" if oauth.pkce else None,
    )
    client.client_auth_class = OAuth2ClientAuth  # in the shape that requests calls
    return client


def _asked(oauth: OAuth, app: App, redirect_uri: str | None, ask: Callable[[Any], Any], secrets: list[str]) -> Tokens:
    hidden = [*app.secrets, *secrets]

    def judge(response: requests.Response) -> requests.Response:
        if failure := _failure(response, hidden):
            raise failure
        return response

    with Session() as session:
        client = _client(session, oauth, app, redirect_uri)
        for hook in ("access_token_response", "refresh_token_response"):
            client.register_compliance_hook(hook, judge)
        try:
            return _tokens(ask(client))
        except OutcomeUnknown as unknown:
            # Asking again is safe: either the answer comes, or the provider says that the old one is used up.
            raise ServiceDown(str(unknown), status=unknown.status) from None


def _failure(response: requests.Response, hidden: list[str]) -> ActionFailed | None:
    """What an answer means that gives no tokens: a refusal in the provider's own words is one, any other may pass."""
    status, after = response.status_code, retry_after(response.headers)
    try:
        body = response.json()
    except ValueError:
        body = None
    if status in _BUSY:
        return RateLimited(f"The provider asks for fewer calls (HTTP {status}).", after=after, status=status)
    if 400 <= status < 500 and isinstance(body, dict) and body:
        code = str(body.get("error") or body.get("status") or body.get("category") or "")
        words = str(body.get("error_description") or body.get("message") or code)
        says = scrubbed(f"{words} (HTTP {status})", hidden)
        return NotAuthorized(says, status=status, code=scrubbed(code, hidden))
    if status != 200 or not isinstance(body, dict) or "error" in body:
        return ServiceDown(f"The provider gave no token (HTTP {status}).", after=after, status=status)
    return None


def _tokens(answer: Mapping[str, Any]) -> Tokens:
    access_token, refresh_token = answer.get("access_token"), answer.get("refresh_token") or None
    lasts = answer.get("expires_in")
    is_number = isinstance(lasts, int | float | str) and str(lasts).isdigit() and int(lasts) > 0
    # Mailchimp says 0 of a token that does not end.
    is_endless = lasts is None or str(lasts) == "0"
    if not isinstance(access_token, str) or not access_token or not (is_number or is_endless):
        raise OutcomeUnknown("The provider's answer holds no token that can be used.", status=200)
    if refresh_token is not None and not isinstance(refresh_token, str):
        raise OutcomeUnknown("The provider's answer holds no refresh token that can be used.", status=200)
    expires_in = float(lasts) if is_number and lasts is not None else None
    return Tokens(access_token, refresh_token, expires_in, _granted(answer))


def _granted(answer: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What was allowed: with commas or spaces between (RFC 6749), or as HubSpot lists it."""
    said = answer.get("scopes") or answer.get("scope")
    if isinstance(said, str):
        return tuple(said.replace(",", " ").split())
    return tuple(map(str, said)) if isinstance(said, list) else None
