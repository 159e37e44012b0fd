"""Outgoing HTTP clients that cannot be directed at the city's own machines.

A user who may name a URL (of an @context, or a notification's endpoint) could otherwise let the broker send requests to
the internal network. So addresses are checked after name resolution, and no second resolution follows.
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
    """The URL has a private, loopback or otherwise special address, which the settings forbid."""


def open_session(
    *, allow_private: bool, timeout_s: float, connections: int = 100, connections_per_host: int = 0
) -> aiohttp.ClientSession:
    """Return an HTTP client without cookies and proxies; open and close it on the event loop that uses it.

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

    Names are checked when they are resolved; a literal address is never resolved, so it is checked here.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets without an address
        raise Invalid(f"must be an absolute URL with {' or '.join(schemes)}, not {url!r}") from None
    if parts.scheme not in schemes or not parts.hostname or not _has_port(parts):
        raise Invalid(f"must be an absolute URL with {' or '.join(schemes)}, not {url!r}")
    if not allow_private and _is_literal(parts.hostname) and not is_public(parts.hostname):
        raise PrivateAddress(f"{url!r} leads to a private address")


async def addresses_of(host: str, port: int, *, allow_private: bool) -> list[AddrInfoType]:
    """Return the addresses of a host for TCP. Raise OSError, also if one of them is forbidden."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # not a valid name
        raise OSError(f"{host} is not the name of a host: {error}") from None
    for *_, address in found:
        if not allow_private and not is_public(str(address[0])):
            raise OSError(f"{host} leads to the private address {address[0]}")
    return list(found)


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public Internet."""
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
    """Resolves names and refuses those with any address that is not public."""

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
