"""Promises on the door: nothing unsigned, forged or malformed comes in, and no secret goes out."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..connector import Connector
from ..delivery import Delivery
from ..errors import DeliveryRefused, SecretMissing
from ..timing import to_ms
from ..trigger import read_sample
from .finding import none_of, secrets, told

_ZEROS = "0" * 64
_FORGED = (
    "",
    " ",
    "forged",
    base64.b64encode(bytes(32)).decode(),
    base64.b64encode(bytes(20)).decode(),
    _ZEROS,
    f"sha256={_ZEROS}",
    "t={seconds},v1=" + _ZEROS,
    "v1," + base64.b64encode(bytes(32)).decode(),
    "é✓\udcff",
    "9" * 5000,
)


class _Noting(dict[str, str]):
    """Headers that remember which of them a verifier asked for, so that a forger knows what to send."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


def an_unsigned_delivery_is_refused(connector: Connector) -> None:
    none_of(
        f"{delivery!r}: was accepted without a signature"
        for delivery in _bare(connector)
        if _refusal(connector, delivery, secrets(connector)) is None
    )


def a_forged_delivery_is_refused_whatever_its_headers_hold(connector: Connector) -> None:
    def faults() -> Iterator[str]:
        for delivery in _bare(connector):
            for headers in _forgeries(connector, delivery):
                try:
                    refusal = _refusal(connector, replace(delivery, headers=headers), secrets(connector))
                except Exception as error:
                    yield f"the headers {_short(headers)} raise {type(error).__name__} and not DeliveryRefused"
                    continue
                if refusal is None:
                    yield f"the headers {_short(headers)} were accepted"
                elif names := told(connector, refusal):
                    yield f"the refusal gives away {names}"

    none_of(dict.fromkeys(faults()))


def without_a_secret_nothing_is_accepted(connector: Connector) -> None:
    def faults() -> Iterator[str]:
        for delivery in _bare(connector):
            for headers in ({}, *_forgeries(connector, delivery)):
                for given in ({}, *({name: values for name in secrets(connector)} for values in ([], [""]))):
                    refusal = _refusal(connector, replace(delivery, headers=headers), given)
                    if not isinstance(refusal, SecretMissing):
                        yield f"without a secret, {_short(headers)} is answered by {refusal!r} and not SecretMissing"

    none_of(dict.fromkeys(faults()))


def _bare(connector: Connector) -> Iterator[Delivery]:
    """The samples, with no header but the content type, at addresses with and without a guessed secret."""
    for trigger in connector.triggers.values():
        sample = read_sample(connector.folder / "samples" / trigger.sample_file)
        for query in ("", "?key=forged&secret=forged&token=forged"):
            yield replace(sample, headers={"content-type": sample.headers["content-type"]}, url=sample.url + query)


def _forgeries(connector: Connector, delivery: Delivery) -> Iterator[Mapping[str, str]]:
    """Headers as a stranger would send them who knows the scheme but not the secret."""
    ms = to_ms(delivery.received_at)
    for forged in _FORGED:
        for version in ("v1", "v2", "v3"):
            for now in (str(ms), str(ms // 1000)):
                headers = _Noting(delivery.headers)
                for _ in range(4):
                    _try(connector, replace(delivery, headers=headers))
                    for name in headers.asked:
                        value = now if "timestamp" in name else version if name.endswith("version") else forged
                        headers[name] = value.replace("{seconds}", str(ms // 1000))
                yield dict(headers)


def _try(connector: Connector, delivery: Delivery) -> None:
    try:
        connector.verify(delivery, secrets(connector))
    except Exception:
        return


def _refusal(connector: Connector, delivery: Delivery, given: Mapping[str, list[str]]) -> DeliveryRefused | None:
    try:
        connector.verify(delivery, given)
    except DeliveryRefused as refusal:
        return refusal
    return None


def _short(headers: Mapping[str, str]) -> str:
    return (
        ", ".join(f"{name}: {ascii(value)[:40]}" for name, value in headers.items() if name != "content-type") or "none"
    )


CHECKS = (
    an_unsigned_delivery_is_refused,
    a_forged_delivery_is_refused_whatever_its_headers_hold,
    without_a_secret_nothing_is_accepted,
)
