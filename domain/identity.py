"""What tells that two customers are one person: an e-mail address, a phone number, a CRM id.

A key is normalised and hashed with a salt of the installation, so that what is kept of it tells
nothing to whoever has no salt. Values that many people share are no keys at all.
"""

import hmac
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

MAX_PROFILES = 10  # a key of more customers than these joins none of them
BLOCKED = frozenset(  # what forms and test scripts put where nobody gave a value; edit freely
    {
        "", "null", "none", "nil", "undefined", "anonymous", "unknown", "guest", "n/a", "na", "nan",
        "-", "test", "test@test.com", "test@example.com", "email@example.com", "user@example.com",
        "a@a.com", "0123456789", "1234567890", "123456789", "12345678", "1234567",
    }
)  # fmt: skip
BLOCKED_MAILBOXES = frozenset({"noreply", "no-reply", "donotreply", "do-not-reply", "null"})
MIN_PHONE_DIGITS = 7
_MAX_LENGTH = 256
_PHONE_MARKS = re.compile(r"[\s().\-/]")


class Key(NamedTuple):
    """One key of a customer: `reason` is the trait it comes from."""

    reason: str
    digest: str


def keys_of(traits: Mapping[str, Any], salt: bytes) -> list[Key]:
    """Return the keys that the traits hold, in the order of KEY_TRAITS."""
    found = ((name, normal(traits.get(name))) for name, normal in KEY_TRAITS.items())
    return [Key(name, hashed((name, value), salt)) for name, value in found if value]


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


def normal_phone(value: Any) -> str | None:
    """Return digits with an optional leading +, or None for what is no key."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = _normal_text(value)
    if text is None:
        return None
    text = _PHONE_MARKS.sub("", text)
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or len(digits) < MIN_PHONE_DIGITS:
        return None
    return None if _says_nothing(digits) else text


def normal_crm_id(value: Any) -> str | None:
    """Return a CRM id as it is compared, or None for what is no key; case counts."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > _MAX_LENGTH:
        return None
    text = unicodedata.normalize("NFC", value.strip())
    return None if _says_nothing(text.lower()) else text


KEY_TRAITS: dict[str, Callable[[Any], str | None]] = {
    "email": normal_email,
    "phone": normal_phone,
    "crm_id": normal_crm_id,
}


def _normal_text(value: Any) -> str | None:
    if not isinstance(value, str) or len(value) > _MAX_LENGTH:
        return None
    return unicodedata.normalize("NFC", value.strip().lower())


def _says_nothing(text: str) -> bool:
    """Return whether a text is blocked, or one digit again and again, such as 000000."""
    return text in BLOCKED or (text.isdigit() and len(set(text)) == 1)
