"""Notifications over HTTP: one POST each, over connections that are kept.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.15, 5.2.22, 6.3.5, 6.3.8 and 6.3.14.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from rhinecloud.subscriptions.model.subscription import Subscription
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.http.deadlines import Deadlines
from rhinecloud.subscriptions.transports.http.pool import ConnectionPool
from rhinecloud.subscriptions.transports.http.write_batch import WriteBatch
from rhinecloud.subscriptions.transports.port import Hear, PreparedNotification, Send

PORTS = {"http": 80, "https": 443}
LEGAL = "%/:?@!$&'()*+,;=~-._[]"
"""What stands in a request's target as it is, beside letters and digits (RFC 3986)."""
OURS = (
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
"""Header fields that say where a message ends and what becomes of its connection: nobody else may set them."""


class HttpTransport:
    """The connections to all HTTP receivers."""

    def __init__(self, settings: NotificationSettings, *, allow_private: bool) -> None:
        self._settings = settings
        self._allow_private = allow_private
        self._origins: dict[tuple[str, str, int], ConnectionPool] = {}
        self._deadlines = Deadlines()
        self._departures = WriteBatch()
        self._tls: ssl.SSLContext | None = None

    def way_to(self, subscription: Subscription, link: str) -> Send:
        """Make the way to an HTTP receiver."""
        endpoint = subscription.notification.endpoint
        parts = urlsplit(endpoint.uri)
        host = _ascii(parts.hostname or "")
        port = parts.port or PORTS[parts.scheme]
        head = _head(endpoint.uri, headers_of(subscription, link))
        timeout_s = _timeout_s(subscription, self._settings)

        def send(body: bytes, hear: Hear) -> PreparedNotification:
            request = b"%b%d\r\n\r\n%b" % (head, len(body), body)
            return self._origin(parts.scheme, host, port).post(request, timeout_s, hear)

        return send

    def flush(self) -> None:
        """Write what is to leave in this turn."""
        self._departures.flush()

    async def close(self) -> None:
        """Close every connection."""
        origins, self._origins = self._origins, {}
        for each in origins.values():
            await each.close()
        self._deadlines.close()

    def _origin(self, scheme: str, host: str, port: int) -> ConnectionPool:
        origin = self._origins.get((scheme, host, port))
        if origin is None:
            origin = self._origins[scheme, host, port] = ConnectionPool(
                host,
                port,
                tls=self._tls_context if scheme == "https" else None,
                most=self._settings.connections,
                allow_private=self._allow_private,
                deadlines=self._deadlines,
                departures=self._departures,
            )
        return origin

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


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


def _head(uri: str, headers: Mapping[str, str]) -> bytes:
    """Write the head of a request as far as `Content-Length: `."""
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
    lines = [f"{name}: {value}\r\n" for key, (name, value) in fields.items() if key not in OURS]
    return f"POST {target} HTTP/1.1\r\n{''.join(lines)}Content-Length: ".encode()


def _ascii(host: str) -> str:
    """Give a host's name as DNS knows it; one that cannot be leads nowhere, and is found out when it is resolved."""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return quote(host, safe=LEGAL)


def _timeout_s(subscription: Subscription, settings: NotificationSettings) -> float:
    asked = subscription.notification.endpoint.timeout_ms / 1000
    return min(asked, settings.max_timeout_s) if asked else settings.timeout_s
