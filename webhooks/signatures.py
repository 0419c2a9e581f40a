"""Verifiers: each decides whether a delivery is genuine, on the raw bytes that came.

A verifier is a value, `Connector("shopify", verify=hmac_header(…), …)`. It is called as `verify(delivery, secrets)`
with every value of each secret field, newest first, so that a secret can be exchanged without a gap. It returns
None for a genuine delivery, else it raises one of

SecretMissing           the connection has no secret to check with, so nothing is accepted
SignatureMissing        the delivery carries no signature, or a part of it is missing
SignatureWrong          the signature does not fit, or cannot be read
TimestampOutOfWindow    signed more than five minutes before or after it was received

and never anything else, whatever a header holds. Signatures are compared in constant time, and as text: base64 has
several spellings of the same bytes, of which only the provider's own is accepted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from urllib.parse import parse_qsl, quote, urlsplit

from hub.connector import Secrets, Verifier
from hub.delivery import Delivery
from hub.errors import PayloadUnreadable, SecretMissing, SignatureMissing, SignatureWrong, TimestampOutOfWindow
from hub.timing import to_ms

WINDOW_MS = 300_000
"""How far the time in a signature may be from the time of receipt, before or after."""

Digest = Literal["sha1", "sha256"]
Encoding = Literal["base64", "hex"]


def hmac_header(
    *headers: str, fields: Sequence[str], digest: Digest = "sha256", encoding: Encoding = "base64", prefix: str = ""
) -> Verifier:
    """An HMAC over the raw body, in a header: the first of `headers` that is present counts.

    `fields` name the secret fields of which any value may fit; `prefix` goes before the signature, as in `sha256=…`.
    Such a signature holds no time, so a delivery seen before is told by its id alone.
    """
    names = [name.lower() for name in headers]

    def verify(delivery: Delivery, secrets: Mapping[str, Secrets]) -> None:
        keys = _secrets(secrets, *fields)
        given = _first(delivery, names)
        _must_fit([given], [prefix + _hmac(key, delivery.body, digest, encoding) for key in keys])

    return verify


def x_hub_signature_256(field: str = "app_secret") -> Verifier:
    """`X-Hub-Signature-256: sha256=…`, as Meta and GitHub send it: hexadecimal HMAC-SHA256 of the raw body."""
    return hmac_header("x-hub-signature-256", fields=[field], encoding="hex", prefix="sha256=")


def hubspot(field: str = "client_secret") -> Verifier:
    """HubSpot's signatures: version 3 where the delivery carries it, else the version that its headers name.

    A version 3 signature that does not fit is refused even if an older one beside it fits. Versions 1 and 2 hold no
    time. https://developers.hubspot.com/docs/api/webhooks/validating-requests
    """

    def verify(delivery: Delivery, secrets: Mapping[str, Secrets]) -> None:
        keys = _secrets(secrets, field)
        if "x-hubspot-signature-v3" in delivery.headers:
            _hubspot_v3(delivery, keys)
        else:
            _hubspot_v1_or_v2(delivery, keys)

    return verify


# HubSpot's page asks to decode these before signing, its own libraries sign the address as it is: either is accepted.
_HUBSPOT_DECODED = re.compile(r"%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


def _hubspot_v3(delivery: Delivery, keys: Sequence[bytes]) -> None:
    given = _first(delivery, ["x-hubspot-signature-v3"])
    at = _first(delivery, ["x-hubspot-request-timestamp"])
    _must_be_now(at, delivery, unit_ms=1)
    decoded = _HUBSPOT_DECODED.sub(lambda escape: chr(int(escape[1], 16)), delivery.url)
    signed = [
        _bytes(delivery.method + url) + delivery.body + _bytes(at) for url in dict.fromkeys((delivery.url, decoded))
    ]
    _must_fit([given], [_hmac(key, text, "sha256", "base64") for key in keys for text in signed])


def _hubspot_v1_or_v2(delivery: Delivery, keys: Sequence[bytes]) -> None:
    given = _first(delivery, ["x-hubspot-signature"])
    version = _first(delivery, ["x-hubspot-signature-version"])
    if version not in ("v1", "v2"):
        raise SignatureWrong("The delivery names a version of HubSpot's signature that is not known: v1, v2 or v3.")
    before = _bytes(delivery.method + delivery.url) if version == "v2" else b""
    _must_fit([given], [hashlib.sha256(key + before + delivery.body).hexdigest() for key in keys])


def twilio(field: str = "auth_token") -> Verifier:
    """Twilio's `X-Twilio-Signature`: HMAC-SHA1 of the address and the form's fields.

    Where the address carries `bodySHA256`, that stands for the body in place of the fields. Twilio signs the
    address with or without its port, and a quote in it as `'` or `%27`: any of these is accepted.
    https://www.twilio.com/docs/usage/security#validating-requests
    """

    def verify(delivery: Delivery, secrets: Mapping[str, Secrets]) -> None:
        keys = _secrets(secrets, field)
        given = _first(delivery, ["x-twilio-signature"])
        if hashes := _query_values(delivery, "bodySHA256"):
            _must_fit(hashes[:1], [hashlib.sha256(delivery.body).hexdigest()] if len(hashes) == 1 else [])
            fields = ""
        else:
            fields = "".join(name + value for name, value in sorted(set(_form_pairs(delivery))))
        signed = [_bytes(url + fields) for url in _twilio_spellings(delivery.url)]
        _must_fit([given], [_hmac(key, text, "sha1", "base64") for key in keys for text in signed])

    return verify


def _twilio_spellings(url: str) -> list[str]:
    """The address in each way in which Twilio may have signed it."""
    found = [url]
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return found
    default = {"https": 443, "http": 80}.get(parts.scheme)
    if port is not None:
        found.append(parts._replace(netloc=parts.netloc.rpartition(":")[0]).geturl())
    elif default is not None:
        found.append(parts._replace(netloc=f"{parts.netloc}:{default}").geturl())
    quoted = [spelling.replace("'", "%27") for spelling in found]
    plain = [spelling.replace("%27", "'") for spelling in found]
    return list(dict.fromkeys(found + quoted + plain))


def mandrill(field: str = "webhook_key") -> Verifier:
    """Mailchimp Transactional's `X-Mandrill-Signature`: HMAC-SHA1 of the address and the form's fields, by name."""

    def verify(delivery: Delivery, secrets: Mapping[str, Secrets]) -> None:
        keys = _secrets(secrets, field)
        given = _first(delivery, ["x-mandrill-signature"])
        pairs = sorted(_form_pairs(delivery), key=lambda pair: pair[0])
        signed = _bytes(delivery.url + "".join(name + value for name, value in pairs))
        _must_fit([given], [_hmac(key, signed, "sha1", "base64") for key in keys])

    return verify


def mailchimp(signing_field: str = "signing_secret", url_field: str = "url_secret", parameter: str = "key") -> Verifier:
    """Mailchimp's `X-Mailchimp-Signature: t=…,v1=…` where the delivery carries it, else a secret in the address.

    Webhooks made before Mailchimp signed any carry no signature; for them the query parameter must equal the secret
    of `url_field`. A signature that is there and does not fit is refused even if the address fits.
    """

    def verify(delivery: Delivery, secrets: Mapping[str, Secrets]) -> None:
        if "x-mailchimp-signature" in delivery.headers:
            _mailchimp_signed(delivery, _secrets(secrets, signing_field))
            return
        keys = _secrets(secrets, url_field)
        given = _query_values(delivery, parameter)
        if not given:
            raise SignatureMissing("The delivery carries neither a signature nor the secret in its address.")
        if len(given) > 1 or not _same_as_any(_bytes(given[0]), keys):
            raise SignatureWrong("The secret in the address is not this connection's.")

    return verify


def _mailchimp_signed(delivery: Delivery, keys: Sequence[bytes]) -> None:
    parts = [part.strip().partition("=") for part in _first(delivery, ["x-mailchimp-signature"]).split(",")]
    times = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not given:
        raise SignatureMissing("The header X-Mailchimp-Signature has not one time t=… and a signature v1=….")
    _must_be_now(times[0], delivery, unit_ms=1000)
    signed = _bytes(times[0]) + b"." + delivery.body
    _must_fit(given, [_hmac(key, signed, "sha256", "hex") for key in keys])


def standard_webhooks(field: str = "signing_secret") -> Verifier:
    """The scheme of standardwebhooks.com: `webhook-id`, `webhook-timestamp`, and `webhook-signature` with one or
    more signatures `v1,…` between spaces. A secret is base64, with or without `whsec_` before it."""

    def verify(delivery: Delivery, secrets: Mapping[str, Secrets]) -> None:
        keys = _standard_keys(_secrets(secrets, field))
        name, at, listed = (_first(delivery, [f"webhook-{part}"]) for part in ("id", "timestamp", "signature"))
        _must_be_now(at, delivery, unit_ms=1000)
        signed = _bytes(f"{name}.{at}.") + delivery.body
        _must_fit(listed.split(" "), ["v1," + _hmac(key, signed, "sha256", "base64") for key in keys])

    return verify


def _standard_keys(secrets: Iterable[bytes]) -> list[bytes]:
    found = []
    for secret in secrets:
        text = secret.strip().removeprefix(b"whsec_").rstrip(b"=")
        try:
            found.append(base64.b64decode(text + b"=" * (-len(text) % 4), validate=True))
        except binascii.Error:
            continue
    if not any(found):
        raise SecretMissing(
            "The signing secret of this connection cannot be used, so no delivery is accepted. "
            "Copy it again from the provider; it begins with whsec_."
        )
    return [key for key in found if key]


_NOT_ESCAPED = "!'()*"
"""What JavaScript's encodeURIComponent leaves as it is, beyond what Python's quote does."""


def shopify_oauth(query: str, secret: str) -> None:
    """Checks the `hmac` of the address that Shopify sends people back to after they allowed the app.

    `query` is the raw query string. Raises SecretMissing, SignatureMissing or SignatureWrong. The time in
    `timestamp` is the caller's to judge. https://shopify.dev/docs/apps/build/authentication-authorization
    """
    key = _secrets({"secret": [secret]}, "secret")[0]
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    given = values.pop("hmac", [])
    if not any(given):
        raise SignatureMissing("The address carries no hmac. Start connecting the shop again.")
    if len(given) > 1 or any(len(found) > 1 and not name.endswith("[]") for name, found in values.items()):
        raise SignatureWrong("The address repeats a parameter. Start connecting the shop again.")
    flat = [(k.removesuffix("[]"), json.dumps(v) if k.endswith("[]") else v[0]) for k, v in values.items()]
    # Shopify's Python library escapes only what separates, its JavaScript library every special character.
    light = [
        f"{k.replace('%', '%25').replace('=', '%3D')}={v.replace('%', '%25')}".replace("&", "%26") for k, v in flat
    ]
    full = [f"{quote(k, safe='')}={quote(v, safe=_NOT_ESCAPED)}" for k, v in flat]
    _must_fit(given, [_hmac(key, _bytes("&".join(sorted(pairs))), "sha256", "hex") for pairs in (light, full)])


def _secrets(secrets: Mapping[str, Secrets], *fields: str) -> list[bytes]:
    """Every secret of these fields that holds anything. Raises SecretMissing if there is none: an empty key would
    make signatures that anybody can make."""
    found = []
    for field in fields:
        values = secrets.get(field) or ()
        # A bare string is a sequence too: of its characters, each of them far too easy a secret.
        found += [values] if isinstance(values, str) else list(values)
    if not any(value.strip() for value in found):
        raise SecretMissing
    return [_bytes(value) for value in found if value.strip()]


def _first(delivery: Delivery, names: Iterable[str]) -> str:
    """The value of the first of these headers that is there. Raises SignatureMissing if none is, or it is empty."""
    value = next((delivery.headers[name] for name in names if name in delivery.headers), "")
    if not value:
        raise SignatureMissing
    return value


def _query_values(delivery: Delivery, name: str) -> list[str]:
    try:
        return delivery.query.get(name, [])
    except ValueError:
        raise SignatureWrong("The address cannot be read.") from None


def _form_pairs(delivery: Delivery) -> list[tuple[str, str]]:
    try:
        return delivery.form_pairs
    except PayloadUnreadable:
        raise SignatureWrong("The body is not the form that was signed.") from None


def _must_be_now(text: str, delivery: Delivery, *, unit_ms: int) -> None:
    if not (text.isascii() and text.isdigit()):
        raise SignatureWrong("The time in the signature is not a number.")
    # No time that could fit has twenty digits, and Python refuses to read numbers of thousands.
    if len(text) > 20 or abs(int(text) * unit_ms - to_ms(delivery.received_at)) > WINDOW_MS:
        raise TimestampOutOfWindow


def _must_fit(given: Iterable[str], right: Sequence[str]) -> None:
    """Raises SignatureWrong unless one of the given signatures is one of the right ones."""
    expected = [_bytes(text) for text in right]
    if not any([_same_as_any(_bytes(text), expected) for text in given]):
        raise SignatureWrong


def _same_as_any(given: bytes, expected: Iterable[bytes]) -> bool:
    # A list, so that the time taken does not tell which of several secrets fits.
    return any([hmac.compare_digest(given, one) for one in expected])


def _hmac(key: bytes, text: bytes, digest: Digest, encoding: Encoding) -> str:
    made = hmac.digest(key, text, digest)
    return made.hex() if encoding == "hex" else base64.b64encode(made).decode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
