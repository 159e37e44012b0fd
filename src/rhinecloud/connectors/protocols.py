"""The codecs of the core: for each, its factory and its transports."""

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
from rhinecloud.pack.model import MakeCodec

HTTP = frozenset({"http", "https"})
LINES = frozenset({"tcp", "tls", "udp"})
MQTT = frozenset({"mqtt", "mqtts"})
ANY = HTTP | LINES | MQTT


@dataclass(frozen=True, slots=True)
class Protocol:
    """A codec: `make_codec` makes a new one for a feed, whose URL must have one of `schemes`."""

    schemes: frozenset[str]
    make_codec: Callable[[FeedSettings, ConnectorSettings], Codec]


def protocols(codecs: Mapping[str, MakeCodec]) -> Mapping[str, Protocol]:
    """Return the codecs by the names for `connector`: the core's, and those of packs (`port.vts`)."""
    return {**_core(), **{name: _of_pack(make) for name, make in codecs.items()}}


def _of_pack(make: MakeCodec) -> Protocol:
    return Protocol(ANY, lambda feed, limits: make())


def _core() -> Mapping[str, Protocol]:
    return {
        "ais": Protocol(LINES | MQTT, lambda feed, limits: AisCodec()),
        "cap": Protocol(HTTP | MQTT, lambda feed, limits: CapCodec(limits.body_bytes)),
        "csv": Protocol(
            HTTP | MQTT, lambda feed, limits: CsvCodec(feed.delimiter, feed.time_field, whole=not feed.path)
        ),
        "gtfs": Protocol(HTTP, lambda feed, limits: GtfsCodec(feed.tables, limits.unpacked_bytes)),
        "gtfs-rt": Protocol(HTTP | MQTT, lambda feed, limits: GtfsRealtimeCodec()),
        "json": Protocol(ANY, lambda feed, limits: JsonCodec(feed.items, feed.time_field)),
        "mqtt": Protocol(MQTT, lambda feed, limits: JsonCodec(feed.items, feed.time_field)),
        "pegelonline": Protocol(HTTP | MQTT, lambda feed, limits: PegelonlineCodec()),
    }
