"""Calling a shop's Admin GraphQL API, and what its answers mean.

https://shopify.dev/docs/api/admin-graphql/2026-07 · https://shopify.dev/docs/api/usage/limits
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from hub.errors import ActionFailed, NotAuthorized, OutcomeUnknown, RateLimited, Rejected, SetupError
from hub.http import Session, refusal, retry_after
from hub.quota import observed

from .documents import VERSION, Document

CONCURRENT = 4
"""Calls at once. Shopify counts points and not calls, so more at once would only be throttled sooner."""

CALL_COST = 10
"""Points of a mutation, our dearest kind of call, by which the bucket is measured in calls."""

_SHOP = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")

_LOGIN_LOST = {
    401: "Shopify does not accept the access token. Install the app again and connect the shop with its new token.",
    402: "The shop is frozen until its owner pays Shopify's bill. Then connect it again.",
    403: "Shopify does not let the app in. Check its access scopes, then connect the shop again.",
    404: "There is no shop at this address. Check the shop's myshopify.com address.",
    423: "Shopify has locked the shop. Once its owner has cleared that with Shopify, connect it again.",
}
"""A frozen or a locked shop (402, 423) is put with the lost logins: no waiting by itself helps, a person must act."""

_MOVED = "The shop has another address now. Connect it with its new myshopify.com address."

_FAILED_ON_THE_WAY = ("INTERNAL_SERVER_ERROR", "TIMEOUT")
"""Codes of Shopify's own trouble: what it had done by then, it does not say."""


class Client:
    """One shop. Serves several threads; `changing_note` is held while an order's note is read and written."""

    def __init__(self, shop: str, access_token: str, base_url: str | None = None) -> None:
        self._session = Session(base_url or f"https://{shop_domain(shop)}", connections=CONCURRENT)
        self._session.headers["X-Shopify-Access-Token"] = access_token
        self.changing_note = threading.Lock()

    def ask(self, document: Document, **variables: Any) -> dict[str, Any]:
        """Runs a document and gives its `data`. Raises an ActionFailed for anything else."""
        response = self._session.post(
            f"/admin/api/{VERSION}/graphql.json",
            json={"query": document.text, "operationName": document.name, "variables": variables},
        )
        answer = _read(response)
        if response.status_code != 200:
            raise http_failure(response, answer)
        if not isinstance(answer, dict):
            raise OutcomeUnknown("Shopify's answer cannot be read, so it may or may not have happened.", status=200)
        _observe(answer)
        if answer.get("errors"):
            raise graphql_failure(answer)
        data = answer.get("data")
        if not isinstance(data, dict):
            raise OutcomeUnknown("Shopify's answer has no data, so it may or may not have happened.", status=200)
        return data

    def pages(self, document: Document, **variables: Any) -> Iterator[dict[str, Any]]:
        """The nodes that a document lists, page after page: it asks for one list, and takes `after`."""
        after = None
        while True:
            data = self.ask(document, after=after, **variables)
            with understood():
                (listed,) = data.values()
                nodes, more, end = listed["nodes"], listed["pageInfo"]["hasNextPage"], listed["pageInfo"]["endCursor"]
                if more and end in (None, after):
                    raise ValueError("the next page would be this one again")
            yield from nodes
            if not more:
                return
            after = end

    def change(self, document: Document, **variables: Any) -> dict[str, Any]:
        """Runs a mutation and gives its payload. Raises Rejected for Shopify's `userErrors`."""
        data = self.ask(document, **variables)
        with understood():
            payload: dict[str, Any] = dict(next(iter(data.values())))
            if errors := payload["userErrors"]:
                raise Rejected(
                    "Shopify refused it: " + "; ".join(_user_error(error) for error in errors) + ".",
                    status=200,
                    code=errors[0].get("code"),
                )
        return payload


def shop_domain(text: str) -> str:
    """The shop's own domain, `my-shop.myshopify.com`, from what was filled in. Raises SetupError: the access token
    must never go to any other host."""
    domain = text.strip().lower().removeprefix("https://").removeprefix("http://").rstrip("/")
    if not _SHOP.fullmatch(domain):
        raise SetupError("The shop's address looks like my-shop.myshopify.com. Fill in that one.")
    return domain


@contextmanager
def understood() -> Iterator[None]:
    """While an answer is read: one of another shape than asked for is an OutcomeUnknown."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, StopIteration):
        raise OutcomeUnknown("Shopify's answer has another shape than was asked for.", status=200) from None


def http_failure(response: requests.Response, answer: Any) -> ActionFailed:
    """What an answer with an HTTP status other than 200 means."""
    status = response.status_code
    if status in _LOGIN_LOST:
        return NotAuthorized(f"{_LOGIN_LOST[status]} (HTTP {status})", status=status)
    if 300 <= status < 400:
        return NotAuthorized(f"{_MOVED} (HTTP {status})", status=status)
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return refusal(status, f"Shopify says: {errors or 'nothing'}", after=retry_after(response.headers))


def graphql_failure(answer: Mapping[str, Any]) -> ActionFailed:
    """What the `errors` of an answer with HTTP 200 mean.

    Some codes say that nothing was done. Without one of these, an answer without `data` was refused before it
    began, as a document or a variable did not fit; with `data`, part of it may have been done.
    """
    with understood():
        told = answer["errors"]
        errors: list[dict[str, Any]] = told if isinstance(told, list) else [{"message": str(told)}]
        code = (errors[0].get("extensions") or {}).get("code")
        says = "; ".join(str(error.get("message")) for error in errors)
        if code == "THROTTLED":
            return RateLimited("The shop's points are used up.", after=_pause(answer), status=200, code=code)
        if code == "ACCESS_DENIED":
            return NotAuthorized(
                f"The app may not do this: {says} Give it the scope, then connect the shop again.",
                status=200,
                code=code,
            )
        if code == "SHOP_INACTIVE":
            return NotAuthorized("The shop is closed. Once it is open again, connect it again.", status=200, code=code)
        refused = code == "MAX_COST_EXCEEDED" or answer.get("data") is None
        if refused and code not in _FAILED_ON_THE_WAY:
            return Rejected(f"Shopify refused the request: {says}", status=200, code=code)
        return OutcomeUnknown(f"Shopify failed, so it may or may not have happened: {says}", status=200, code=code)


def _read(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _user_error(error: Mapping[str, Any]) -> str:
    field = ".".join(error.get("field") or ())
    return f"{field}: {error['message']}" if field else str(error["message"])


def _cost(answer: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """What this call was asked to cost, the points there are, and the points that come back per second."""
    try:
        cost = answer["extensions"]["cost"]
        bucket = cost["throttleStatus"]
        return (
            float(cost["requestedQueryCost"]),
            float(bucket["currentlyAvailable"]),
            max(1.0, float(bucket["restoreRate"])),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _observe(answer: Mapping[str, Any]) -> None:
    if cost := _cost(answer):
        _, available, restore = cost
        # The calls that are under way on other threads may not be counted in this answer yet.
        reserve = CONCURRENT - 1
        observed(remaining=available / CALL_COST - reserve, restore=restore / CALL_COST)


def _pause(answer: Mapping[str, Any]) -> float:
    """Seconds until the bucket holds what this call needs."""
    cost = _cost(answer)
    if cost is None:
        return 1.0
    requested, available, restore = cost
    return max(0.1, (requested - available) / restore)
