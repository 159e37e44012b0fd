"""Which protocols there are: for each, its codec and the kinds of URL that it comes by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rhinecloud.connectors.ais.codec import AisCodec
from rhinecloud.connectors.cap.codec import CapCodec
from rhinecloud.connectors.csv.codec import CsvCodec
from rhinecloud.connectors.gtfs.codec import GtfsCodec
from rhinecloud.connectors.gtfs_rt.codec import GtfsRealtimeCodec
from rhinecloud.connectors.json.codec import JsonCodec
from rhinecloud.connectors.pegelonline.codec import PegelonlineCodec
from rhinecloud.connectors.settings import ConnectorSettings, FeedSettings
from rhinecloud.pack.codec import Codec

HTTP = frozenset({"http", "https"})
LINES = frozenset({"tcp", "tls", "udp"})
MQTT = frozenset({"mqtt", "mqtts"})


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol by name: `make_codec` gives a fresh codec for a feed."""

    schemes: frozenset[str]
    make_codec: Callable[[FeedSettings, ConnectorSettings], Codec]


def protocols() -> Mapping[str, Protocol]:
    """Give all protocols by the name that `connector` names them by."""
    return {
        "ais": Protocol(LINES, lambda feed, limits: AisCodec()),
        "cap": Protocol(HTTP, lambda feed, limits: CapCodec(limits.body_bytes)),
        "csv": Protocol(
            HTTP, lambda feed, limits: CsvCodec(feed.delimiter, feed.time_field, whole=not feed.path)
        ),
        "gtfs": Protocol(HTTP, lambda feed, limits: GtfsCodec(feed.tables, limits.unpacked_bytes)),
        "gtfs-rt": Protocol(HTTP, lambda feed, limits: GtfsRealtimeCodec()),
        "json": Protocol(HTTP, lambda feed, limits: JsonCodec(feed.items, feed.time_field)),
        "mqtt": Protocol(MQTT, lambda feed, limits: JsonCodec(feed.items, feed.time_field)),
        "pegelonline": Protocol(HTTP, lambda feed, limits: PegelonlineCodec()),
    }
