"""Logging in to a shop by OAuth, with a token that lasts an hour and a refresh token that changes with each use.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from hub.authorization import Ended, OAuth
from hub.errors import LoginRefused, OutcomeUnknown
from hub.http import refusal

from .client import shop_domain
from .documents import VERSION

SCOPES = ("read_customers", "write_customers", "read_orders", "write_orders", "write_discounts")
"""What the app must be allowed: https://shopify.dev/docs/api/usage/access-scopes"""

WINDOW_SECONDS = 90
"""How far the time of a callback may be from ours; Shopify's own library takes it for as long."""

_NOT_GENUINE = "What came back is not from Shopify, or was changed on its way. Nothing was changed. Connect again."


def prepare(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The shop by its own domain. Raises SetupError: the app's secret goes to this host."""
    return dict(fields) | {"shop": shop_domain(fields["shop"])}


def signed_text(query: Mapping[str, str], *, is_quoted: bool) -> str:
    """What Shopify signs of a callback: all other parameters, by name. Its libraries differ in whether values are
    quoted, which shows in such as hold more than letters, digits, dots and dashes."""
    parts = sorted((name, value) for name, value in query.items() if name != "hmac")
    if is_quoted:
        return "&".join(f"{quote(name, safe='-._~')}={quote(value, safe='-._~')}" for name, value in parts)
    return "&".join(f"{name}={value}" for name, value in parts)


def verify(query: Mapping[str, str], fields: Mapping[str, Any], secrets: Sequence[str], now: int) -> None:
    """Checks a callback: signed with the app's secret, not long ago, by the shop that was asked for. `now` is in
    milliseconds since 1970. Raises LoginRefused."""
    given = query.get("hmac", "").encode(errors="replace")
    texts = [signed_text(query, is_quoted=is_quoted).encode(errors="replace") for is_quoted in (False, True)]
    expected = [hmac.new(key.encode(), text, hashlib.sha256).hexdigest() for key in secrets for text in texts]
    if not any([hmac.compare_digest(given, one.encode()) for one in expected]):  # noqa: C419 (each takes its time)
        raise LoginRefused(_NOT_GENUINE)
    stamp = query.get("timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise LoginRefused(_NOT_GENUINE)
    if abs(now - int(stamp) * 1000) > WINDOW_SECONDS * 1000:
        raise LoginRefused(
            f"Shopify's answer is older than {WINDOW_SECONDS} seconds, or this machine's clock is wrong. Nothing was "
            "changed. Connect again."
        )
    if query.get("shop") != fields["shop"]:
        raise LoginRefused(
            f"Shopify logged in to another shop than {fields['shop']}. Nothing was changed. Sign in there to that "
            "shop, and connect again."
        )


UNINSTALL = "mutation AppUninstall { appUninstall { userErrors { message } } }"


def end(ended: Ended) -> None:
    """Takes the app out of the shop, which ends all of its tokens there. Raises ActionFailed.
    https://shopify.dev/docs/api/admin-graphql/latest/mutations/appUninstall"""
    where = ended.address("https://{shop}/admin/api/" + f"{VERSION}/graphql.json")
    named = {"query": UNINSTALL, "operationName": "AppUninstall"}
    answer = ended.session.post(where, json=named, headers={"X-Shopify-Access-Token": ended.access_token})
    if not answer.ok:
        raise refusal(answer.status_code, "Shopify did not remove the app")
    said = answer.json()
    if said.get("errors") or not said.get("data") or (said["data"].get("appUninstall") or {}).get("userErrors"):
        raise OutcomeUnknown("Shopify did not say that the app was removed.")


OAUTH = OAuth(
    authorize="https://{shop}/admin/oauth/authorize",
    token="https://{shop}/admin/oauth/access_token",
    practice=("practice-shopify-app", "practice-webhook-secret"),
    scopes=SCOPES,
    scope_separator=",",
    exchange={"expiring": "1"},
    signs="webhook_secret",
    prepare=prepare,
    end=end,
    verify=verify,
)
