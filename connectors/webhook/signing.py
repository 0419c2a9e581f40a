"""How webhooks are signed, those that come and those that we send: by the Standard Webhooks scheme, or, where a tool
cannot do that, by a plain HMAC of the body in a header of its choice. https://www.standardwebhooks.com"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping

from hub.connector import Secrets
from hub.delivery import Delivery
from hub.errors import SettingInvalid, SignatureWrong
from webhooks.signatures import hmac_header, standard_webhooks

SECRET, HEADER = "signing_secret", "signature_header"
PREFIX = "sha256="

_standard = standard_webhooks(SECRET)


def verify(delivery: Delivery, given: Mapping[str, Secrets]) -> None:
    """Raises DeliveryRefused unless the delivery is signed in the way that this connection is set up for: never in the
    other one as well, or an old delivery could come again in that."""
    header = next(iter(given.get(HEADER, ())), "")
    if not header:
        _standard(delivery, given)
        return
    if "webhook-signature" in delivery.headers:
        raise SignatureWrong(
            "The tool signs by Standard Webhooks, but this connection names a header for a plain signature. "
            "Empty that field of the connection."
        )
    # The plain signature is written in hexadecimal, 64 digits, or in base64; some put the name of the digest before it.
    text = delivery.headers.get(header.lower(), "")
    prefix = PREFIX if text.startswith(PREFIX) else ""
    is_hex = len(text) - len(prefix) == 64
    hmac_header(header, fields=[SECRET], encoding="hex" if is_hex else "base64", prefix=prefix)(delivery, given)


def new_secret() -> str:
    """A secret as Standard Webhooks writes one."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def check_secret(secret: str) -> None:
    """Raises SettingInvalid for a secret that Standard Webhooks cannot sign with."""
    try:
        if len(_key(secret)) >= 16:
            return
    except binascii.Error:
        pass
    raise SettingInvalid(
        "The signing secret is none of Standard Webhooks: one begins with whsec_, and base64 follows. Copy it again, "
        "or, if the tool signs the plain body, fill in the header that holds the signature."
    )


def sign(secret: str, header: str | None, name: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers of a webhook: `name` is its id, the same however often it is sent, and `seconds` since 1970 is
    when it is sent."""
    found = {"webhook-id": name, "webhook-timestamp": str(seconds)}
    if header:
        return found | {header: PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
    mac = hmac.new(_key(secret), f"{name}.{seconds}.".encode() + body, hashlib.sha256)
    return found | {"webhook-signature": "v1," + base64.b64encode(mac.digest()).decode()}


def _key(secret: str) -> bytes:
    text = secret.strip().removeprefix("whsec_").rstrip("=").encode("ascii", "replace")
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
