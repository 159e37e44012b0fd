"""From settings to feeds: each `[feeds.<name>]` is checked and put together before any of them runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from rhinecloud.connectors.links import MakeLink, live_link, replay_link, scheme_of
from rhinecloud.connectors.mapping import DeclaredMapping, load_mapping
from rhinecloud.connectors.pipeline import Marks
from rhinecloud.connectors.port import Codec
from rhinecloud.connectors.protocols import MQTT, protocols
from rhinecloud.connectors.settings import ConnectorSettings, FeedSettings
from rhinecloud.kernel.errors import Invalid
from rhinecloud.pack.model import Mapping as Meaning

SHORTEST_SILENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class CitySources:
    """What feeds may refer to: the city's folder, the mappings of packs and city by name, the city's own MQTT server.

    `mqtt_url` is what a feed of connector `mqtt` without a url connects to, with `mqtt_username` and `mqtt_password`;
    below `mqtt_topics` devices may publish there, anywhere where it is empty.
    """

    root: Path
    mappings: Mapping[str, Meaning]
    mqtt_url: str = ""
    mqtt_username: str = ""
    mqtt_password: str = field(default="", repr=False)
    mqtt_topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """A feed that is ready to be made: nothing is open yet."""

    name: str
    settings: FeedSettings
    meaning: Meaning
    marks: Marks
    silent_after_s: float
    make_codec: Callable[[], Codec]
    make_link: MakeLink


def plan_feeds(
    feeds: Mapping[str, FeedSettings], limits: ConnectorSettings, sources: CitySources
) -> list[FeedPlan]:
    """Plan all feeds; raises Invalid naming the setting, such as `feeds.rhine.mapping`."""
    for each in fields(ConnectorSettings):
        if getattr(limits, each.name) <= 0:
            raise Invalid("must be more than 0", field=f"connectors.{each.name}")
    return [plan_feed(name, settings, limits, sources) for name, settings in feeds.items()]


def plan_feed(name: str, settings: FeedSettings, limits: ConnectorSettings, sources: CitySources) -> FeedPlan:
    """Plan one feed; raises Invalid naming the setting."""
    try:
        return _plan(name, settings, limits, sources)
    except Invalid as error:
        raise Invalid(
            error.reason, field=f"feeds.{name}.{error.field}" if error.field else f"feeds.{name}"
        ) from None


def _plan(name: str, settings: FeedSettings, limits: ConnectorSettings, sources: CitySources) -> FeedPlan:
    _check_values(settings)
    known = protocols()
    if settings.connector not in known:
        raise Invalid(f"{settings.connector!r} is none of {', '.join(known)}", field="connector")
    protocol = known[settings.connector]
    meaning = _meaning(settings.mapping, sources)
    house = settings.connector == "mqtt" and not settings.url and not settings.path
    feed = _as_house(settings, sources) if house else settings

    def make_codec() -> Codec:
        return protocol.make_codec(feed, limits)

    if feed.path:
        make_link = replay_link(feed, sources.root, make_codec)
    else:
        _check_scheme(feed, protocol.schemes)
        topics = _topics(feed, meaning)
        if house:
            _check_topics(topics, sources.mqtt_topics)
        make_link = live_link(name, feed, feed.url, topics, sources.root)
    most_bytes = limits.message_bytes if settings.connector == "mqtt" else limits.body_bytes
    simulated = feed.simulated or (bool(feed.path) and feed.dates == "now")
    return FeedPlan(
        name=name,
        settings=feed,
        meaning=meaning,
        marks=Marks(simulated=simulated, fields=feed.fields, most_bytes=most_bytes),
        silent_after_s=feed.silent_after_s or max(3 * feed.interval_s, SHORTEST_SILENCE_S),
        make_codec=make_codec,
        make_link=make_link,
    )


def _check_values(settings: FeedSettings) -> None:
    if settings.url and settings.path:
        raise Invalid("a feed has a url or a path to a recording, not both", field="path")
    if settings.dates not in ("recorded", "now"):
        raise Invalid(f"{settings.dates!r} is neither recorded nor now", field="dates")
    if settings.mqtt_version not in ("3.1.1", "5"):
        raise Invalid(f"{settings.mqtt_version!r} is neither 3.1.1 nor 5", field="mqtt_version")
    if settings.interval_s <= 0:
        raise Invalid("must be more than 0", field="interval_s")
    for key in ("speed", "rate_per_s", "silent_after_s"):
        if getattr(settings, key) < 0:
            raise Invalid("must not be less than 0", field=key)
    if len(settings.delimiter) > 1:
        raise Invalid("is one character", field="delimiter")


def _meaning(name: str, sources: CitySources) -> Meaning:
    """Find a mapping by its whole name (`port.ais`), or by the part after the dot where only one pack has it."""
    if name in sources.mappings:
        return sources.mappings[name]
    alike = [whole for whole in sources.mappings if name and whole.endswith(f".{name}")]
    if len(alike) == 1:
        return sources.mappings[alike[0]]
    if name.endswith((".yaml", ".yml")):
        return load_mapping(sources.root / name)
    known = ", ".join(sorted(sources.mappings)) or "none"
    raise Invalid(f"{name!r} is no mapping of a pack and no YAML file; known here: {known}", field="mapping")


def _as_house(settings: FeedSettings, sources: CitySources) -> FeedSettings:
    """Connect to the city's own MQTT server, as whom the city says unless the feed says otherwise."""
    if not sources.mqtt_url:
        raise Invalid("the city has no MQTT port of its own; name another server", field="url")
    values = {each: getattr(settings, each) for each in FeedSettings.__dataclass_fields__}
    values["url"] = sources.mqtt_url
    if not settings.username:
        values["username"], values["password"] = sources.mqtt_username, sources.mqtt_password
    return FeedSettings(**values)


def _check_scheme(feed: FeedSettings, schemes: frozenset[str]) -> None:
    if not feed.url:
        raise Invalid("is needed, or a path to a recording", field="url")
    if scheme_of(feed.url) not in schemes:
        raise Invalid(f"{feed.url!r} begins with none of {', '.join(sorted(schemes))}", field="url")


def _topics(feed: FeedSettings, meaning: Meaning) -> Sequence[str]:
    if scheme_of(feed.url) not in MQTT:
        return ()
    written = (feed.topic,) if isinstance(feed.topic, str) else feed.topic
    topics = tuple(each for each in written if each)
    if not topics and isinstance(meaning, DeclaredMapping):
        topics = meaning.topics
    if not topics:
        raise Invalid("is needed: the mapping names no topics of its own", field="topic")
    return topics


def _check_topics(topics: Sequence[str], roots: tuple[str, ...]) -> None:
    """See that devices may publish what the feed waits for on the city's own MQTT port."""
    for topic in topics:
        if roots and not any(f"{topic}/".startswith(f"{root}/") for root in roots):
            places = " or ".join(f"`{root}/`" for root in roots)
            raise Invalid(
                f"`{topic}`: devices publish below {places} on the city's own MQTT port; more topics are opened "
                "by stream.devices_topic",
                field="topic",
            )
