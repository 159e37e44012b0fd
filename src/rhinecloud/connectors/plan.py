"""Plans feeds from settings: each `[feeds.<name>]` is checked before any of them runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from rhinecloud.connectors.cap.areas import AreaTable
from rhinecloud.connectors.csv.text import is_encoding, keeps_line_ends
from rhinecloud.connectors.http.dates import check_dates
from rhinecloud.connectors.links import MakeLink, live_link, replay_link, scheme_of
from rhinecloud.connectors.mapping import DeclaredMapping, load_mapping, names_read
from rhinecloud.connectors.mapping.lookup import read_path
from rhinecloud.connectors.pipeline import FeedMarks
from rhinecloud.connectors.protocols import HTTP, MQTT, Protocol, protocols
from rhinecloud.connectors.settings import DROP, MEASURED, WORLD, ConnectorSettings, FeedSettings
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector, Faults, unknown
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.region import ANYWHERE, CityArea, Region, read_region
from rhinecloud.pack.codec import Codec
from rhinecloud.pack.mapping import Mapping as Meaning
from rhinecloud.pack.model import MakeCodec

FILES = ("tls_ca", "tls_certificate", "code_areas")
"""Settings that name a file of the city's folder."""
SHORTEST_SILENCE_S = 300.0
HOUR_S = 3_600.0
DAY_S = 86_400.0
MAY_REST = frozenset({"gtfs", "cap"})


@dataclass(frozen=True, slots=True)
class CitySources:
    """What feeds may refer to: the city's folder, the mappings of packs and city by name, the city's own MQTT server.

    A feed of transport `mqtt` without a url connects to `mqtt_url` with `mqtt_username` and `mqtt_password`; devices
    publish there below `mqtt_topics` (anywhere where it is empty). `codecs` are those of packs by name, `contexts` the
    @contexts of packs; `area` is where the city is.
    """

    root: Path
    mappings: Mapping[str, Meaning]
    mqtt_url: str = ""
    mqtt_username: str = ""
    mqtt_password: str = field(default="", repr=False)
    mqtt_topics: tuple[str, ...] = ()
    codecs: Mapping[str, MakeCodec] = field(default_factory=dict)
    contexts: Mapping[str, Context] = field(default_factory=dict)
    area: CityArea = ANYWHERE
    zone: tzinfo = UTC
    """The city's time zone, of dates in addresses."""


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """A feed that can be made; nothing is open yet.

    `context` is that of the pack of its mapping; None where the names are the city's.
    """

    name: str
    settings: FeedSettings
    meaning: Meaning
    context: Context | None
    marks: FeedMarks
    silent_after_s: float
    make_codec: Callable[[], Codec]
    make_link: MakeLink
    frozen_after_s: float = math.inf
    """After how long without anything new a polled source counts as silent, though it answers."""
    polled: bool = False
    """Whether the source is asked again and again, so that its last answer is the present state."""
    own_mqtt: bool = False
    """Whether it subscribes at the city's own MQTT server."""

    def is_same(self, other: FeedPlan) -> bool:
        """Return whether both plans make the same feed."""
        mine = (self.settings, self.meaning, self.context and self.context.key, self.silent_after_s)
        return mine == (
            other.settings,
            other.meaning,
            other.context and other.context.key,
            other.silent_after_s,
        )


def plan_feeds(
    feeds: Mapping[str, FeedSettings], limits: ConnectorSettings, sources: CitySources
) -> list[FeedPlan]:
    """Return the plans of all feeds; raise Invalid, or Faults, with each faulty setting (`feeds.rhine.mapping`)."""
    collector, plans = ErrorCollector(), []
    for name, settings in feeds.items():
        with collector.collect():
            plans.append(plan_feed(name, settings, limits, sources))
    collector.finish()
    return plans


def plan_feed(name: str, settings: FeedSettings, limits: ConnectorSettings, sources: CitySources) -> FeedPlan:
    """Return the plan of one feed; raise Invalid, or Faults, with each faulty setting."""
    try:
        return _plan(name, settings, limits, sources)
    except Invalid as error:
        collector = ErrorCollector()
        for fault in error.faults:
            collector.add(fault.reason, f"feeds.{name}.{fault.field}" if fault.field else f"feeds.{name}")
        raise collector.error() from None


def _plan(name: str, settings: FeedSettings, limits: ConnectorSettings, sources: CitySources) -> FeedPlan:
    own_mqtt = settings.is_mqtt and not settings.url and not settings.path
    collector = ErrorCollector()
    with collector.collect():
        _check_values(settings)
    with collector.collect():
        protocol = find_protocol(settings.connector, sources.codecs)
        if not settings.path and not own_mqtt:
            _check_scheme(settings, protocol.schemes)
    with collector.collect():
        meaning, context = find_meaning(settings.mapping, sources)
    with collector.collect():
        area = find_area(settings, sources.area)
    with collector.collect():
        if settings.code_areas:
            AreaTable([sources.root / settings.code_areas]).load()
    collector.finish()
    feed = _below(_on_own_mqtt(settings, sources) if own_mqtt else settings, sources.root)

    def make_codec() -> Codec:
        return protocol.make_codec(feed, limits, names_read(meaning))

    if feed.path:
        make_link = replay_link(feed, sources.root, make_codec)
    else:
        topics = _topics(feed, meaning)
        if own_mqtt:
            _check_topics(topics, sources.mqtt_topics)
        make_link = live_link(name, feed, topics, sources.root, protocol.linked, sources.zone)
    polled = not feed.path and scheme_of(feed.url) in HTTP
    most_bytes = limits.message_bytes if settings.is_mqtt else limits.body_bytes
    simulated = feed.simulated or (bool(feed.path) and feed.dates != MEASURED)
    return FeedPlan(
        name=name,
        settings=feed,
        meaning=meaning,
        context=context,
        marks=FeedMarks(
            simulated=simulated,
            fields=feed.fields,
            most_bytes=most_bytes,
            area=area,
            drop_outside=feed.outside == DROP,
            future_skew_s=limits.future_skew_s,
        ),
        silent_after_s=_silent_after_s(feed),
        make_codec=make_codec,
        make_link=make_link,
        polled=polled,
        frozen_after_s=_frozen_after_s(feed) if polled else math.inf,
        own_mqtt=own_mqtt,
    )


def _silent_after_s(feed: FeedSettings) -> float:
    return feed.silent_after_s or max(3 * feed.interval_s, SHORTEST_SILENCE_S)


def _frozen_after_s(feed: FeedSettings) -> float:
    """Return after how long without news a polled source is silent: warnings and timetables may rest for weeks."""
    if feed.frozen_after_s:
        return feed.frozen_after_s
    if feed.connector in MAY_REST:
        return math.inf
    if feed.silent_after_s or feed.connector == "gtfs-rt":
        return _silent_after_s(feed)
    return max(HOUR_S if feed.connector == "pegelonline" else DAY_S, 3 * feed.interval_s)


def _check_values(settings: FeedSettings) -> None:
    collector = ErrorCollector()
    if settings.url and settings.path:
        collector.add("must not be combined with `url`", "path")
    if len(settings.delimiter) > 1:
        collector.add("must be one character", "delimiter")
    if settings.encoding and not is_encoding(settings.encoding):
        collector.add(f"must be an encoding such as `cp1252`, not {settings.encoding!r}", "encoding")
    elif settings.encoding and settings.path and not keeps_line_ends(settings.encoding):
        collector.add("must be one with the line ends of ASCII, for a recording is read by lines", "encoding")
    for name, text in (("url", settings.url), ("body", settings.body)):
        with collector.collect():
            check_dates(text, name)
    if settings.oauth_url and not settings.username:
        collector.add("must be the client's id, for `oauth_url`", "username")
    if settings.next_page:
        with collector.collect():
            _check_path(settings.next_page)
    if settings.skip_lines < 0:
        collector.add("must be 0 or more", "skip_lines")
    collector.finish()


def find_area(settings: FeedSettings, city: CityArea) -> Region | None:
    """Return where the things of a feed can be, None: anywhere; raise Invalid."""
    written = settings.area
    if not isinstance(written, str) and written:
        return read_region(written, "area")
    if written not in ("", WORLD, ()):
        raise Invalid(f"must be west, south, east, north, or `{WORLD}`, not {written!r}", field="area")
    if written != WORLD and city.surroundings is not None:
        return city.surroundings
    if settings.outside == DROP:
        known = "it is the world" if written == WORLD else "`city.bbox` is empty, too"
        raise Invalid(f"must be west, south, east, north with `outside` = `{DROP}`: {known}", field="area")
    return None


def _check_path(path: str) -> None:
    try:
        read_path(path)
    except Invalid as error:
        raise Invalid(error.reason, field="next_page") from None


def find_protocol(name: str, codecs: Mapping[str, MakeCodec]) -> Protocol:
    """Return a protocol by the name of its connector; raise Invalid."""
    known = protocols(codecs)
    if not name:
        raise Invalid(f"must be one of {', '.join(known)}", field="connector")
    if name not in known:
        raise Invalid(unknown(f"connector {name!r}", name, known), field="connector")
    return known[name]


def find_meaning(name: str, sources: CitySources) -> tuple[Meaning, Context | None]:
    """Return a mapping and the @context of its names, by its whole name (`port.ais`), or by the part after the dot
    where only one pack has it; raise Invalid, or Faults, where there is none or it has faults."""
    if name in sources.mappings:
        return sources.mappings[name], sources.contexts.get(name.partition(".")[0])
    alike = [whole for whole in sources.mappings if name and whole.endswith(f".{name}")]
    if len(alike) == 1:
        return find_meaning(alike[0], sources)
    if name.endswith((".yaml", ".yml")):
        try:
            return load_mapping(sources.root / name, name), None
        except Invalid as error:
            raise Faults([Invalid(str(each), field="mapping") for each in error.faults]) from None
    if not name:
        raise Invalid("must be a pack's mapping by name, or a YAML file", field="mapping")
    what = f"mapping {name!r}, and it is not a YAML file"
    raise Invalid(unknown(what, name, sources.mappings), field="mapping")


def _on_own_mqtt(settings: FeedSettings, sources: CitySources) -> FeedSettings:
    """Return the settings for the city's own MQTT server, with the city's credentials unless the feed has its own."""
    if not sources.mqtt_url:
        raise Invalid("must be the URL of a server, because the city has no MQTT port", field="url")
    if settings.username:
        return replace(settings, url=sources.mqtt_url)
    return replace(
        settings, url=sources.mqtt_url, username=sources.mqtt_username, password=sources.mqtt_password
    )


def _below(feed: FeedSettings, root: Path) -> FeedSettings:
    """Return the settings with the feed's files relative to the city's folder."""
    files: dict[str, Any] = {key: str(root / value) for key in FILES if (value := getattr(feed, key))}
    return replace(feed, **files) if files else feed


def _check_scheme(feed: FeedSettings, schemes: frozenset[str]) -> None:
    if not feed.url:
        raise Invalid("must be set, or `path` to a recording", field="url")
    if scheme_of(feed.url) not in schemes:
        raise Invalid(f"must begin with one of {', '.join(sorted(schemes))}, not {feed.url!r}", field="url")


def _topics(feed: FeedSettings, meaning: Meaning) -> Sequence[str]:
    if scheme_of(feed.url) not in MQTT:
        return ()
    written = (feed.topic,) if isinstance(feed.topic, str) else feed.topic
    topics = tuple(each for each in written if each)
    if not topics and isinstance(meaning, DeclaredMapping):
        topics = meaning.topics
    if not topics:
        raise Invalid("must be set, because the mapping has no topics", field="topic")
    return topics


def _check_topics(topics: Sequence[str], roots: tuple[str, ...]) -> None:
    """Raise Invalid where devices must not publish to a topic on the city's own MQTT port."""
    for topic in topics:
        if roots and not any(f"{topic}/".startswith(f"{root}/") for root in roots):
            places = " or ".join(f"`{root}/`" for root in roots)
            raise Invalid(
                f"must be below {places}, where devices publish on the city's own MQTT port, not `{topic}`; "
                "stream.devices_topic permits further topics",
                field="topic",
            )
