"""E-mail addresses and phone numbers in one spelling each, so that two spellings are one person."""

from __future__ import annotations

from functools import lru_cache


def email(text: str | None) -> str | None:
    """The address in lower case without spaces around it, or None if it is none."""
    found = (text or "").strip().lower()
    name, _, domain = found.rpartition("@")
    return found if name and domain and len(found.split()) == 1 else None


def phone(text: str | None, region: str | None = None) -> str | None:
    """The number in E.164, `+14155550100`, or None if it is none.

    `region` (ISO 3166, "US") says where a number without its country code is from; without it such a number
    cannot be told and gives None.
    """
    if not text:
        return None
    return _phone(text, None if text.startswith("+") or not region else region.upper())


@lru_cache(maxsize=10_000)
def _phone(text: str, region: str | None) -> str | None:
    import phonenumbers  # recipes and connectors are declared without it

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    # "Possible" alone would also take a number that can only be dialled within its town.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_region(text: str) -> bool:
    """Whether there is a region of this name, "US", with phone numbers of its own."""
    import phonenumbers

    return phonenumbers.country_code_for_region(text.upper()) != 0


def region_of(number: str) -> str | None:
    """The region of an E.164 number, "US", or None."""
    import phonenumbers

    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return None
