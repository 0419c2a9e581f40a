"""Calling actions as the engine does."""

from connectors import hubspot


def many(action, client, *calls):
    """What the engine does: fills in the defaults, then performs all at once."""
    return list(action.many(client, [action(**call).inputs for call in calls]))


def upserts(client, *emails, **more):
    return many(hubspot.upsert_contact, client, *({"email": email, **more} for email in emails))
