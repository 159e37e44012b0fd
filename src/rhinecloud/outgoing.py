"""How the broker calls out: HTTP clients that cannot be steered at the city's own machines.

Whoever may name a URL (an @context, a notification's endpoint) could otherwise have the broker read what only the
inside of a network should reach. So addresses are judged after name resolution, which no second look-up can undo.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any
from urllib.parse import SplitResult, urlsplit

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from rhinecloud.kernel.errors import Invalid


class PrivateAddress(Invalid):
    """The URL leads to a private, loopback or otherwise special address, and the settings forbid that."""


def open_session(
    *, allow_private: bool, timeout_s: float, connections: int = 100, connections_per_host: int = 0
) -> aiohttp.ClientSession:
    """Make an HTTP client without cookies and proxies; to be made and closed on the event loop that uses it.

    Both numbers of connections are limits, 0 for none.
    """
    resolver = aiohttp.ThreadedResolver() if allow_private else _PublicResolver()
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=resolver, limit=connections, limit_per_host=connections_per_host, ttl_dns_cache=60
        ),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


def check_url(url: str, *, allow_private: bool, schemes: tuple[str, ...] = ("http", "https")) -> None:
    """Raise Invalid unless `url` is absolute with one of `schemes`, and PrivateAddress for a forbidden literal address.

    Names are judged when they are resolved; a literal address is never resolved, so it is judged here.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no address
        raise Invalid(f"{url!r} is not an absolute URL of {' or '.join(schemes)}") from None
    if parts.scheme not in schemes or not parts.hostname or not _has_port(parts):
        raise Invalid(f"{url!r} is not an absolute URL of {' or '.join(schemes)}")
    if not allow_private and _is_literal(parts.hostname) and not is_public(parts.hostname):
        raise PrivateAddress(f"{url!r} leads to a private address")


async def addresses_of(host: str, port: int, *, allow_private: bool) -> list[AddrInfoType]:
    """Resolve a name for connections over TCP. Raise OSError, also where it leads to a forbidden address."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a name that cannot be
        raise OSError(f"{host} is no name of a host: {error}") from None
    for *_, address in found:
        if not allow_private and not is_public(str(address[0])):
            raise OSError(f"{host} leads to the private address {address[0]}")
    return list(found)


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the open Internet."""
    return ipaddress.ip_address(address).is_global


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _PublicResolver(AbstractResolver):
    """Resolves names and refuses those that lead to any address that is not public."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for each in found:
            if not is_public(each["host"]):
                raise OSError(f"{host} leads to the private address {each['host']}")
        return found

    async def close(self) -> Any:
        await self._inner.close()
