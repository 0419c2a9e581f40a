"""Verifiers against the vectors that vendors published, and against the vendors' own libraries."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hubspot.utils.signature import Signature
from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator

from hub.errors import SignatureWrong
from tests.webhooks.signed import BODY, KEY, NOW, URL, changed, delivery, flips, standard_signed
from webhooks import signatures

VECTORS = Path(__file__).resolve().parents[2] / "../shared/specs/signatures"
# ---- the vendors' own libraries as referees


@pytest.mark.parametrize("body", ["{}", BODY.decode(), "[" + "1," * 500 + "1]"])
@pytest.mark.parametrize("url", [URL, "https://hub.example:8443/a%20b?c=d%2Fe", "https://hub.example/ä"])
def test_what_hubspots_library_signs_is_accepted(url, body):
    at = str(round(NOW.timestamp() * 1000))
    v3 = Signature.get_signature("secret", body, "v3", url, "POST", at)
    headers = {"x-hubspot-signature-v3": v3, "x-hubspot-request-timestamp": at}
    secrets = {"client_secret": ["secret"]}
    signatures.hubspot()(delivery(headers, body=body.encode(), url=url), secrets)
    for version in ("v1", "v2"):
        old = Signature.get_signature("secret", body, version, url, "POST")
        headers = {"x-hubspot-signature": old, "x-hubspot-signature-version": version}
        signatures.hubspot()(delivery(headers, body=body.encode(), url=url), secrets)


TWILIO_FIELDS = [
    {"From": "+14155550100", "Body": "Hi & bye = 100% ✓", "Empty": ""},
    {"b": "2", "B": "1", "a": "3"},
    {},
]


@pytest.mark.parametrize("fields", TWILIO_FIELDS)
@pytest.mark.parametrize("url", [URL, "http://hub.example:8020/webhooks/twilio/3"])
def test_what_twilios_library_signs_is_accepted_and_what_ours_accepts_theirs_does(url, fields):
    referee = RequestValidator("secret")
    signature = referee.compute_signature(url, fields)
    signed = delivery({"x-twilio-signature": signature}, body=urlencode(fields).encode(), url=url)
    signatures.twilio()(signed, {"auth_token": ["secret"]})
    assert referee.validate(url, fields, signature)


def test_what_twilios_library_signs_for_json_is_accepted():
    referee = RequestValidator("secret")
    url = f"{URL}&bodySHA256={referee.compute_hash(BODY.decode())}"
    signature = referee.compute_signature(url, {})
    assert referee.validate(url, BODY.decode(), signature)
    signatures.twilio()(delivery({"x-twilio-signature": signature}, url=url), {"auth_token": ["secret"]})


def test_what_the_standard_library_signs_is_accepted():
    signature = Webhook(KEY).sign("msg_1", NOW, BODY.decode())
    headers = standard_signed().headers | {"webhook-signature": signature}
    signatures.standard_webhooks()(delivery(headers), {"signing_secret": [KEY]})


def test_what_we_accept_the_standard_library_accepts():
    now = datetime.now(UTC)
    genuine = standard_signed(now)
    signatures.standard_webhooks()(changed(genuine, received_at=now), {"signing_secret": [KEY]})
    assert Webhook(KEY).verify(BODY, dict(genuine.headers)) == json.loads(BODY)


# ---- the vectors that vendors published


def vectors():
    if not VECTORS.is_dir() and os.environ.get("CI") != "true":
        return [pytest.param(None, marks=pytest.mark.skip("The folder shared is not beside the checkout."))]
    listed = json.loads((VECTORS / "vectors.json").read_text(encoding="utf-8"))
    return [pytest.param(one, id=f"{number}-{one['vendor']}") for number, one in enumerate(listed)]


def form_body(params):
    read = {
        name: (VECTORS / value["file"]).read_text(encoding="utf-8") if isinstance(value, dict) else value
        for name, value in params.items()
    }
    return urlencode(read, doseq=True).encode()


def twilio(vector, given, body):
    signed = delivery({"x-twilio-signature": given}, body=body, url=vector["url"])
    signatures.twilio()(signed, {"auth_token": [vector["secret"]]})


def hubspot(vector, given, body):
    url, method, at = vector["url"] or URL, vector["method"] or "POST", NOW
    headers = {"x-hubspot-signature": given, "x-hubspot-signature-version": vector["scheme"][-2:]}
    if "timestamp" in vector:
        headers = {"x-hubspot-signature-v3": given, "x-hubspot-request-timestamp": vector["timestamp"]}
        at = datetime.fromtimestamp(int(vector["timestamp"]) / 1000, UTC)
    signed = delivery(headers, body=body, url=url, method=method, at=at)
    signatures.hubspot()(signed, {"client_secret": [vector["secret"]]})


def shopify(vector, given, body):
    signatures.shopify_oauth(urlencode({**vector["params"], "hmac": given}, doseq=True), vector["secret"])


def standard_webhooks(vector, given, body):
    at = datetime.fromtimestamp(int(vector["headers"]["webhook-timestamp"]), UTC)
    signed = delivery(vector["headers"] | {"webhook-signature": given}, body=body, at=at)
    signatures.standard_webhooks()(signed, {"signing_secret": [vector["secret"]]})


def mandrill(vector, given, body):
    signed = delivery({"x-mandrill-signature": given}, body=body, url=vector["url"])
    signatures.mandrill()(signed, {"webhook_key": [vector["secret"]]})


def meta(vector, given, body):
    signed = delivery({"x-hub-signature-256": given}, body=body)
    signatures.x_hub_signature_256()(signed, {"app_secret": [vector["secret"]]})


VERIFY = {
    "twilio": twilio,
    "hubspot": hubspot,
    "shopify": shopify,
    "standard-webhooks": standard_webhooks,
    "mailchimp-transactional": mandrill,
    "meta": meta,
}


@pytest.mark.parametrize("vector", vectors())
def test_a_published_vector_is_accepted_and_with_a_changed_signature_refused(vector):
    verify = VERIFY[vector["vendor"]]
    body = vector["body"].encode() if "body" in vector else form_body(vector["params"])
    verify(vector, vector["expected"], body)
    for wrong in flips(vector["expected"].encode()):
        with pytest.raises(SignatureWrong):
            verify(vector, wrong.decode("latin-1"), body)
