"""Plans: a feed's settings are checked before anything runs, and what is wrong is named by its key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.city import MAPPINGS, connector_settings, feed_settings
from rhinecloud.connectors.plan import CitySources, FeedPlan, plan_feed, plan_feeds
from rhinecloud.connectors.protocols import protocols
from rhinecloud.connectors.replay.recording import FeedRecording
from rhinecloud.connectors.settings import ConnectorSettings, FeedSettings
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.settings import describe
from rhinecloud.ngsild.context import compile_context
from rhinecloud.pack import DecodeFault, Framing, Message, Parcel


def plan(root: Path, mqtt_url: str = "mqtt://127.0.0.1:1", **table: Any) -> FeedPlan:
    sources = CitySources(root, MAPPINGS, mqtt_url, "house", "secret")
    return plan_feed("rhine", feed_settings(**table), connector_settings(), sources)


@pytest.mark.parametrize(
    ("table", "key", "says"),
    [
        ({"connector": "morse", "mapping": "ais", "url": "tcp://h:1"}, "connector", "known here: ais"),
        ({"connector": "asi", "mapping": "ais", "url": "tcp://h:1"}, "connector", "did you mean `ais`"),
        ({"mapping": "ais", "url": "tcp://h:1"}, "connector", "must be one of ais"),
        (
            {"connector": "ais", "mapping": "ships", "url": "tcp://h:1"},
            "mapping",
            "known here: environment.air",
        ),
        ({"connector": "ais", "mapping": "ais"}, "url", "must be set"),
        (
            {"connector": "ais", "mapping": "ais", "url": "http://h"},
            "url",
            "must begin with one of mqtt, mqtts, tcp, tls, udp",
        ),
        ({"connector": "ais", "mapping": "ais", "url": "tcp://host"}, "url", "must have a port"),
        ({"connector": "ais", "mapping": "ais", "url": "tcp://h:99999"}, "url", "must be a URL"),
        ({"connector": "ais", "mapping": "ais", "url": "tcp://:5"}, "url", "must have a host"),
        ({"connector": "ais", "mapping": "ais", "path": "nowhere.log"}, "path", "must be a recording"),
        (
            {"connector": "ais", "mapping": "ais", "path": "a", "url": "tcp://h:1"},
            "path",
            "must not be combined with `url`",
        ),
        (
            {"connector": "ais", "mapping": "none.yaml", "url": "tcp://h:1"},
            "mapping",
            "none.yaml: cannot read",
        ),
        ({"connector": "cap", "mapping": "cap", "url": "http:///no-host"}, "url", "must have a host"),
        ({"connector": "mqtt", "mapping": "air"}, "topic", "the mapping has no topics"),
        (
            {"connector": "cap", "mapping": "cap", "url": "https://h", "tls_ca": "/nowhere.pem"},
            "tls_ca",
            "cannot read",
        ),
    ],
)
def test_a_wrong_setting_is_named_by_its_key(
    tmp_path: Path, table: dict[str, Any], key: str, says: str
) -> None:
    with pytest.raises(Invalid, match=says) as caught:
        plan(tmp_path, **table)
    assert caught.value.field.startswith(f"feeds.rhine.{key}" if key else "feeds.rhine")


@pytest.mark.parametrize(
    ("table", "key", "says"),
    [
        ({"dates": "then"}, "dates", "must be one of recorded, now"),
        ({"interval_s": 0}, "interval_s", "must be more than 0"),
        ({"speed": -1}, "speed", "must be 0 or more"),
        ({"mqtt_version": "4"}, "mqtt_version", "must be one of 3.1.1, 5"),
        ({"fields": {"km": 688}}, "fields.km", "must be a text, not 688"),
    ],
)
def test_a_value_that_no_feed_may_have_is_refused(table: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(Invalid, match=says) as caught:
        feed_settings(**table)
    assert caught.value.field == f"feeds.test.{key}"


def test_all_that_is_wrong_with_all_feeds_is_named_at_once(tmp_path: Path) -> None:
    tables = {
        "one": feed_settings(connector="asi", mapping="shps", url="tcp://h:1", path="a", delimiter=";;"),
        "two": feed_settings(connector="ais", mapping="ais"),
    }
    with pytest.raises(Invalid) as caught:
        plan_feeds(tables, ConnectorSettings(), CitySources(tmp_path, MAPPINGS))
    assert [each.field for each in caught.value.faults] == [
        *("feeds.one.path", "feeds.one.delimiter", "feeds.one.connector", "feeds.one.mapping"),
        "feeds.two.url",
    ]


def test_a_feeds_certificates_are_found_below_the_citys_folder(tmp_path: Path) -> None:
    table = {"connector": "cap", "mapping": "cap", "url": "https://h", "tls_ca": "ca.pem"}
    with pytest.raises(Invalid, match=str(tmp_path / "ca.pem")):
        plan(tmp_path, **table)


def test_an_unknown_setting_is_an_error() -> None:
    with pytest.raises(Invalid) as caught:
        feed_settings(conector="ais")
    assert caught.value.field == "feeds.test.conector"


def test_a_mapping_is_found_by_its_whole_and_by_its_short_name(tmp_path: Path) -> None:
    for name in ("port.ais", "ais"):
        assert plan(tmp_path, connector="ais", mapping=name, url="tcp://h:1").meaning is MAPPINGS["port.ais"]


def test_a_mapping_file_is_found_below_the_citys_folder_and_names_the_topics(tmp_path: Path) -> None:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "air.yaml").write_text(
        'topic: "air/{box}"\nid: "urn:x:{box}"\ntype: T\nattributes: { pm10: pm10 }\n'
    )
    assert plan(tmp_path, connector="mqtt", mapping="mappings/air.yaml").meaning.topics == ("air/+",)  # type: ignore[attr-defined]


def test_mqtt_without_a_url_is_the_citys_own_server_with_the_citys_credentials(tmp_path: Path) -> None:
    planned = plan(tmp_path, connector="mqtt", mapping="air", topic="air/#")
    assert (planned.settings.url, planned.settings.username) == ("mqtt://127.0.0.1:1", "house")
    with pytest.raises(Invalid, match="the city has no MQTT port"):
        plan(tmp_path, mqtt_url="", connector="mqtt", mapping="air", topic="air/#")


def test_a_topic_that_no_device_may_publish_to_is_named(tmp_path: Path) -> None:
    table = feed_settings(connector="mqtt", mapping="air", topic=["devices/a/+", "plant/#"])
    sources = CitySources(tmp_path, MAPPINGS, "mqtt://127.0.0.1:1", mqtt_topics=("devices",))
    with pytest.raises(Invalid, match="must be below `devices/`") as caught:
        plan_feed("rhine", table, connector_settings(), sources)
    assert caught.value.field == "feeds.rhine.topic"
    opened = CitySources(tmp_path, MAPPINGS, "mqtt://127.0.0.1:1", mqtt_topics=("devices", "plant"))
    plan_feed("rhine", table, connector_settings(), opened)


def test_credentials_of_the_city_go_to_no_other_server(tmp_path: Path) -> None:
    planned = plan(tmp_path, connector="mqtt", mapping="air", topic="a", url="mqtt://elsewhere")
    assert (planned.settings.username, planned.settings.password) == ("", "")


def test_silence_is_three_intervals_and_at_least_five_minutes(tmp_path: Path) -> None:
    def silent_after(**table: Any) -> float:
        return plan(tmp_path, connector="cap", mapping="cap", url="http://h", **table).silent_after_s

    assert silent_after() == 300
    assert silent_after(interval_s=600) == 1800
    assert silent_after(silent_after_s=5) == 5


@pytest.mark.parametrize(("dates", "marked"), [("recorded", True), ("now", True), ("measured", False)])
def test_what_a_recording_brings_is_marked_unless_it_is_said_to_be_measured(
    tmp_path: Path, dates: str, marked: bool
) -> None:
    (tmp_path / "a.csv").write_text("a\n")
    planned = plan(tmp_path, connector="csv", mapping="gauge-csv", path="a.csv", dates=dates)
    assert planned.marks.simulated is marked


@pytest.mark.parametrize("moment", ["2018-09-04", "2018-09-04T12:00:00+02:00", "2018-09-04T12:00:00Z"])
def test_a_recording_may_say_when_it_was_made(tmp_path: Path, moment: str) -> None:
    (tmp_path / "a.log").write_text("a\n")
    assert plan(tmp_path, connector="ais", mapping="ais", path="a.log", recorded_at=moment)


def test_a_moment_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid, match="recorded_at"):
        feed_settings(connector="ais", mapping="ais", path="a.log", recorded_at="in 2018")


def test_all_feeds_are_planned_in_order(tmp_path: Path) -> None:
    tables = {
        "one": feed_settings(connector="ais", mapping="ais", url="udp://127.0.0.1:0"),
        "two": feed_settings(connector="gtfs", mapping="gtfs", url="https://h/a.zip"),
    }
    planned = plan_feeds(tables, ConnectorSettings(), CitySources(tmp_path, MAPPINGS))
    assert [each.name for each in planned] == ["one", "two"]


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(Invalid, match="must be more than 0") as caught:
        connector_settings(queue_parcels=0)
    assert caught.value.field == "connectors.queue_parcels"


def test_every_setting_says_what_it_is_for() -> None:
    for settings in (ConnectorSettings, FeedSettings):
        assert all(each.says for each in describe("x", settings))
    named = next(each.says for each in describe("x", FeedSettings) if each.name == "connector")
    assert all(name in named for name in protocols({}))


class WordCodec:
    """A codec of a pack: words between blanks."""

    framing = Framing.LINE
    time_members: frozenset[str] = frozenset()

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault]:
        for word in parcel.body.decode().split():
            yield {"word": word, "topic": parcel.origin}

    def recorded_at(self, unit: bytes) -> datetime | None:
        return None


@pytest.mark.parametrize("url", ["tcp://h:1", "http://h/x", "mqtt://h", "udp://0.0.0.0:1"])
def test_a_codec_of_a_pack_reads_what_comes_by_any_transport(tmp_path: Path, url: str) -> None:
    sources = CitySources(tmp_path, MAPPINGS, codecs={"quay.words": WordCodec})
    table = feed_settings(connector="quay.words", mapping="ais", url=url, topic="words")
    planned = plan_feed("rhine", table, connector_settings(), sources)
    assert isinstance(planned.make_codec(), WordCodec)
    assert planned.make_codec() is not planned.make_codec()


def test_any_codec_reads_what_devices_publish_on_the_citys_own_mqtt_port(tmp_path: Path) -> None:
    """Transport and codec are settings of their own: limits and credentials go by the transport."""
    planned = plan(tmp_path, connector="gtfs-rt", transport="mqtt", mapping="gtfs-rt", topic="devices/trams")
    assert planned.own_mqtt
    assert (planned.settings.url, planned.settings.username) == ("mqtt://127.0.0.1:1", "house")
    assert planned.marks.most_bytes == connector_settings().message_bytes


def test_a_recording_of_mqtt_messages_is_read_by_any_codec(tmp_path: Path) -> None:
    line = {"topic": "words/1", "payload": "left right", "tst": "2026-03-01T12:00:00.000Z+0100"}
    (tmp_path / "words.ndjson").write_text(json.dumps(line) + "\n", encoding="utf-8")
    recording = FeedRecording((tmp_path / "words.ndjson",), WordCodec(), 8_192, 1 << 20, mqtt=True)
    [unit] = recording.units()
    found = list(WordCodec().decode(Parcel(unit.body, datetime(2026, 3, 1, tzinfo=UTC), unit.origin)))
    assert found == [{"word": "left", "topic": "words/1"}, {"word": "right", "topic": "words/1"}]


def test_what_a_packs_mapping_makes_is_read_in_the_packs_own_context(tmp_path: Path) -> None:
    own = compile_context({"status": "https://example.org/port/status"}, {})
    sources = CitySources(tmp_path, MAPPINGS, contexts={"port": own})
    table = feed_settings(connector="ais", mapping="port.ais", url="tcp://h:1")
    assert plan_feed("rhine", table, connector_settings(), sources).context is own
    other = feed_settings(connector="cap", mapping="environment.cap", url="http://h")
    assert plan_feed("dwd", other, connector_settings(), sources).context is None
