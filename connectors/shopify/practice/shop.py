"""The practice shop as a service: its token, its bucket of points, its API, and its webhooks."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from hub.practice import Practice, Request, Response, json_answer, moment
from hub.practice.login import Login

from ..documents import BY_NAME, VERSION
from ..login import OAUTH, SCOPES, UNINSTALL, signed_text
from . import customers, discounts, purchases, subscriptions
from .books import CONSENT_TOPICS, Books, Tell, Variables, new_shop
from .people import SHOP, consent_payload
from .webhook import signed

OPERATIONS: Mapping[str, tuple[int, Callable[[Books, Variables, Tell], dict[str, Any]]]] = {
    "Check": (3, customers.check),
    "GetCustomer": (4, customers.get_customer),
    "FindCustomer": (4, customers.customer_by_email),
    "ListCustomers": (20, customers.list_customers),
    "FindCustomerByPhone": (4, customers.customer_by_phone),
    "GetOrder": (6, purchases.get_order),
    "OrdersOf": (9, purchases.search_orders),
    "AddTags": (10, customers.add_tags),
    "RemoveTags": (10, customers.remove_tags),
    "UpdateEmailConsent": (10, customers.update_email_consent),
    "UpdateSmsConsent": (10, customers.update_sms_consent),
    "CreateDiscountCode": (10, discounts.create_discount),
    "FindDiscountCode": (3, discounts.find_discount),
    "ReadOrderNote": (1, purchases.read_note),
    "WriteOrderNote": (10, purchases.write_note),
    "ListSubscriptions": (6, subscriptions.list_subscriptions),
    "CreateSubscription": (10, subscriptions.create_subscription),
    "UpdateSubscription": (10, subscriptions.update_subscription),
    "DeleteSubscription": (10, subscriptions.delete_subscription),
}
"""What each of the connector's documents costs in points, and who answers it. Others are refused, so nothing here
has to understand GraphQL itself."""

WRONG_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"
FAILURES = {
    400: "Bad Request",
    401: WRONG_TOKEN,
    402: "Unavailable Shop",
    403: "Forbidden",
    404: "Not Found",
    423: "Locked",
    429: "Too Many Requests",
}
SETTINGS_TOPICS = ("customers/data_request", "customers/redact", "shop/redact")


class Shop(Practice):
    """One shop. Its books are those of `new_shop`.

    token_seconds  for how long an access token lasts that a login by OAuth gave
    strict         whether a refresh token is dead once it is used, as at Shopify until August 2026; else it is when its
                   successor, or that one's access token, is used
    """

    adjustable = (*Practice.adjustable, "token_seconds", "strict")
    token_seconds: int = 3600
    strict: bool = False
    login: Login

    def guard(self, request: Request) -> Response | None:
        if self.login.serves(request):
            return None
        token = request.headers.get("X-Shopify-Access-Token", "")
        is_own = secrets.compare_digest(token.encode(), self.account["access_token"].encode())
        if self.books["installed"] and (is_own or self.login.accepts(token)):
            return None
        return self.failure(401, {})

    def failure(self, status: int, headers: Mapping[str, str]) -> Response:
        return json_answer({"errors": FAILURES.get(status, "Internal Server Error")}, status, headers)

    def unknown_route(self, request: Request, status: int) -> Response:
        return json_answer({"errors": "Not Found"}, status)

    def tell(self, topic: str, payload: Mapping[str, Any]) -> None:
        """Sends a topic to its subscribers. The privacy topics have none, as Shopify takes their address from the
        app's settings: they go to every address there is."""
        if not self.books["installed"] and topic not in SETTINGS_TOPICS:
            return
        name = topic.replace("/", "_").upper()
        subscribed = self.books["subscriptions"].values()
        addresses = {item["uri"] for item in subscribed if item["topic"] == name or topic in SETTINGS_TOPICS}
        for channel, consent_topic in CONSENT_TOPICS.items():
            if topic == consent_topic:
                payload = consent_payload(payload, channel)
        event_id = str(uuid.uuid4())
        for address in sorted(addresses):
            headers, body = signed(topic, payload, self.account["webhook_secret"], event_id=event_id)
            self.send(address, headers, body)

    def pay(self, price: int) -> bool:
        """Takes points from the bucket, if it holds them."""
        if not self.keeps_limits:
            return True
        bucket, at = self.books["bucket"], moment.monotonic()
        bucket["left"] = min(bucket["size"], bucket["left"] + (at - bucket["at"]) * bucket["restore"])
        bucket["at"] = at
        if bucket["left"] < price:
            return False
        bucket["left"] -= price
        return True

    def cost(self, requested: int, actual: int | None) -> dict[str, Any]:
        """What each answer tells of the bucket."""
        bucket = self.books["bucket"]
        status = {
            "maximumAvailable": bucket["size"],
            "currentlyAvailable": int(bucket["left"]),
            "restoreRate": bucket["restore"],
        }
        return {"cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}}


service = Shop(
    "shopify",
    account={
        "shop": SHOP,
        "access_token": "shpat_practice_0000000000000000",
        "webhook_secret": OAUTH.practice[1],
    },
)
service.start_with(lambda: new_shop(list(SCOPES)))


def _refuse(status: int, error: str, description: str) -> Response:
    """Shopify answers a refused exchange with 400, whatever it is."""
    return json_answer({"error": error, "error_description": description}, 400)


def callback_signature(query: Mapping[str, str], secret: str) -> str:
    """The `hmac` of a callback."""
    text = signed_text(query, is_quoted=False)
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _sign(parameters: dict[str, str]) -> dict[str, str]:
    told = {"shop": SHOP, "timestamp": str(int(moment.seconds()))}
    return told | {"hmac": callback_signature(parameters | told, OAUTH.practice[1])}


def _more(form: Mapping[str, str]) -> dict[str, Any]:
    return {"scope": OAUTH.scope, "refresh_token_expires_in": 7_776_000}


service.login = Login(service, "Shopify", OAUTH, account=SHOP, refuse=_refuse, sign=_sign, more=_more, rotates=True)


@service.route("POST", f"/admin/api/{VERSION}/graphql.json")
def graphql(request: Request) -> Response:
    """Answers one of the connector's documents. https://shopify.dev/docs/api/usage/limits"""
    asked = request.get_json(force=True, silent=True)
    if not isinstance(asked, dict):
        return service.failure(400, {})
    if asked.get("query") == UNINSTALL:
        service.login.end_all()
        return json_answer({"data": {"appUninstall": {"userErrors": []}}})
    name, variables = asked.get("operationName"), asked.get("variables") or {}
    if name not in BY_NAME or BY_NAME[name].text != asked.get("query"):
        return _refused("The practice shop answers the connector's own documents only.")
    price, operation = OPERATIONS[name]
    if not service.pay(price):
        throttled = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
        return json_answer({"errors": [throttled], "extensions": service.cost(price, None)})
    try:
        data = operation(service.books, variables, service.tell)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        return _refused(f"The variables do not fit: {type(error).__name__}: {error}", code="INVALID_VARIABLE")
    return json_answer({"data": data, "extensions": service.cost(price, price)})


def _refused(message: str, **extensions: str) -> Response:
    return json_answer({"errors": [{"message": message, "extensions": extensions}]})
