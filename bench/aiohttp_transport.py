"""Notifications over HTTP with aiohttp: the peer of the city's own client, and a third engine of the contract.

It passes `tests/ports/test_transports.py`. A city that should use it would put it in the place of `HttpTransport`.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from rhinecloud.outgoing import addresses_of
from rhinecloud.subscriptions.model import Subscription
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.http.transport import LEGAL, RESERVED
from rhinecloud.subscriptions.transports.message import headers_of, timeout_s_of
from rhinecloud.subscriptions.transports.port import NotDelivered, Send
from rhinecloud.subscriptions.transports.task import TaskAttempt

CLIENT_ERRORS = range(400, 500)
TRANSIENT = (408, 425, 429)
LARGEST_ANSWER = 64 * 1024
IDLE_S = 15.0
ADDRESSES_S = 60
CONNECT_S = 10.0


class CheckedResolver(AbstractResolver):
    """Resolves names to addresses that notifications may go to."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host. Raise OSError where there is none that is allowed."""
        found = await addresses_of(host, port, allow_private=self._allow_private)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Do nothing."""


class AiohttpTransport:
    """One aiohttp session for all HTTP receivers."""

    def __init__(self, settings: NotificationSettings, *, allow_private: bool) -> None:
        self._settings = settings
        self._allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None

    def sender_for(self, subscription: Subscription, link: str) -> Send:
        """Return the function that sends to an HTTP receiver."""
        uri = subscription.notification.endpoint.uri
        url, headers = _url_of(uri), _headers_of(uri, headers_of(subscription, link))
        timeout = aiohttp.ClientTimeout(
            total=timeout_s_of(subscription, self._settings), sock_connect=CONNECT_S
        )

        async def post(body: bytes) -> None:
            if not self._allow_private:  # aiohttp does not resolve literal addresses
                await addresses_of(url.host or "", url.port or 0, allow_private=False)
            async with self._opened().post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                if answer.headers.get("Content-Length", "0") != "0":
                    await answer.content.read(LARGEST_ANSWER)
                if not 200 <= answer.status < 300:
                    refused = answer.status in CLIENT_ERRORS and answer.status not in TRANSIENT
                    raise NotDelivered(f"HTTP {answer.status}", refused=refused)

        async def send(body: bytes) -> None:
            try:
                try:
                    await post(body)
                except aiohttp.ServerDisconnectedError:
                    await post(body)  # a kept connection may be closed just as it is used
            except TimeoutError:
                raise NotDelivered("no answer in time") from None
            except (aiohttp.ClientError, OSError) as error:
                raise NotDelivered(f"{type(error).__name__}: {error}") from None

        return lambda body, on_result: TaskAttempt(send(body), on_result)

    def flush(self) -> None:
        """Do nothing: each notification is written by itself."""

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0,
                limit_per_host=self._settings.connections,
                keepalive_timeout=IDLE_S,
                resolver=CheckedResolver(allow_private=self._allow_private),
                ttl_dns_cache=ADDRESSES_S,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("Accept", "Accept-Encoding"),
            )
        return self._session


def _url_of(uri: str) -> URL:
    parts = urlsplit(uri)
    query = f"?{quote(parts.query, safe=LEGAL)}" if parts.query else ""
    path = quote(parts.path or "/", safe=LEGAL)
    return URL(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}{query}", encoded=True)


def _headers_of(uri: str, headers: Mapping[str, str]) -> dict[str, str]:
    parts = urlsplit(uri)
    found = {"User-Agent": "rhinecloud"}
    if parts.username is not None:
        login = aiohttp.BasicAuth(unquote(parts.username), unquote(parts.password or ""), "utf-8")
        found["Authorization"] = login.encode()
    return {**found, **{name: value for name, value in headers.items() if name.lower() not in RESERVED}}
