"""What every verifier must accept and refuse, as tables over all schemes."""

from datetime import timedelta

import pytest

from hub.errors import SecretMissing, SignatureMissing, SignatureWrong, TimestampOutOfWindow
from tests.webhooks.signed import (
    BODY,
    BODY_SIGNED,
    CASES,
    NOW,
    SHOPIFY,
    TIMED,
    URL_SIGNED,
    changed,
    delivery,
    flips,
    hmac_of,
    refused,
    shopify_signed,
)


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def test_a_genuine_delivery_is_accepted(case):
    verify, field, secret, _, make = case
    verify(make(), {field: [secret]})


def test_any_secret_may_fit_while_one_is_exchanged(case):
    verify, field, secret, other, make = case
    verify(make(), {field: [other, secret]})
    verify(make(), {field: [secret, other]})


def test_another_secret_is_refused(case):
    verify, field, _, other, make = case
    assert refused(verify, make(), {field: [other]}) is SignatureWrong


@pytest.mark.parametrize("none", [{}, [], [""], ["", "  "], ""], ids=repr)
def test_without_a_secret_nothing_is_accepted_signed_or_not(case, none):
    verify, field, _, _, make = case
    secrets = {} if none == {} else {field: none}
    assert refused(verify, make(), secrets) is SecretMissing
    assert refused(verify, delivery(), secrets) is SecretMissing


def test_a_signature_made_with_an_empty_key_is_refused():
    forged = delivery({"x-shopify-hmac-sha256": hmac_of("", BODY, "sha256")})
    assert refused(SHOPIFY, forged, {"webhook_secret": [""]}) is SecretMissing


def test_a_secret_given_as_bare_text_is_one_secret_and_not_its_letters():
    SHOPIFY(shopify_signed(), {"webhook_secret": "secret"})
    forged = delivery({"x-shopify-hmac-sha256": hmac_of("s", BODY, "sha256")})
    assert refused(SHOPIFY, forged, {"webhook_secret": "secret"}) is SignatureWrong


def test_an_unsigned_delivery_is_refused(case):
    verify, field, secret, _, make = case
    bare = changed(make(), headers={}, url="https://hub.example/webhooks/any/7")
    # Mailchimp without a signature is judged by its address, for which a connection always has a secret.
    assert refused(verify, bare, {"url_secret": ["word"]} | {field: [secret]}) is SignatureMissing


def test_each_part_of_the_signature_is_needed(case):
    verify, field, secret, _, make = case
    genuine = make()
    for name in genuine.headers:
        without = {other: value for other, value in genuine.headers.items() if other != name}
        # Without its signature a delivery of Mailchimp's is judged by its address, for which there is no secret here.
        expected = SecretMissing if name == "x-mailchimp-signature" else SignatureMissing
        assert refused(verify, changed(genuine, headers=without), {field: [secret]}) is expected
        assert refused(verify, changed(genuine, headers=genuine.headers | {name: ""}), {field: [secret]}) is (
            SignatureMissing
        )


@pytest.mark.parametrize("name", BODY_SIGNED)
def test_one_changed_byte_in_the_body_is_refused(name):
    verify, field, secret, _, make = CASES[name]
    genuine = make()
    for body in flips(genuine.body):
        assert refused(verify, changed(genuine, body=body), {field: [secret]}) is SignatureWrong


def test_one_changed_byte_in_any_part_of_the_signature_is_refused(case):
    verify, field, secret, _, make = case
    genuine = make()
    for name, value in genuine.headers.items():
        for wrong in flips(value.encode()):
            headers = genuine.headers | {name: wrong.decode("latin-1")}
            refused(verify, changed(genuine, headers=headers), {field: [secret]})


@pytest.mark.parametrize("name", URL_SIGNED)
def test_one_changed_character_in_the_address_is_refused(name):
    verify, field, secret, _, make = CASES[name]
    genuine = make()
    for wrong in flips(genuine.url.encode()):
        tried = changed(genuine, url=wrong.decode("latin-1"))
        assert refused(verify, tried, {field: [secret]}) is SignatureWrong


HOSTILE = [
    " ",
    ",",
    "=",
    "v0",
    "v1,",
    "v1,%%%",
    "v2,AAAA",
    "v1,AAAA " * 2000,
    "t=,v1=",
    "t=1,t=2,v1=00",
    "t=²,v1=00",
    "t=-1,v1=00",
    "sha256=",
    "sha256=" + "0" * 64,
    "é✓\ud800",
    "\0",
    "A" * 100_000,
    "٣" * 13,
    "9" * 30,
    "9" * 5000,
    "-1",
    "1e400",
    "NaN",
    "inf",
    "0x10",
    "1_000",
    " 1700000000",
    "v3",
    "V1",
]


def test_whatever_a_header_holds_the_answer_is_a_refusal(case):
    verify, field, secret, _, make = case
    genuine = make()
    for name in genuine.headers:
        for value in HOSTILE:
            tried = changed(genuine, headers=genuine.headers | {name: value})
            refused(verify, tried, {field: [secret]})


UNREADABLE = ["", "https://[bad/", "https://host:port/", "https://host:99999/", "é\ud800?key=\ud800"]


@pytest.mark.parametrize("url", UNREADABLE)
@pytest.mark.parametrize("name", [*URL_SIGNED, "mailchimp_url"])
def test_an_address_that_cannot_be_read_is_refused(name, url):
    verify, field, secret, _, make = CASES[name]
    refused(verify, changed(make(), url=url), {field: [secret]})


@pytest.fixture(params=TIMED)
def timed(request):
    return TIMED[request.param]


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_up_to_five_minutes_on_either_side_are_accepted(timed, seconds):
    verify, field, secret, make = timed
    verify(make(NOW + timedelta(seconds=seconds)), {field: [secret]})


@pytest.mark.parametrize("seconds", [-301, 301, -86_400 * 365 * 50, 86_400 * 365 * 1000])
def test_a_time_further_away_is_refused_past_or_future(timed, seconds):
    verify, field, secret, make = timed
    assert refused(verify, make(NOW + timedelta(seconds=seconds)), {field: [secret]}) is TimestampOutOfWindow
