"""The address of the process that runs the city, for readers and replicas."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from rhinecloud.app.sections import is_shared
from rhinecloud.app.settings import LoadedSettings
from rhinecloud.store.port import Record, Store

KEPT_S = 15.0
"""How long an unused connection is kept: well below the 30 s after which the server closes it, so that a request is
never sent on a connection that is being closed."""
KEEPALIVE = (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 11_000))
KIND = "leader"
"""The kind of the record with the leader's address, in a shared store."""


class UpstreamAddress(msgspec.Struct, frozen=True):
    """A URL, or a socket of this machine; `secret` marks requests that a reader forwards for a client."""

    secret: str
    url: str = "http://city"
    socket: str = ""

    @classmethod
    def at_socket(cls, path: Path) -> UpstreamAddress:
        """Return the address of a socket of this machine."""
        return cls(secrets.token_urlsafe(32), socket=str(path))

    @classmethod
    def at_url(cls, url: str) -> UpstreamAddress:
        """Return the address of a process for other machines."""
        return cls(secrets.token_urlsafe(32), url=url)

    def connector(self) -> aiohttp.BaseConnector:
        """Return a connector for the address."""
        if self.socket:
            return aiohttp.UnixConnector(self.socket, limit=0, keepalive_timeout=KEPT_S)
        return aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_S, socket_factory=_keepalive_socket)


def _keepalive_socket(address: Any) -> socket.socket:
    """Return a socket that fails within seconds when the other machine disappears."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        if hasattr(socket, name):  # not every system has all of them
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made


def upstream_of(settings: LoadedSettings) -> UpstreamAddress | None:
    """Return the address of this process for other machines, None where the store is not shared."""
    if not is_shared(settings):
        return None
    return UpstreamAddress.at_url(settings.server.inside_url or settings.server.url)


async def announce(store: Store, upstream: UpstreamAddress) -> None:
    """Store the address of this process as that of the leader."""
    await store.put_records([Record(KIND, "", KIND, msgspec.json.encode(upstream))])


async def find_leader(store: Store) -> UpstreamAddress | None:
    """Return the leader's address, None where none was announced."""
    record = await store.get_record(KIND, "", KIND)
    return msgspec.json.decode(record.body, type=UpstreamAddress) if record else None
