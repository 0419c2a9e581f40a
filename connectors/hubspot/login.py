"""Logging in to HubSpot by OAuth: a token that lasts half an hour, and a refresh token that stays.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/working-with-oauth
"""

from __future__ import annotations

from hub.authorization import Ended, OAuth
from hub.http import refusal

SCOPES = (
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.lists.read",
    "crm.lists.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "tickets",
)
"""What the actions need; the app at HubSpot must ask for the same."""

REVOKE = "https://api.hubapi.com/oauth/v3/token/revoke"


def end(ended: Ended) -> None:
    """Makes the refresh token worthless, as HubSpot's OpenAPI file of OAuth describes it. Raises ActionFailed."""
    app = {"client_id": ended.client_id, "client_secret": ended.client_secret}
    about = {"token": ended.refresh_token, "token_type_hint": "refresh_token"}
    answer = ended.session.post(ended.address(REVOKE), data=app | about)
    if not answer.ok:
        raise refusal(answer.status_code, "HubSpot did not end the login")


OAUTH = OAuth(
    authorize="https://app.hubspot.com/oauth/authorize",
    # Of HubSpot's two, the one that its OpenAPI file describes with the proof key and with nothing in the address.
    token="https://api.hubapi.com/oauth/v3/token",
    practice=("practice-hubspot-app", "practice-client-secret-9f1c"),
    scopes=SCOPES,
    pkce=True,
    signs="client_secret",
    end=end,
)
