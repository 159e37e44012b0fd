"""Section `[connectors]` for all feeds, and a table `[feeds.<name>]` for each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rhinecloud.kernel.checks import SettingCheck, at_least, more_than, one_of
from rhinecloud.kernel.settings import setting

POSITIVE = more_than(0)


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """Limits for every feed."""

    batch: int = setting(100, "Most messages that a feed writes in one batch", check=POSITIVE)
    queue_parcels: int = setting(
        2_000, "Most parcels (lines, datagrams, messages) waiting in a feed's queue", check=POSITIVE
    )
    queue_bytes: int = setting(
        16 * 1024 * 1024, "Most bytes waiting in a feed's queue", unit="bytes", check=POSITIVE
    )
    line_bytes: int = setting(8 * 1024, "Longest line of a line-based feed", unit="bytes", check=POSITIVE)
    message_bytes: int = setting(
        1024 * 1024, "Largest MQTT message that is read", unit="bytes", check=POSITIVE
    )
    body_bytes: int = setting(
        128 * 1024 * 1024, "Largest body of one HTTP answer or recorded file", unit="bytes", check=POSITIVE
    )
    unpacked_bytes: int = setting(
        4 * 1024 * 1024 * 1024,
        "Most bytes of the unpacked tables of one timetable",
        unit="bytes",
        check=POSITIVE,
    )
    connect_timeout_s: float = setting(10.0, "Timeout of connecting", unit="s", check=POSITIVE)
    request_timeout_s: float = setting(
        120.0, "Timeout of an HTTP response, from first to last byte", unit="s", check=POSITIVE
    )
    first_retry_s: float = setting(
        1.0, "Pause before a broken link is restarted; it doubles each time", unit="s", check=POSITIVE
    )
    longest_retry_s: float = setting(
        60.0, "Longest pause before a broken link is restarted", unit="s", check=POSITIVE
    )
    idle_s: float = setting(
        300.0, "A TCP link is reconnected when nothing was received for this time", unit="s", check=POSITIVE
    )
    drain_s: float = setting(
        1.0, "How long a feed that stops may process its queue", unit="s", check=POSITIVE
    )
    future_skew_s: float = setting(
        300.0,
        "How far in the future an `observedAt` may be, for clocks that are fast; what is later is refused",
        unit="s",
        check=at_least(0),
    )
    deadletters: int = setting(
        1_000, "Dead letters kept for each feed; a newer one replaces the oldest", check=POSITIVE
    )
    deadletter_bytes: int = setting(
        64 * 1024, "Most bytes of a message that a dead letter keeps", unit="bytes", check=POSITIVE
    )


WORLD = "world"
"""The value of `area` for things that can be anywhere."""
KEEP, DROP = "keep", "drop"
"""The values of `outside`."""
RECORDED, NOW, MEASURED = "recorded", "now", "measured"
"""The values of `dates`: what happens to the times of a recording."""


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return not text
    return True


_MOMENT = SettingCheck("a date or moment of ISO 8601, such as `2018-09-04`", _is_moment)


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """One feed."""

    connector: str = setting(
        "",
        "The codec: ais, cap, csv, gtfs, gtfs-rt, json, pegelonline, or a pack's such as `port.vts`; "
        "mqtt is json with the transport mqtt",
    )
    transport: str = setting(
        "",
        "The transport where there is no url: `mqtt` is the city's own MQTT server, or a recording of MQTT messages",
        check=one_of("", "mqtt"),
    )
    mapping: str = setting("", "The mapping: a pack's mapping by name, or a YAML file of the city's folder")
    url: str = setting(
        "",
        "The source: http(s)://, tcp://, tls://, udp:// (to listen on) or mqtt(s)://; mqtt: the city's own server",
    )
    path: str = setting(
        "", "A recording to replay instead of a url: a file, a folder or a pattern such as `ais/*.log`"
    )
    topic: tuple[str, ...] | str = setting("", "MQTT topic filters; empty: the topics of the mapping")
    enabled: bool = setting(True, "Whether the feed runs")
    tenant: str = setting("", "The tenant whose entities it writes")
    simulated: bool = setting(False, "Whether to mark all that it brings as simulated")
    interval_s: float = setting(60.0, "Pause between two HTTP polls", unit="s", check=POSITIVE)
    silent_after_s: float = setting(
        0.0,
        "After how long without a message it counts as silent; 0: three intervals, at least 5 minutes",
        unit="s",
    )
    frozen_after_s: float = setting(
        0.0,
        "After how long without anything new a source that is polled and answers counts as silent, and how old its "
        "newest reading may be; 0: `silent_after_s` where that is set, else for gtfs-rt as long as that, for "
        "pegelonline 1 hour, for others 1 day; for gtfs and cap never",
        unit="s",
        check=at_least(0),
    )
    username: str = setting("", "User name, for MQTT and HTTP")
    password: str = setting("", "Password; better set by environment or secret file")
    body: str = setting("", "Body of an HTTP poll, which is a POST then; may hold dates as `url` may")
    oauth_url: str = setting(
        "", "Token endpoint of OAuth 2.0 for client credentials, which are `username` and `password`"
    )
    oauth_scope: str = setting("", "Scope of the access token")
    next_page: str = setting(
        "",
        "Path of the URL of the next page in a JSON answer, such as `links.next`; `Link: rel=next` is followed anyway",
    )
    pages: int = setting(100, "Most pages of one HTTP answer that are read", check=POSITIVE)
    headers: dict[str, str] = setting({}, "Further HTTP headers, such as an API key")
    tls_ca: str = setting("", "File with the certificates of the authorities to trust; empty: the system's")
    tls_certificate: str = setting(
        "", "File with our own certificate and key, where the other side asks for one"
    )
    client_id: str = setting(
        "", "MQTT client id, by which the server keeps our session; empty: made from the feed's name"
    )
    mqtt_version: str = setting("3.1.1", "MQTT version, 3.1.1 or 5", check=one_of("3.1.1", "5"))
    speed: float = setting(1.0, "How many times quicker than recorded to replay; 0: as quick as possible")
    rate_per_s: float = setting(10.0, "Messages a second of a recording that has no times", unit="1/s")
    loop: bool = setting(False, "Whether a replay starts again when the recording ends")
    dates: str = setting(
        RECORDED,
        "`recorded` keeps a recording's dates, `now` moves them to the present; both mark all of it as simulated. "
        "`measured` keeps them and marks only what has no time of its own: for readings that fill a gap",
        check=one_of(RECORDED, NOW, MEASURED),
    )
    recorded_at: str = setting(
        "",
        "When a recording without times was made (ISO 8601, a date will do): its `observedAt`; empty: when it plays",
        check=_MOMENT,
    )
    area: tuple[float, ...] | str = setting(
        "",
        "Where its things can be: west, south, east, north, or `world`; empty: the city's `bbox` with "
        "`surroundings_km` around it. Swapped coordinates are known by it",
        unit="°",
    )
    outside: str = setting(
        KEEP,
        "What is outside of `area` is kept and counted (`keep`), or left out (`drop`); both stand on the status page",
        check=one_of(KEEP, DROP),
    )
    fields: dict[str, str] = setting({}, "Members added to messages without them, such as a station's name")
    time_field: str = setting(
        "", "Column or member with a row's time, for csv and json; empty: `timestamp` or `time`"
    )
    delimiter: str = setting("", "Delimiter of the columns of csv; empty: found from the header")
    skip_lines: int = setting(
        0, "Lines before the header of csv; 0: the header is found after titles of any length"
    )
    comment: str = setting(
        "", "What a line of csv begins with that is a comment, such as `#`; empty: none is one"
    )
    encoding: str = setting(
        "",
        "Encoding of csv and gtfs, such as `cp1252`; empty: by its byte order mark, UTF-8, else Windows-1252",
    )
    no_data: tuple[str, ...] = setting(
        (), "Values of csv and json that mean that there is none, such as `-`, `-999` and `n/a`"
    )
    items: str = setting("", "Path to the list of items in a JSON document, such as `data.stations`")
    code_areas: str = setting(
        "",
        "GeoJSON file with outlines of areas that CAP warnings name by a code, each code under its name among a "
        "feature's properties (`WARNCELLID`, `EMMA_ID`, `AGS` …); it adds to those that are bundled",
    )
    lifetime_h: float = setting(
        24.0,
        "How long a CAP warning without an end of its own (`expires`) is in force",
        unit="h",
        check=POSITIVE,
    )
    tables: tuple[str, ...] = setting(
        ("agency", "stops", "routes", "trips"), "GTFS tables that are read, in this order"
    )

    @property
    def is_mqtt(self) -> bool:
        """Return whether its messages are received, or were recorded, over MQTT."""
        return "mqtt" in (self.connector, self.transport) or self.url.startswith(("mqtt:", "mqtts:"))
