"""An order makes its customer known everywhere, and says thank you by text message."""

from __future__ import annotations

from typing import Annotated

from connectors import hubspot, mailchimp, shopify, twilio
from hub import Event, Rejected, Setting, Step, Steps, recipe, together
from hub.texts import filled_in
from recipes.newsletter import Audience

EXAMPLE_LINK = (
    "https://your-shop.myshopify.com/548380009/orders/75ed0e73a982940976a924d4d7368758/authenticate?key=75ed0e73a982"
)
"""As long as links to an order's page are."""


def can_be_reached(event: Event) -> bool:
    """The order has an e-mail address or a mobile number."""
    return bool(event.person.email or event.person.phone)


@recipe(
    on=[shopify.order_created, shopify.order_paid],
    title="Thank people for their order",
    filters=[can_be_reached],
    once_per="id",
)
def order_thanks(
    event: Event,
    *,
    audience: Audience,
    tag: Annotated[
        str, Setting("Tag", "The tag that marks customers in Mailchimp.", chooses="mailchimp.tag")
    ] = "customer",
    text: Annotated[
        str,
        Setting(
            "Text message",
            "You can use {first_name}, {order}, {total} and {link}, to the order's page.",
            message="sms",
            fills={"first_name": "Ada", "order": "#1042", "total": "84.90", "link": EXAMPLE_LINK},
        ),
    ] = "Thank you for your order {order}, {first_name|dear customer}! {link} Reply STOP to get no more texts.",
) -> Steps:
    """Each order makes or updates the customer's contact in HubSpot, tags them in Mailchimp, and confirms the order by
    text message. Whoever did not agree to newsletters is only noted as a customer, never subscribed."""
    order, person = event.data, event.person
    customer = order.get("customer") or {}
    first_name, last_name = customer.get("first_name"), customer.get("last_name")
    steps: list[Step] = []
    if person.email:
        agreed = bool(order.get("buyer_accepts_marketing"))
        # A name that the order does not tell must not empty the one that Mailchimp knows.
        names = {field: name for field, name in (("FNAME", first_name), ("LNAME", last_name)) if name}
        steps += [
            hubspot.upsert_contact(person.email, first_name=first_name, last_name=last_name, phone=person.phone),
            mailchimp.upsert_member(
                audience,
                person.email,
                tags=[tag],
                merge_fields=names,
                status_if_new="subscribed" if agreed else "transactional",
            ),
        ]
    if person.phone:
        values = {
            "first_name": first_name,
            "order": order.get("name"),
            "total": order.get("total_price"),
            "link": order.get("order_status_url"),
        }
        steps.append(twilio.send_sms(person.phone, filled_in(text, **values), purpose="transactional"))
    try:
        yield together(steps)
    except Rejected as refusal:
        return f"Not everything was possible: {refusal}"
    return None
