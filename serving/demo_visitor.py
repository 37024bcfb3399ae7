"""Visitors of the demo page: each gets a prefix that all of its ids begin with, and a signed proof.

The panel of the demo page shows a profile without the secret key. It may show nobody but the one
who asks, so the prefix lies in a cookie that scripts cannot read, signed with the secret key. Ids
that were not made here never carry such a prefix.
"""

import hashlib
import hmac
import re
import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

from domain.settings import Settings
from serving.keys import Keys

COOKIE = "nextbest_demo"
_PREFIX = re.compile(r"nextbest-demo-[0-9a-f]{24}-")


def new_prefix() -> str:
    """Return a new visitor's prefix; nobody can guess another's."""
    return f"nextbest-demo-{secrets.token_hex(12)}-"


def to_cookie(prefix: str, keys: Keys) -> str:
    """Return the prefix with its signature."""
    return f"{prefix}.{_signature(prefix, keys).decode()}"


def from_cookie(cookie: str, keys: Keys) -> str | None:
    """Return the prefix of a cookie, or None if it was not signed here."""
    prefix, _, signature = cookie.partition(".")
    if not _PREFIX.fullmatch(prefix):
        return None
    return prefix if hmac.compare_digest(signature.encode(), _signature(prefix, keys)) else None


def is_on(settings: Settings, host_header: str) -> bool:
    """Return whether there is a demo page: by the setting, else only on this machine.

    A page of the web can give its own name the address of this machine; such a call names that page
    as its host, and is refused.
    """
    if settings.demo_page != "auto":
        return settings.demo_page == "on"
    return is_loopback(settings.host) and is_loopback(urlsplit(f"//{host_header}").hostname or "")


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is that of this machine alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _signature(prefix: str, keys: Keys) -> bytes:
    message = f"demo visitor {prefix}".encode()
    return hmac.new(keys.secret_key.encode(), message, hashlib.sha256).hexdigest().encode()
