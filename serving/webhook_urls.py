"""Where a webhook may point: http or https, and no machine inside the network unless allowed.

A name is resolved before each delivery, and the connection goes to the address that was checked:
a name that later points elsewhere does not lead inside.
"""

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

import httpx

from domain.errors import InvalidInput

ON, OFF, LOOPBACK = "on", "off", "loopback"
_MAX_URL = 2_000
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """A checked destination: the address to connect to, and the name to ask for there."""

    url: httpx.URL  # with the address instead of the name
    host_header: str
    name: str


def check_url(url: str) -> None:
    """Raise InvalidInput unless the URL is well-formed."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in _PORTS and parts.hostname and parts.port != 0
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        fine = False
    if not fine or len(url) > _MAX_URL:
        raise InvalidInput(f"url {url[:100]!r} must be http:// or https:// with a host, at most "
                           f"{_MAX_URL} characters", field="url")  # fmt: skip
    if parts.username or parts.password:
        raise InvalidInput("url holds a password; check the signature instead", field="url")


async def check_target(url: str, private: str) -> None:
    """Raise InvalidInput if a URL may not be called; a host that is not there yet may come."""
    check_url(url)
    with contextlib.suppress(OSError, UnicodeError):
        _check_addresses(url, await _addresses(httpx.URL(url)), private)


async def target_of(url: str, private: str) -> Target:
    """Return where to connect, or raise InvalidInput; `private` is on, off or loopback."""
    check_url(url)
    given = httpx.URL(url)
    try:
        addresses = await _addresses(given)
    except (OSError, UnicodeError) as fault:
        raise InvalidInput(f"host {given.host!r} cannot be found: {fault}", field="url") from fault
    _check_addresses(url, addresses, private)
    netloc = given.netloc.decode("ascii")
    return Target(given.copy_with(host=addresses[0]), netloc, given.raw_host.decode("ascii"))


async def _addresses(url: httpx.URL) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(
        url.host, url.port or _PORTS[url.scheme], type=socket.SOCK_STREAM
    )
    return [str(info[4][0]).partition("%")[0] for info in found]


def _check_addresses(url: str, addresses: list[str], private: str) -> None:
    """Raise InvalidInput if any of the addresses may not be called."""
    for address in addresses:
        if not is_allowed(address, private):
            raise InvalidInput(
                f"host {httpx.URL(url).host!r} is at {address}, which is not a public address; "
                "the setting webhooks_private allows it",
                field="url",
            )


def is_allowed(address: str, private: str) -> bool:
    """Return whether messages may go to an address."""
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if ip.is_multicast or ip.is_unspecified:
        return False
    if ip.is_global or private == ON:
        return True
    return private == LOOPBACK and ip.is_loopback
