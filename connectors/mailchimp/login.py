"""Logging in to Mailchimp by OAuth: a token that does not end, and a question where its account is.

https://mailchimp.com/developer/marketing/guides/access-user-data-oauth-2/
"""

from __future__ import annotations

import re
from typing import Any

from hub.authorization import OAuth
from hub.errors import OutcomeUnknown
from hub.http import Session, refusal

METADATA = "https://login.mailchimp.com"
CENTRE = re.compile(r"[a-z]{2,4}[0-9]{1,4}")


def look_up(session: Session, base_url: str | None, access_token: str) -> dict[str, Any]:
    """The account's data centre, which is part of its API's host. Raises ActionFailed."""
    address = f"{(base_url or METADATA).rstrip('/')}/oauth2/metadata"
    answer = session.get(address, headers={"Authorization": f"OAuth {access_token}"})
    if answer.status_code != 200:
        raise refusal(answer.status_code, "Mailchimp did not say where the account is")
    try:
        centre = answer.json()["dc"]
    except (ValueError, KeyError, TypeError):
        centre = None
    # The token goes to this host, so a host is never made from anything but a data centre.
    if not isinstance(centre, str) or not CENTRE.fullmatch(centre):
        raise OutcomeUnknown("Mailchimp's answer does not say where the account is. Try again later.", status=200)
    return {"data_center": centre}


OAUTH = OAuth(
    authorize="https://login.mailchimp.com/oauth2/authorize",
    token="https://login.mailchimp.com/oauth2/token",
    practice=("practice-mailchimp-app", "practice-mailchimp-secret"),
    instead_of=("api_key",),
    look_up=look_up,
)
