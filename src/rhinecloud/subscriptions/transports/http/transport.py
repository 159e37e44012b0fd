"""Notifications over HTTP: one POST each, over kept connections.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.15, 5.2.22, 6.3.5, 6.3.8 and 6.3.14.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from rhinecloud.subscriptions.model import Subscription
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.http.deadlines import Deadlines
from rhinecloud.subscriptions.transports.http.pool import ConnectionPool
from rhinecloud.subscriptions.transports.http.write_batch import WriteBatch
from rhinecloud.subscriptions.transports.message import headers_of, timeout_s_of
from rhinecloud.subscriptions.transports.port import Attempt, OnResult, Send

PORTS = {"http": 80, "https": 443}
LEGAL = "%/:?@!$&'()*+,;=~-._[]"
"""Characters, beside letters and digits, that are not quoted in a request's target (RFC 3986)."""
RESERVED = (
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
"""Header fields that frame the message or control its connection: subscribers may not set them."""


class HttpTransport:
    """The connections to all HTTP receivers."""

    def __init__(self, settings: NotificationSettings, *, allow_private: bool, via: str = "") -> None:
        """`via` names this city in each request, so that it recognises its own."""
        self._via = {"Via": via} if via else {}
        self._settings = settings
        self._allow_private = allow_private
        self._pools: dict[tuple[str, str, int], ConnectionPool] = {}
        self._deadlines = Deadlines()
        self._batch = WriteBatch()
        self._tls: ssl.SSLContext | None = None

    def sender_for(self, subscription: Subscription, link: str) -> Send:
        """Return the function that sends to an HTTP receiver."""
        endpoint = subscription.notification.endpoint
        parts = urlsplit(endpoint.uri)
        host = _ascii(parts.hostname or "")
        port = parts.port or PORTS[parts.scheme]
        head = _head(endpoint.uri, {**headers_of(subscription, link), **self._via})
        timeout_s = timeout_s_of(subscription, self._settings)

        def send(body: bytes, on_result: OnResult) -> Attempt:
            request = b"%b%d\r\n\r\n%b" % (head, len(body), body)
            return self._pool(parts.scheme, host, port).post(request, timeout_s, on_result)

        return send

    def flush(self) -> None:
        """Write the requests of this turn of the loop."""
        self._batch.flush()

    async def close(self) -> None:
        """Close every connection."""
        pools, self._pools = self._pools, {}
        for each in pools.values():
            await each.close()
        self._deadlines.close()

    def _pool(self, scheme: str, host: str, port: int) -> ConnectionPool:
        pool = self._pools.get((scheme, host, port))
        if pool is None:
            pool = self._pools[scheme, host, port] = ConnectionPool(
                host,
                port,
                tls=self._tls_context if scheme == "https" else None,
                limit=self._settings.connections,
                allow_private=self._allow_private,
                deadlines=self._deadlines,
                batch=self._batch,
            )
        return pool

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _head(uri: str, headers: Mapping[str, str]) -> bytes:
    """Return the head of a request up to `Content-Length: `."""
    parts = urlsplit(uri)
    target = quote(parts.path or "/", safe=LEGAL) + (
        f"?{quote(parts.query, safe=LEGAL)}" if parts.query else ""
    )
    fields = {"host": ("Host", _ascii(parts.netloc.rpartition("@")[2]))}
    fields["user-agent"] = ("User-Agent", "rhinecloud")
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        fields["authorization"] = ("Authorization", f"Basic {b64encode(pair.encode()).decode()}")
    fields.update({name.lower(): (name, value) for name, value in headers.items()})
    lines = [f"{name}: {value}\r\n" for key, (name, value) in fields.items() if key not in RESERVED]
    return f"POST {target} HTTP/1.1\r\n{''.join(lines)}Content-Length: ".encode()


def _ascii(host: str) -> str:
    """Return a host's name in ASCII; one that has no such form is quoted, and resolving it fails."""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return quote(host, safe=LEGAL)
