"""Shopify: orders, checkouts, customers and their consent.

Admin GraphQL API and webhooks, version 2026-07: https://shopify.dev/docs/api/admin-graphql/2026-07
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.connector import Connector, Field, Limit, Worth
from hub.delivery import Delivery
from hub.errors import NotAuthorized
from hub.event import Event
from webhooks.signatures import hmac_header

from . import actions, documents, examples, payloads, subscriptions
from .client import CONCURRENT, Client, understood
from .login import OAUTH, SCOPES

connector = Connector(
    "shopify",
    title="Shopify",
    about="Orders, abandoned checkouts, customers and their consent, and the shop's privacy requests.",
    fields=[
        Field("shop", "Shop", help="The shop's own address, my-shop.myshopify.com: Settings → Domains."),
        Field(
            "access_token",
            "Admin API access token",
            help="Of the app that was made for the hub; it begins with shpat_. Shopify shows it only once.",
            secret=True,
        ),
        Field(
            "webhook_secret",
            "Secrets for webhooks",
            help="The app's client secret (API secret key). For webhooks made in the shop's admin, also the secret "
            "shown under Settings → Notifications → Webhooks. While a secret is exchanged, keep the old one too.",
            secret=True,
            several=True,
        ),
    ],
    verify=hmac_header("x-shopify-hmac-sha256", "shopify-hmac-sha256", fields=("webhook_secret",)),
    limit=Limit(concurrent=CONCURRENT),
    oauth=OAUTH,
)

# ---- what happens

order_created = connector.trigger(
    "order.created",
    title="an order is placed",
    sample="order_created.json",
    worth=Worth("total_price", "currency", "total_discounts"),
)
order_paid = connector.trigger("order.paid", title="an order is paid", sample="order_paid.json")
order_fulfilled = connector.trigger("order.fulfilled", title="an order is fulfilled", sample="order_fulfilled.json")
order_cancelled = connector.trigger("order.cancelled", title="an order is cancelled", sample="order_cancelled.json")
order_refunded = connector.trigger("order.refunded", title="an order is refunded", sample="order_refunded.json")
checkout_created = connector.trigger("checkout.created", title="a checkout is begun", sample="checkout_created.json")
checkout_updated = connector.trigger("checkout.updated", title="a checkout changes", sample="checkout_updated.json")
customer_created = connector.trigger("customer.created", title="a customer is new", sample="customer_created.json")
customer_updated = connector.trigger("customer.updated", title="a customer changes", sample="customer_updated.json")
email_consent_changed = connector.trigger(
    "email_consent.changed",
    title="a customer's consent to marketing by e-mail changes",
    sample="email_consent_changed.json",
)
sms_consent_changed = connector.trigger(
    "sms_consent.changed",
    title="a customer's consent to marketing by text message changes",
    sample="sms_consent_changed.json",
)
app_uninstalled = connector.trigger(
    "app.uninstalled", title="the app is removed from the shop", sample="app_uninstalled.json"
)
data_requested = connector.trigger(
    "data.requested", title="a customer asks for their data", sample="data_requested.json", privacy="export"
)
customer_redacted = connector.trigger(
    "customer.redacted", title="a customer is to be erased", sample="customer_redacted.json", privacy="erase"
)
shop_redacted = connector.trigger(
    "shop.redacted",
    title="all of the shop's customers are to be erased",
    sample="shop_redacted.json",
    privacy="erase_all",
)

TOPICS = {
    "orders/create": order_created,
    "orders/paid": order_paid,
    "orders/fulfilled": order_fulfilled,
    "orders/cancelled": order_cancelled,
    "refunds/create": order_refunded,
    "checkouts/create": checkout_created,
    "checkouts/update": checkout_updated,
    "customers/create": customer_created,
    "customers/update": customer_updated,
    "customers_email_marketing_consent/update": email_consent_changed,
    "customers_marketing_consent/update": sms_consent_changed,
    "app/uninstalled": app_uninstalled,
    "customers/data_request": data_requested,
    "customers/redact": customer_redacted,
    "shop/redact": shop_redacted,
}
"""Shopify's topics and our triggers: https://shopify.dev/docs/api/webhooks"""

_TYPES = {topic: trigger.type for topic, trigger in TOPICS.items()}


@connector.keys
def keys(delivery: Delivery) -> list[str]:
    """The event's id with its topic, and the delivery's own id."""
    return payloads.keys(delivery)


@connector.events
def events(delivery: Delivery) -> Iterator[Event]:
    """One event per delivery. Raises PayloadUnreadable for a payload of a shape that its topic does not have."""
    yield payloads.event(delivery, _TYPES)


# ---- the account


@connector.connect
def connect(*, shop: str, access_token: str, webhook_secret: Sequence[str] = (), base_url: str | None = None) -> Client:
    """A client for the shop; `base_url` stands in for https://{shop}. Raises SetupError for a wrong address."""
    return Client(shop, access_token, base_url)


@connector.check
def check(client: Client) -> str:
    """The shop's name. Raises NotAuthorized if the token is not accepted, or if the app lacks a scope."""
    found = client.ask(documents.CHECK)
    with understood():
        held = {scope["handle"] for scope in found["currentAppInstallation"]["accessScopes"]}
        name = str(found["shop"]["name"])
    held |= {scope.replace("write_", "read_") for scope in held}
    if missing := [scope for scope in SCOPES if scope not in held]:
        raise NotAuthorized(
            f"The app may not do all that the hub needs: {', '.join(missing)}. "
            "Add this to its access scopes, install it again, and connect the shop with the new token."
        )
    return name


@connector.subscribe
def subscribe(client: Client, webhook_url: str) -> dict[str, str]:
    """Makes and repairs the shop's subscriptions. The three privacy topics cannot be had this way: Shopify takes
    them from the app's own settings only."""
    subscriptions.subscribe(client, webhook_url, [topic for topic, trigger in TOPICS.items() if not trigger.privacy])
    return {}


@connector.unsubscribe
def unsubscribe(client: Client, webhook_url: str) -> None:
    """Removes our subscriptions from the shop."""
    subscriptions.unsubscribe(client, webhook_url)


# ---- what can be done

get_customer = connector.action(repeat="repeatable", title="Look up a customer", identifies=actions.customer_in)(
    actions.get_customer
)
get_customer.answering(examples.customers)
find_customer = connector.action(
    repeat="repeatable", title="Look up a customer by e-mail address", identifies=actions.customer_found
)(actions.find_customer)
find_customer.answering(examples.customers_or_none)
customers = connector.listing(title="customer")(actions.customers)
customers.answering(examples.listed_customers)
find_customer_by_phone = connector.action(
    repeat="repeatable", title="Look up a customer by number", identifies=actions.customer_found
)(actions.find_customer_by_phone)
find_customer_by_phone.answering(examples.customers_or_none)
get_order = connector.action(repeat="repeatable", title="Look up an order", identifies=actions.customer_of)(
    actions.get_order
)
get_order.answering(examples.orders)
orders_of = connector.action(repeat="repeatable", title="Look up a person's orders")(actions.orders_of)
orders_of.answering(examples.lists_of_orders)
add_customer_tags = connector.action(repeat="repeatable", title="Tag a customer")(actions.add_customer_tags)
remove_customer_tags = connector.action(repeat="repeatable", title="Take tags from a customer")(
    actions.remove_customer_tags
)
update_marketing_consent = connector.action(
    repeat="repeatable",
    title="Write down a customer's consent to marketing",
    echo=actions.consent_echo,
    identifies=actions.customer_in,
)(actions.update_marketing_consent)
create_discount_code = connector.action(repeat="readback", title="Create a discount code")(actions.create_discount_code)
create_discount_code.readback(actions.find_discount_code)
create_discount_code.detailed(actions.discount_in_words)
add_order_note = connector.action(repeat="repeatable", title="Add a line to an order's note")(actions.add_order_note)
