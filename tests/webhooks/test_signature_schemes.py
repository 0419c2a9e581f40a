"""What only one scheme has: several headers, versions, spellings of an address, ways back from Shopify."""

import hashlib
from urllib.parse import parse_qs, urlencode

import pytest

from hub.errors import SecretMissing, SignatureMissing, SignatureWrong
from tests.webhooks.signed import (
    BODY,
    FORM,
    KEY,
    NOW,
    SHOPIFY,
    URL,
    changed,
    delivery,
    hmac_of,
    hubspot_old_signed,
    hubspot_v3_signed,
    mailchimp_by_url,
    mailchimp_signed,
    refused,
    standard_signed,
)
from webhooks import signatures


def test_of_several_headers_the_first_that_is_there_counts():
    right, wrong = hmac_of("secret", BODY, "sha256"), hmac_of("another", BODY, "sha256")
    SHOPIFY(delivery({"shopify-hmac-sha256": right}), {"webhook_secret": ["secret"]})
    both = delivery({"x-shopify-hmac-sha256": wrong, "shopify-hmac-sha256": right})
    assert refused(SHOPIFY, both, {"webhook_secret": ["secret"]}) is SignatureWrong


def test_a_secret_of_any_of_the_named_fields_may_fit():
    verify = signatures.hmac_header("X-Signature", fields=["first", "second"])
    signed = delivery({"x-signature": hmac_of("secret", BODY, "sha256")})
    verify(signed, {"first": [], "second": ["secret"]})
    assert refused(verify, signed, {"first": ["another"], "third": ["secret"]}) is SignatureWrong


def test_a_wrong_version_3_is_refused_even_if_version_2_beside_it_fits():
    old, new = hubspot_old_signed("v2"), hubspot_v3_signed()
    verify, secrets = signatures.hubspot(), {"client_secret": ["secret"]}
    verify(changed(new, headers=old.headers | new.headers), secrets)
    for wrong in ("", "AAAA"):
        headers = old.headers | new.headers | {"x-hubspot-signature-v3": wrong}
        refused(verify, changed(new, headers=headers), secrets)


def test_a_version_2_signature_does_not_pass_as_version_1_nor_the_other_way_round():
    verify, secrets = signatures.hubspot(), {"client_secret": ["secret"]}
    for version, other in (("v1", "v2"), ("v2", "v1")):
        signed = hubspot_old_signed(version)
        headers = signed.headers | {"x-hubspot-signature-version": other}
        assert refused(verify, changed(signed, headers=headers), secrets) is SignatureWrong


def test_hubspots_address_may_be_signed_with_its_escapes_or_decoded():
    escaped = "https://hub.example/webhooks/a%3Ab%2fc?d=%27e%20f%27"
    decoded = "https://hub.example/webhooks/a:b/c?d='e%20f'"
    for signed_as in (escaped, decoded):
        signed = changed(hubspot_v3_signed(url=signed_as), url=escaped)
        signatures.hubspot()(signed, {"client_secret": ["secret"]})


@pytest.mark.parametrize(
    ("signed_as", "received_as"),
    [
        ("https://hub.example:443/a?b=c", "https://hub.example/a?b=c"),
        ("http://hub.example:80/a?b=c", "http://hub.example/a?b=c"),
        ("https://hub.example/a?b=c", "https://hub.example:443/a?b=c"),
        ("https://hub.example/a?b=c", "https://hub.example:8443/a?b=c"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]:8443/a"),
        ("https://hub.example/a?b='c'", "https://hub.example/a?b=%27c%27"),
        ("https://hub.example:443/a?b=%27c%27", "https://hub.example/a?b='c'"),
    ],
)
def test_twilio_may_sign_the_address_in_other_spellings(signed_as, received_as):
    signature = hmac_of("secret", f"{signed_as}Hi1".encode(), "sha1")
    signed = delivery({"x-twilio-signature": signature}, body=b"Hi=1", url=received_as)
    signatures.twilio()(signed, {"auth_token": ["secret"]})


def test_twilio_on_another_port_or_host_is_refused():
    signature = hmac_of("secret", b"https://hub.example:444/aHi1", "sha1")
    for url in (
        "https://hub.example/a",
        "https://hub.example:445/a",
        "http://hub.example/a",
        "https://other.example/a",
    ):
        signed = delivery({"x-twilio-signature": signature}, body=b"Hi=1", url=url)
        assert refused(signatures.twilio(), signed, {"auth_token": ["secret"]}) is SignatureWrong


def test_a_body_hash_twice_in_the_address_is_refused():
    right = hashlib.sha256(BODY).hexdigest()
    url = f"{URL}&bodySHA256={right}&bodySHA256={right}"
    signed = delivery({"x-twilio-signature": hmac_of("secret", url.encode(), "sha1")}, url=url)
    assert refused(signatures.twilio(), signed, {"auth_token": ["secret"]}) is SignatureWrong


def test_a_json_body_whose_hash_is_not_in_the_address_is_refused():
    signed = delivery({"x-twilio-signature": hmac_of("secret", URL.encode(), "sha1")})
    assert refused(signatures.twilio(), signed, {"auth_token": ["secret"]}) is SignatureWrong


def test_a_mailchimp_signature_that_does_not_fit_is_refused_even_if_the_address_fits():
    signed = changed(mailchimp_signed(), url=mailchimp_by_url().url)
    secrets = {"signing_secret": ["another"], "url_secret": ["secret"]}
    assert refused(signatures.mailchimp(), signed, secrets) is SignatureWrong
    assert refused(signatures.mailchimp(), signed, {"url_secret": ["secret"]}) is SecretMissing
    empty = changed(signed, headers={"x-mailchimp-signature": ""})
    assert refused(signatures.mailchimp(), empty, secrets | {"signing_secret": ["secret"]}) is SignatureMissing


@pytest.mark.parametrize(
    "query", ["key=another", "key=secret&key=secret", "key=", "key=secre", "key=secrett", "key=Secret"]
)
def test_a_wrong_secret_in_the_address_is_refused(query):
    tried = delivery(body=FORM, url=f"https://hub.example/webhooks/any/7?{query}")
    assert refused(signatures.mailchimp(), tried, {"url_secret": ["secret"]}) is SignatureWrong


def test_one_of_several_signatures_in_a_header_may_fit():
    at = str(round(NOW.timestamp()))
    right = hmac_of("secret", at.encode() + b"." + FORM, "sha256", "hex")
    listed = delivery({"x-mailchimp-signature": f"t={at}, v1={'0' * 64}, v1={right}, v2=x"}, body=FORM)
    signatures.mailchimp()(listed, {"signing_secret": ["secret"]})
    genuine = standard_signed()
    several = f"v1a,AAAA v1,AAAA {genuine.headers['webhook-signature']} v2,AAAA"
    headers = genuine.headers | {"webhook-signature": several}
    signatures.standard_webhooks()(changed(genuine, headers=headers), {"signing_secret": [KEY]})


def test_a_standard_signature_of_another_version_is_refused():
    genuine = standard_signed()
    headers = genuine.headers | {"webhook-signature": genuine.headers["webhook-signature"].replace("v1,", "v2,")}
    tried = changed(genuine, headers=headers)
    assert refused(signatures.standard_webhooks(), tried, {"signing_secret": [KEY]}) is SignatureWrong


def test_a_standard_secret_that_is_no_base64_refuses_all_and_says_what_to_do():
    for unusable in ("whsec_", "whsec_%%%", "whsec_é", "whsec_A", "whsec_===="):
        with pytest.raises(SecretMissing, match="Copy it again") as caught:
            signatures.standard_webhooks()(standard_signed(), {"signing_secret": [unusable]})
        assert unusable[6:] == "" or unusable[6:] not in str(caught.value)
    signatures.standard_webhooks()(standard_signed(), {"signing_secret": ["whsec_%%%", KEY]})


def test_a_standard_secret_may_come_without_its_prefix_or_padding():
    for spelling in (KEY.removeprefix("whsec_"), KEY.rstrip("="), KEY + "==", f" {KEY}\n"):
        signatures.standard_webhooks()(standard_signed(), {"signing_secret": [spelling]})


# ---- coming back from Shopify


def oauth_query(values, signed_string):
    return urlencode({**values, "hmac": hmac_of("hush", signed_string.encode(), "sha256", "hex")}, doseq=True)


@pytest.mark.parametrize("signed", ["host=YWI=&state=a b%26c", "host=YWI%3D&state=a%20b%26c"])
def test_shopifys_two_ways_of_escaping_are_accepted(signed):
    query = oauth_query({"state": "a b&c", "host": "YWI="}, signed)
    assert parse_qs(query)["state"] == ["a b&c"]
    signatures.shopify_oauth(query, "hush")


def test_a_repeated_parameter_is_refused():
    query = oauth_query({"shop": "one.myshopify.com"}, "shop=one.myshopify.com")
    signatures.shopify_oauth(query, "hush")
    for repeated in (f"{query}&shop=two.myshopify.com", f"{query}&hmac=00"):
        with pytest.raises(SignatureWrong):
            signatures.shopify_oauth(repeated, "hush")


def test_coming_back_without_a_signature_or_a_secret_is_refused():
    with pytest.raises(SignatureMissing):
        signatures.shopify_oauth("shop=one.myshopify.com", "hush")
    with pytest.raises(SecretMissing):
        signatures.shopify_oauth(oauth_query({"a": "b"}, "a=b"), "")
