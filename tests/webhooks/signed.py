"""One genuine delivery of each scheme, signed here by hand, and what the tests of verifiers do with them."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from hub.delivery import Delivery
from hub.errors import DeliveryRefused
from webhooks import signatures

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
URL = "https://hub.example/webhooks/any/7?key=word"
BODY = b'{"id": 1, "name": "Ada \xe2\x9c\x93"}'
FORM = b"From=%2B14155550100&Body=Hello+there&Body=Again&Empty="


def delivery(headers=None, *, body=BODY, url=URL, method="POST", at=NOW):
    return Delivery(method, url, headers or {}, body, at)


def hmac_of(secret, text, digest, encoding="base64"):
    made = hmac.digest(secret.encode(), text, digest)
    return base64.b64encode(made).decode() if encoding == "base64" else made.hex()


def shopify_signed():
    return delivery({"x-shopify-hmac-sha256": hmac_of("secret", BODY, "sha256")})


def meta_signed():
    return delivery({"x-hub-signature-256": "sha256=" + hmac_of("secret", BODY, "sha256", "hex")})


def hubspot_v3_signed(at=NOW, *, url=URL):
    ms = str(round(at.timestamp() * 1000))
    signature = hmac_of("secret", f"POST{url}".encode() + BODY + ms.encode(), "sha256")
    return delivery({"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": ms}, url=url)


def hubspot_old_signed(version):
    text = b"secret" + (f"POST{URL}".encode() if version == "v2" else b"") + BODY
    return delivery({"x-hubspot-signature": hashlib.sha256(text).hexdigest(), "x-hubspot-signature-version": version})


def twilio_signed():
    fields = "BodyAgainBodyHello thereEmptyFrom+14155550100"
    return delivery({"x-twilio-signature": hmac_of("secret", (URL + fields).encode(), "sha1")}, body=FORM)


def twilio_json_signed():
    url = f"{URL}&bodySHA256={hashlib.sha256(BODY).hexdigest()}"
    return delivery({"x-twilio-signature": hmac_of("secret", url.encode(), "sha1")}, url=url)


def mandrill_signed():
    fields = "BodyHello thereBodyAgainEmptyFrom+14155550100"
    return delivery({"x-mandrill-signature": hmac_of("secret", (URL + fields).encode(), "sha1")}, body=FORM)


def mailchimp_signed(at=NOW):
    seconds = str(round(at.timestamp()))
    signature = hmac_of("secret", seconds.encode() + b"." + FORM, "sha256", "hex")
    return delivery({"x-mailchimp-signature": f"t={seconds},v1={signature}"}, body=FORM)


def mailchimp_by_url():
    return delivery(body=FORM, url="https://hub.example/webhooks/any/7?key=secret")


def standard_signed(at=NOW):
    seconds = str(round(at.timestamp()))
    signature = hmac_of("secret", f"msg_1.{seconds}.".encode() + BODY, "sha256")
    return delivery({"webhook-id": "msg_1", "webhook-timestamp": seconds, "webhook-signature": f"v1,{signature}"})


KEY = "whsec_" + base64.b64encode(b"secret").decode()
OTHER_KEY = "whsec_" + base64.b64encode(b"another").decode()
SHOPIFY = signatures.hmac_header("X-Shopify-Hmac-Sha256", "Shopify-Hmac-Sha256", fields=["webhook_secret"])
CASES = {
    "hmac_header": (SHOPIFY, "webhook_secret", "secret", "another", shopify_signed),
    "x_hub": (signatures.x_hub_signature_256(), "app_secret", "secret", "another", meta_signed),
    "hubspot_v3": (signatures.hubspot(), "client_secret", "secret", "another", hubspot_v3_signed),
    "hubspot_v2": (signatures.hubspot(), "client_secret", "secret", "another", lambda: hubspot_old_signed("v2")),
    "hubspot_v1": (signatures.hubspot(), "client_secret", "secret", "another", lambda: hubspot_old_signed("v1")),
    "twilio": (signatures.twilio(), "auth_token", "secret", "another", twilio_signed),
    "twilio_json": (signatures.twilio(), "auth_token", "secret", "another", twilio_json_signed),
    "mandrill": (signatures.mandrill(), "webhook_key", "secret", "another", mandrill_signed),
    "mailchimp": (signatures.mailchimp(), "signing_secret", "secret", "another", mailchimp_signed),
    "mailchimp_url": (signatures.mailchimp(), "url_secret", "secret", "another", mailchimp_by_url),
    "standard": (signatures.standard_webhooks(), "signing_secret", KEY, OTHER_KEY, standard_signed),
}
TIMED = {
    "hubspot_v3": (signatures.hubspot(), "client_secret", "secret", hubspot_v3_signed),
    "mailchimp": (signatures.mailchimp(), "signing_secret", "secret", mailchimp_signed),
    "standard": (signatures.standard_webhooks(), "signing_secret", KEY, standard_signed),
}
URL_SIGNED = ["hubspot_v3", "hubspot_v2", "twilio", "twilio_json", "mandrill"]
BODY_SIGNED = [name for name in CASES if name != "mailchimp_url"]


def changed(genuine, **parts):
    return Delivery(**{name: getattr(genuine, name) for name in genuine.__dataclass_fields__} | parts)


def refused(verify, tried, secrets):
    """The class of the refusal. Fails if the delivery is accepted, or anything but a refusal is raised."""
    with pytest.raises(DeliveryRefused) as caught:
        verify(tried, secrets)
    return caught.type


def flips(text):
    """The text with one byte changed, at every place, in two ways."""
    for place in range(len(text)):
        for bit in (1, 0x80):
            yield text[:place] + bytes([text[place] ^ bit]) + text[place + 1 :]
    yield text + b"\0"
    yield text[:-1]
