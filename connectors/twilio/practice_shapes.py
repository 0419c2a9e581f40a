"""How Twilio writes its resources and errors, for the practice service."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

from hub.practice import moment

VERSION = "2010-04-01"


def sid(prefix: str) -> str:
    return prefix + secrets.token_hex(16)


def rfc2822() -> str:
    """The time as the 2010 API writes it: `Fri, 24 May 2019 17:44:46 +0000`."""
    return _second(int(moment.seconds()))


@lru_cache(maxsize=2)
def _second(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC))


def iso() -> str:
    """The time as the newer APIs write it: `2015-07-30T20:12:31Z`."""
    return moment.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def error(status: int, code: int, message: str) -> dict[str, Any]:
    return {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }


def message(
    account: str,
    *,
    to: str,
    body: str,
    sender: str | None,
    service: str | None,
    direction: str,
    status: str,
    segments: int,
) -> dict[str, Any]:
    """A Message resource as it is just after it was made. A service chooses the sender, and counts, later."""
    made, at = sid("SM"), rfc2822()
    uri = f"/{VERSION}/Accounts/{account}/Messages/{made}"
    return {
        "account_sid": account,
        "api_version": VERSION,
        "body": body,
        "date_created": at,
        "date_sent": None,
        "date_updated": at,
        "direction": direction,
        "error_code": None,
        "error_message": None,
        "from": sender,
        "messaging_service_sid": service,
        "num_media": "0",
        "num_segments": "0" if service else str(segments),
        "price": None,
        "price_unit": "USD",
        "sid": made,
        "status": status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": to,
        "uri": f"{uri}.json",
    }


def phone_number(account: str, number: str) -> dict[str, Any]:
    """An IncomingPhoneNumber resource as it is just after the number was bought."""
    made, at = sid("PN"), rfc2822()
    return {
        "account_sid": account,
        "address_requirements": "none",
        "address_sid": None,
        "api_version": VERSION,
        "beta": False,
        "bundle_sid": None,
        "capabilities": {"fax": False, "mms": True, "sms": True, "voice": True},
        "date_created": at,
        "date_updated": at,
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "emergency_status": "Active",
        "friendly_name": number,
        "identity_sid": None,
        "origin": "twilio",
        "phone_number": number,
        "sid": made,
        "sms_application_sid": None,
        "sms_fallback_method": "POST",
        "sms_fallback_url": "",
        "sms_method": "POST",
        "sms_url": "https://demo.twilio.com/welcome/sms/reply",
        "status": "in-use",
        "status_callback": "",
        "status_callback_method": "POST",
        "trunk_sid": None,
        "type": "local",
        "uri": f"/{VERSION}/Accounts/{account}/IncomingPhoneNumbers/{made}.json",
        "voice_application_sid": None,
        "voice_caller_id_lookup": False,
        "voice_fallback_method": "POST",
        "voice_fallback_url": "",
        "voice_method": "POST",
        "voice_receive_mode": "voice",
        "voice_url": "https://demo.twilio.com/welcome/voice/",
    }


def service(account: str, made: str) -> dict[str, Any]:
    """A messaging Service resource."""
    at, url = iso(), f"https://messaging.twilio.com/v1/Services/{made}"
    return {
        "account_sid": account,
        "area_code_geomatch": True,
        "date_created": at,
        "date_updated": at,
        "fallback_method": "POST",
        "fallback_to_long_code": True,
        "fallback_url": None,
        "friendly_name": "Practice service",
        "inbound_method": "POST",
        "inbound_request_url": None,
        "links": {"phone_numbers": f"{url}/PhoneNumbers", "messages": f"{url}/Messages"},
        "mms_converter": True,
        "scan_message_content": "inherit",
        "sid": made,
        "smart_encoding": True,
        "status_callback": None,
        "sticky_sender": True,
        "synchronous_validation": False,
        "url": url,
        "us_app_to_person_registered": False,
        "use_inbound_webhook_on_number": False,
        "usecase": "undeclared",
        "validity_period": 36000,
    }


def service_number(made: str, number: Mapping[str, Any]) -> dict[str, Any]:
    """A number among the senders of a service."""
    return {
        "account_sid": number["account_sid"],
        "capabilities": ["MMS", "SMS", "Voice"],
        "country_code": "US",
        "date_created": iso(),
        "date_updated": iso(),
        "phone_number": number["phone_number"],
        "service_sid": made,
        "sid": number["sid"],
        "url": f"https://messaging.twilio.com/v1/Services/{made}/PhoneNumbers/{number['sid']}",
    }


def account(made: str, status: str) -> dict[str, Any]:
    """An Account resource."""
    at, uri = rfc2822(), f"/{VERSION}/Accounts/{made}"
    return {
        "auth_token": "",
        "date_created": at,
        "date_updated": at,
        "friendly_name": "Practice account",
        "owner_account_sid": made,
        "sid": made,
        "status": status,
        "subresource_uris": {"messages": f"{uri}/Messages.json"},
        "type": "Full",
        "uri": f"{uri}.json",
    }


def inbound_form(message: Mapping[str, Any]) -> dict[str, str]:
    """What Twilio posts when a message came in."""
    return {
        "ToCountry": "US",
        "ToState": "CA",
        "SmsMessageSid": message["sid"],
        "NumMedia": "0",
        "ToCity": "",
        "FromZip": "94107",
        "SmsSid": message["sid"],
        "FromState": "CA",
        "SmsStatus": "received",
        "FromCity": "SAN FRANCISCO",
        "Body": message["body"],
        "FromCountry": "US",
        "To": message["to"],
        "ToZip": "",
        "NumSegments": message["num_segments"],
        "MessageSid": message["sid"],
        "AccountSid": message["account_sid"],
        "From": message["from"],
        "ApiVersion": VERSION,
    }


def status_form(message: Mapping[str, Any], status: str) -> dict[str, str]:
    """What Twilio posts when a sent message got to this status."""
    form = {
        "SmsSid": message["sid"],
        "SmsStatus": status,
        "MessageStatus": status,
        "To": message["to"],
        "MessageSid": message["sid"],
        "AccountSid": message["account_sid"],
        "From": message["from"] or "",
        "ApiVersion": VERSION,
    }
    failed = status in ("undelivered", "failed")
    return form | ({"ErrorCode": str(message["error_code"])} if failed and message["error_code"] else {})
