"""What tells that two customers are one person: an e-mail address, a phone number, a CRM id.

A key is normalised and hashed with a salt of the installation, so that what is kept of it tells
nothing to whoever has no salt. Values that many people share are no keys at all.
"""

import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

MAX_PROFILES = 10  # a key of more customers than these joins none of them
NOBODY = frozenset(  # what programs write where there is no value; edit freely
    {
        "", "null", "none", "nil", "undefined", "anonymous", "unknown", "guest", "n/a", "nan", "-",
        "(null)", "<null>", "(not set)", "not set", "[object object]",
    }
)  # fmt: skip
BLOCKED = NOBODY | {  # what forms and test scripts put where nobody gave a value; edit freely
    "na", "test", "test@test.com", "test@example.com", "email@example.com", "user@example.com",
    "a@a.com", "0123456789", "1234567890", "123456789", "12345678", "1234567",
}  # fmt: skip
BLOCKED_MAILBOXES = NOBODY | {"noreply", "no-reply", "donotreply", "do-not-reply"}
PHONE_DIGITS = range(7, 16)  # E.164 allows 15
_KEEPS_ZERO = frozenset({"39"})  # calling codes whose numbers keep the 0 that others dial at home
_NATIONAL_DIGITS = 9  # as many behind a calling code make a number that was written with it
_MAX_LENGTH = 256
_PHONE_MARKS = re.compile(r"[\s().\-/\u2010-\u2015\u00b7]")


class Key(NamedTuple):
    """One key of a customer: `reason` is the trait it comes from."""

    reason: str
    digest: str


def is_nobody(given: str) -> bool:
    """Return whether an id says that there is none: 'null', 'undefined', zeros and the like."""
    text = given.strip().lower()
    return text in NOBODY or not text.strip("0-")


def keys_of(traits: Mapping[str, Any], salt: bytes, calling_code: str = "") -> list[Key]:
    """Return the keys that the traits hold: e-mail address, phone number, CRM id.

    `calling_code` completes phone numbers that were written as they are dialled at home.
    """
    found = {
        "email": normal_email(traits.get("email")),
        "phone": normal_phone(traits.get("phone"), calling_code),
        "crm_id": normal_crm_id(traits.get("crm_id")),
    }
    return [Key(name, hashed((name, value), salt)) for name, value in found.items() if value]


def hashed(parts: Iterable[str], salt: bytes) -> str:
    """Return the salted hash of a text in parts (HMAC-SHA256, hex)."""
    return hmac.new(salt, "\x00".join(parts).encode(), sha256).hexdigest()


def normal_email(value: Any) -> str | None:
    """Return an address as it is compared, or None for what is no key.

    Providers' own rules (dots, plus signs) are not followed: they differ, and change.
    """
    text = _normal_text(value)
    if text is None or text in BLOCKED:
        return None
    mailbox, _, domain = text.rpartition("@")
    if not mailbox or "." not in domain or " " in text or mailbox in BLOCKED_MAILBOXES:
        return None
    return text


def normal_phone(value: Any, calling_code: str = "") -> str | None:
    """Return a number in the form of E.164 (+, country, number), or None for what is no key.

    A number written without its country gets `calling_code` (digits, such as 49), or stays as it is
    where none is set; then it equals only what was written alike.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = _normal_text(value)
    if text is None:
        return None
    text = text.removeprefix("tel:")
    if text.lstrip().startswith(("+", "00")):
        text = text.replace("(0)", "")  # +49 (0)170: the 0 is dialled at home alone
    text = _PHONE_MARKS.sub("", text)
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or _says_nothing(digits):
        return None
    if text.startswith("00"):
        text = f"+{digits[2:]}"
    elif calling_code and not text.startswith("+"):
        text = f"+{_international(digits, calling_code)}"
    return text if len(text.removeprefix("+")) in PHONE_DIGITS else None


def _international(digits: str, code: str) -> str:
    """Return a number with its country, given one that was written without a plus sign."""
    if digits.startswith("0"):
        return code + (digits if code in _KEEPS_ZERO else digits[1:])
    has_country = digits.startswith(code) and len(digits) >= len(code) + _NATIONAL_DIGITS
    return digits if has_country else code + digits


def normal_crm_id(value: Any) -> str | None:
    """Return a CRM id as it is compared, or None for what is no key; case counts."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > _MAX_LENGTH:
        return None
    text = unicodedata.normalize("NFC", value.strip())
    return None if _says_nothing(text.lower()) else text


def _normal_text(value: Any) -> str | None:
    if not isinstance(value, str) or len(value) > _MAX_LENGTH:
        return None
    return unicodedata.normalize("NFC", value.strip().lower())


def _says_nothing(text: str) -> bool:
    """Return whether a text is blocked, or one digit again and again, such as 000000."""
    return text in BLOCKED or (text.isdigit() and len(set(text)) == 1)
