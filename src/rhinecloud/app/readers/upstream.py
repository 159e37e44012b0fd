"""Where the process that runs the city is reached by those in front of it."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from rhinecloud.app.sections import is_shared
from rhinecloud.app.settings import Settings
from rhinecloud.store.port import Record, Store

KEPT_S = 15.0
"""So long an unused connection is kept: well below the thirty seconds after which the server closes it, so that no
request is sent into one that is just being closed."""
GONE = (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 11_000))
KIND = "leader"
"""The record by which processes that share a store learn who leads."""


class UpstreamAddress(msgspec.Struct, frozen=True):
    """An address, `url` or the socket of this machine; who sends `secret` with a request speaks for whoever asked."""

    secret: str
    url: str = "http://city"
    socket: str = ""

    @classmethod
    def at_socket(cls, path: Path) -> UpstreamAddress:
        """Make the address of a socket of this machine."""
        return cls(secrets.token_urlsafe(32), socket=str(path))

    @classmethod
    def at_url(cls, url: str) -> UpstreamAddress:
        """Make the address of a process that other machines reach."""
        return cls(secrets.token_urlsafe(32), url=url)

    def connector(self) -> aiohttp.BaseConnector:
        """Make what connects to it."""
        if self.socket:
            return aiohttp.UnixConnector(self.socket, limit=0, keepalive_timeout=KEPT_S)
        return aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_S, socket_factory=_watched)


def _watched(address: Any) -> socket.socket:
    """Make a socket that breaks within seconds when the other machine is gone without a word."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in GONE:
        if hasattr(socket, name):  # not every system has all of them
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made


def inside_of(settings: Settings) -> UpstreamAddress | None:
    """Say where other machines reach this process, None where there is nobody to reach it."""
    if not is_shared(settings):
        return None
    return UpstreamAddress.at_url(settings.server.inside_url or settings.server.url)


async def announce(store: Store, inside: UpstreamAddress) -> None:
    """Tell the others that share the store that this process leads."""
    await store.put_records([Record(KIND, "", KIND, msgspec.json.encode(inside))])


async def find_leader(store: Store) -> UpstreamAddress | None:
    """Give where the leader is, None where none ever announced itself."""
    record = await store.get_record(KIND, "", KIND)
    return msgspec.json.decode(record.body, type=UpstreamAddress) if record else None
