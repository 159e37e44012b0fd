"""The codecs of the core: for each, its factory and its transports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rhinecloud.connectors.ais.codec import AisCodec
from rhinecloud.connectors.cap.alert import AlertReader
from rhinecloud.connectors.cap.areas import BUNDLED, AreaTable
from rhinecloud.connectors.cap.codec import CapCodec
from rhinecloud.connectors.cap.document import linked_warnings
from rhinecloud.connectors.csv.codec import CsvCodec, CsvFormat
from rhinecloud.connectors.gtfs.codec import GtfsCodec
from rhinecloud.connectors.gtfs_rt.codec import GtfsRealtimeCodec
from rhinecloud.connectors.http.linked import FindLinked
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
    """A codec: `make_codec` makes a new one for a feed, whose URL must have one of `schemes`.

    Its last argument has the names of members that the mapping reads, none where that is not known.
    """

    schemes: frozenset[str]
    make_codec: Callable[[FeedSettings, ConnectorSettings, frozenset[str]], Codec]
    linked: FindLinked | None = None
    """Finds the addresses of the documents that belong to a polled one, which the link fetches, too."""


def protocols(codecs: Mapping[str, MakeCodec]) -> Mapping[str, Protocol]:
    """Return the codecs by the names for `connector`: the core's, and those of packs (`port.vts`)."""
    return {**_core(), **{name: _of_pack(make) for name, make in codecs.items()}}


def _of_pack(make: MakeCodec) -> Protocol:
    return Protocol(ANY, lambda feed, limits, names: make())


def _cap(feed: FeedSettings, limits: ConnectorSettings) -> Codec:
    files = [BUNDLED, *([Path(feed.code_areas)] if feed.code_areas else [])]
    reader = AlertReader(AreaTable(files), timedelta(hours=feed.lifetime_h))
    follows = not feed.path and feed.url.startswith(("http:", "https:"))
    return CapCodec(limits.body_bytes, reader, follows=follows)


def _core() -> Mapping[str, Protocol]:
    return {
        "ais": Protocol(LINES | MQTT, lambda feed, limits, names: AisCodec()),
        "cap": Protocol(HTTP | MQTT, lambda feed, limits, names: _cap(feed, limits), linked_warnings),
        "csv": Protocol(HTTP | MQTT, lambda feed, limits, names: CsvCodec(_table(feed, names))),
        "gtfs": Protocol(
            HTTP, lambda feed, limits, names: GtfsCodec(feed.tables, limits.unpacked_bytes, feed.encoding)
        ),
        "gtfs-rt": Protocol(HTTP | MQTT, lambda feed, limits, names: GtfsRealtimeCodec()),
        "json": Protocol(
            ANY, lambda feed, limits, names: JsonCodec(feed.items, feed.time_field, feed.no_data, names)
        ),
        "mqtt": Protocol(
            MQTT, lambda feed, limits, names: JsonCodec(feed.items, feed.time_field, feed.no_data, names)
        ),
        "pegelonline": Protocol(HTTP | MQTT, lambda feed, limits, names: PegelonlineCodec()),
    }


def _table(feed: FeedSettings, names: frozenset[str]) -> CsvFormat:
    return CsvFormat(
        delimiter=feed.delimiter,
        encoding=feed.encoding,
        skip_lines=feed.skip_lines,
        comment=feed.comment,
        no_data=feed.no_data,
        time_field=feed.time_field,
        whole=not feed.path or feed.is_mqtt,
        names=names - feed.fields.keys(),
    )
