"""What the page of the connectors shows works as it stands."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from connectors.city import MAPPINGS, connector_settings, feed_settings
from rhinecloud.connectors.mapping.declared import parse_mapping
from rhinecloud.connectors.model import FeedState
from rhinecloud.connectors.plan import CitySources, plan_feed
from rhinecloud.connectors.protocols import protocols

PAGE = (Path(__file__).parents[2] / "docs" / "parts" / "connectors.md").read_text(encoding="utf-8")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_feeds_of_the_page_can_be_planned(tmp_path: Path) -> None:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "boxes.yaml").write_text(block("yaml"), encoding="utf-8")
    for name, table in tomllib.loads(block("toml"))["feeds"].items():
        plan_feed(name, feed_settings(**table), connector_settings(), CitySources(tmp_path, MAPPINGS))


def test_the_mapping_of_the_page_maps_what_it_says() -> None:
    mapping = parse_mapping(block("yaml").encode(), "m.yaml")
    sensor = {
        "nr": 2,
        "values": {"pm10": 12, "t": 215},
        "st": 0,
        "door": "on",
        "fw": "1",
        "lon": 6.7,
        "lat": 51.4,
    }
    message = {
        "topic": "boxes/7/x/reading",
        "kind": "measurement",
        "at": "2026-03-01T13:00:00",
        "sensors": [sensor],
    }
    [found] = mapping(message, NOW)
    assert found["id"] == "urn:ngsi-ld:AirQualityObserved:7:2"
    assert found["temperature"] == {"value": 21.5, "observedAt": "2026-03-01T12:00:00Z", "unitCode": "CEL"}
    assert (found["open"]["value"], found["status"]["value"], found["name"]) == (
        True,
        "ok",
        "Box 7, sensor 2",
    )


def test_every_connector_and_every_state_stand_on_the_page() -> None:
    for name in (*protocols({}), *FeedState):
        assert f"| `{name}` |" in PAGE
