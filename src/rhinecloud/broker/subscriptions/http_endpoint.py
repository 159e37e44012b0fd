"""Notifications over HTTP: one POST each, over connections that are kept.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.15, 5.2.22, 6.3.5, 6.3.8 and 6.3.14.
"""

from __future__ import annotations

import asyncio

import aiohttp
from yarl import URL

from rhinecloud.broker.outgoing import open_session
from rhinecloud.broker.subscriptions.endpoint import NotDelivered, Send
from rhinecloud.broker.subscriptions.model import Subscription
from rhinecloud.broker.subscriptions.settings import NotificationSettings

HEARD_AND_REFUSED = range(400, 500)
LARGEST_ANSWER = 64 * 1024
NOT_A_REFUSAL = (408, 425, 429)
"""Client errors that say "not now": worth a repeat like any failure of the server."""


class HttpEndpoint:
    """A pool of connections to all HTTP receivers; it follows no redirects, so that nobody is led elsewhere."""

    def __init__(self, settings: NotificationSettings, *, allow_private: bool) -> None:
        self._settings = settings
        self._allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None

    def way_to(self, subscription: Subscription, link: str) -> Send:
        """Make the way to an HTTP receiver."""
        endpoint = subscription.notification.endpoint
        url = URL(endpoint.uri, encoded=True)
        headers = headers_of(subscription, link)
        timeout = aiohttp.ClientTimeout(total=_timeout_s(subscription, self._settings))

        async def send(body: bytes) -> None:
            session = self._open()
            try:
                async with session.post(
                    url, data=body, headers=headers, timeout=timeout, allow_redirects=False
                ) as response:
                    status = response.status
                    if not response.content.at_eof():
                        await response.content.read(LARGEST_ANSWER)  # what was read to its end is kept open
            except TimeoutError:
                raise NotDelivered("no answer in time") from None
            except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
                raise NotDelivered(f"{type(error).__name__}: {error}") from None
            if not 200 <= status < 300:
                refused = status in HEARD_AND_REFUSED and status not in NOT_A_REFUSAL
                raise NotDelivered(f"HTTP {status}", refused=refused)

        return send

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = open_session(
                allow_private=self._allow_private,
                timeout_s=self._settings.max_timeout_s,
                connections=0,
                connections_per_host=self._settings.connections,
            )
        return self._session


def headers_of(subscription: Subscription, link: str) -> dict[str, str]:
    """List what goes beside the body, over HTTP as header fields, over MQTT as metadata (clauses 6.3.5 and 7.2)."""
    endpoint = subscription.notification.endpoint
    headers = {"Content-Type": endpoint.accept}
    if link and endpoint.accept != "application/ld+json":
        headers["Link"] = link
    if subscription.tenant:
        headers["NGSILD-Tenant"] = subscription.tenant
    headers.update({pair.key: pair.value for pair in endpoint.receiver_info})
    return headers


def _timeout_s(subscription: Subscription, settings: NotificationSettings) -> float:
    asked = subscription.notification.endpoint.timeout_ms / 1000
    return min(asked, settings.max_timeout_s) if asked else settings.timeout_s
