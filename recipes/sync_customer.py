"""A customer of the shop is known by the same name in the CRM and in the newsletter tool."""

from __future__ import annotations

from typing import Annotated

from connectors import hubspot, mailchimp, shopify
from hub import Event, Rejected, Setting, Steps, recipe, together
from recipes.newsletter import Audience, has_email


@recipe(
    on=[shopify.customer_created, shopify.customer_updated],
    title="Keep customers the same everywhere",
    filters=[has_email],
)
def sync_customer(
    event: Event,
    *,
    audience: Audience,
    phone_field: Annotated[
        str, Setting("Field for the phone number", "A merge tag such as PHONE. Empty: Mailchimp gets no numbers.")
    ] = "",
    confirm: Annotated[
        bool, Setting("Ask to confirm", "Whether newcomers must confirm by e-mail before they get newsletters.")
    ] = False,
) -> Steps:
    """Each new or changed customer becomes, or updates, the contact in HubSpot and the member in Mailchimp, with name
    and phone number. Newcomers in Mailchimp who agreed to newsletters in the shop are subscribed, all others are only
    noted as customers. Whether somebody whom Mailchimp knows gets newsletters is never changed here: that is the work
    of "Keep consent the same everywhere"."""
    try:
        # Events come late and out of order, so what counts is how the customer is now.
        customer = yield shopify.get_customer(event.data["id"])
    except Rejected:
        return "The shop does not have this customer any more."
    email, phone = customer["email"], customer["phone"]
    if email is None:
        return "The customer has no e-mail address any more."
    names = {"FNAME": customer["first_name"], "LNAME": customer["last_name"]}
    fields = names | ({phone_field: phone} if phone_field else {})
    agreed = customer["email_consent"]["given"]
    newcomer: mailchimp.StatusIfNew = ("pending" if confirm else "subscribed") if agreed else "transactional"
    try:
        yield together(
            hubspot.upsert_contact(
                email, first_name=customer["first_name"], last_name=customer["last_name"], phone=phone
            ),
            mailchimp.upsert_member(
                audience,
                email,
                # An empty field would wipe out what Mailchimp knows.
                merge_fields={tag: value for tag, value in fields.items() if value},
                status_if_new=newcomer,
            ),
        )
    except Rejected as refusal:
        return f"Not everything was possible: {refusal}"
    return None
