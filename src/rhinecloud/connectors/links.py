"""Makes the link of a feed from its settings: by the URL's scheme, or for a recording."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from rhinecloud.connectors.health import Monotonic
from rhinecloud.connectors.http.link import HttpLink, HttpSource
from rhinecloud.connectors.http.linked import FindLinked
from rhinecloud.connectors.http.oauth import AccessToken, ClientCredentials
from rhinecloud.connectors.mapping.lookup import read_path
from rhinecloud.connectors.mqtt.connection import MqttServer
from rhinecloud.connectors.mqtt.link import MqttLink
from rhinecloud.connectors.port import Link
from rhinecloud.connectors.replay.link import Pace, ReplayLink
from rhinecloud.connectors.replay.recording import FeedRecording, find_files
from rhinecloud.connectors.settings import NOW, ConnectorSettings, FeedSettings
from rhinecloud.connectors.tcp.link import Peer, TcpLink
from rhinecloud.connectors.tls import client_context
from rhinecloud.connectors.udp.link import UdpLink
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import Clock, parse_time
from rhinecloud.pack.codec import Codec

PORTS = {"mqtt": 1883, "mqtts": 8883}
ENCRYPTED = frozenset({"tls", "mqtts", "https"})


@dataclass(frozen=True, slots=True)
class LinkContext:
    """What links use: clocks, random numbers and the limits."""

    limits: ConnectorSettings
    clock: Clock
    monotonic: Monotonic
    random: Callable[[], float]


MakeLink = Callable[[LinkContext], Link]


def live_link(
    name: str,
    feed: FeedSettings,
    topics: Sequence[str],
    root: Path,
    linked: FindLinked | None = None,
    zone: tzinfo = UTC,
) -> MakeLink:
    """Return the factory of the link for the feed's URL; raise Invalid with the setting."""
    url = feed.url
    parts = _split(url)
    if parts.scheme == "udp":
        host, port = parts.hostname or "127.0.0.1", _port(parts)
        return lambda tools: UdpLink(host, port, tools.clock)
    if not parts.hostname:
        raise Invalid(f"must have a host, not {url!r}", field="url")
    if parts.scheme in ("http", "https"):
        return _http(feed, url, linked, zone)
    if parts.scheme in ("mqtt", "mqtts"):
        return _mqtt(feed, parts, topics, feed.client_id or _client_id(name, root))
    return _tcp(feed, parts)


def replay_link(feed: FeedSettings, root: Path, make_codec: Callable[[], Codec]) -> MakeLink:
    """Return the factory of the link that plays a recording; raise Invalid where it does not exist."""
    files = find_files(feed.path, root)
    made_at = parse_time(feed.recorded_at, zone=UTC) if feed.recorded_at else None
    pace = Pace(feed.speed, feed.rate_per_s, feed.loop, redate=feed.dates == NOW, made_at=made_at)

    def make(tools: LinkContext) -> Link:
        recording = FeedRecording(
            files,
            make_codec(),
            tools.limits.line_bytes,
            tools.limits.body_bytes,
            mqtt=feed.is_mqtt,
        )
        return ReplayLink(recording, pace, tools.clock, tools.monotonic)

    return make


def scheme_of(url: str) -> str:
    """Return the scheme of a URL; raise Invalid where the text is not one."""
    return _split(url).scheme


def _http(feed: FeedSettings, url: str, linked: FindLinked | None, zone: tzinfo) -> MakeLink:
    tls = client_context(feed) if feed.tls_ca or feed.tls_certificate else None
    headers = dict(feed.headers)
    if feed.username and not feed.oauth_url:
        secret = base64.b64encode(f"{feed.username}:{feed.password}".encode()).decode()
        headers["Authorization"] = f"Basic {secret}"

    def make(tools: LinkContext) -> Link:
        source = HttpSource(
            url=url,
            interval_s=feed.interval_s,
            timeout_s=tools.limits.request_timeout_s,
            connect_timeout_s=tools.limits.connect_timeout_s,
            body_bytes=tools.limits.body_bytes,
            headers=headers,
            redirects=not feed.headers and not feed.oauth_url,
            tls=tls,
            linked=linked,
            body=feed.body,
            zone=zone,
            next_page=read_path(feed.next_page) if feed.next_page else None,
            most_pages=feed.pages,
        )
        return HttpLink(source, tools.clock, tools.random, token=_token(feed, tools))

    return make


def _token(feed: FeedSettings, tools: LinkContext) -> AccessToken | None:
    if not feed.oauth_url:
        return None
    credentials = ClientCredentials(feed.oauth_url, feed.username, feed.password, feed.oauth_scope)
    return AccessToken(credentials, tools.monotonic)


def _mqtt(feed: FeedSettings, parts: SplitResult, topics: Sequence[str], client_id: str) -> MakeLink:
    tls = client_context(feed) if parts.scheme == "mqtts" else None
    port = parts.port or PORTS[parts.scheme]

    def make(tools: LinkContext) -> Link:
        server = MqttServer(
            host=parts.hostname or "",
            port=port,
            client_id=client_id,
            version=feed.mqtt_version,
            username=feed.username or unquote(parts.username or ""),
            password=feed.password or unquote(parts.password or ""),
            tls=tls,
            connect_timeout_s=tools.limits.connect_timeout_s,
        )
        return MqttLink(server, topics, tools.clock)

    return make


def _tcp(feed: FeedSettings, parts: SplitResult) -> MakeLink:
    tls = client_context(feed) if parts.scheme == "tls" else None
    host, port = parts.hostname or "", _port(parts)

    def make(tools: LinkContext) -> Link:
        limits = tools.limits
        return TcpLink(
            Peer(host, port, tls, limits.connect_timeout_s, limits.idle_s, limits.line_bytes), tools.clock
        )

    return make


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Invalid(f"must be a URL, not {url!r}: {error}", field="url") from None
    return parts


def _port(parts: SplitResult) -> int:
    if parts.port is None:
        raise Invalid(f"must have a port, not {parts.geturl()!r}", field="url")
    return parts.port


def _client_id(name: str, root: Path) -> str:
    """Return the client id of an MQTT session: the same at each start, different for each city."""
    return f"rhinecloud-{name}-{hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]}"
