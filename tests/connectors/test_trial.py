"""A mapping is tried on a sample: what the entities would be, what is left out; nothing is written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from connectors.city import MAPPINGS, connector_settings, feed_settings
from rhinecloud.connectors.plan import CitySources
from rhinecloud.connectors.routes import mapping_routes
from rhinecloud.connectors.trial import MappingTrial, TrialOutcome, TrialSample
from rhinecloud.kernel.errors import Invalid

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAPPING = """
topic: "boxes/{box}/reading"
each: sensors.*
id: "urn:ngsi-ld:AirQualityObserved:{box}:{key}"
type: AirQualityObserved
attributes: { pm10: { from: pm10, unit: GQ, max: 100 }, pm25: { from: pm2.5, unit: GQ } }
"""
SAMPLE = b'{"sensors": {"a": {"pm10": 5}, "b": {"pm10": 500}, "c": {}}}'


def trial(root: Path, **feed: Any) -> MappingTrial:
    settings = feed_settings(**{"connector": "json", **feed})
    return MappingTrial(settings, CitySources(root, MAPPINGS), connector_settings())


def tried(root: Path, mapping: str, body: bytes, topic: str = "", **feed: Any) -> TrialOutcome:
    return trial(root, **feed).try_text(mapping, TrialSample(body, topic, NOW))


def test_entities_rejected_ignored_and_unread_paths_are_told(tmp_path: Path) -> None:
    outcome = tried(tmp_path, MAPPING, SAMPLE, "boxes/7/reading")
    assert [each["id"] for each in outcome.entities] == ["urn:ngsi-ld:AirQualityObserved:7:a"]
    assert outcome.rejected == ["mapping: sensors.b.pm10: 500 is above 100"]
    assert [each.reason for each in outcome.ignored] == ["it has no value for AirQualityObserved"]
    assert (outcome.messages, outcome.unread) == (1, ["pm2.5"])


def test_a_sample_that_fits_nothing_says_why(tmp_path: Path) -> None:
    outcome = tried(tmp_path, MAPPING, SAMPLE, "boxes/7/other")
    assert (outcome.entities, [each.reason for each in outcome.ignored]) == (
        [],
        ["its topic is none of the mapping's"],
    )
    assert tried(tmp_path, MAPPING, b"{").rejected[0].startswith("broken JSON")


def test_a_feed_reads_the_sample_by_its_settings(tmp_path: Path) -> None:
    mapping = "id: urn:x:{station}\ntype: T\nattributes: { v: { from: no2, unit: GQ } }\n"
    body = b"title\nstation;no2\nA;31\nB;-\n"
    outcome = tried(tmp_path, mapping, body, connector="csv", no_data=["-"], path="old.csv")
    assert [(each["id"], each["v"]["value"]) for each in outcome.entities] == [("urn:x:A", 31)]


def test_a_mapping_of_a_pack_or_of_a_file_is_tried_by_name(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("id: urn:x:1\ntype: T\nattributes: { v: b }\n")
    sample = TrialSample(b'{"b": 1}', "", NOW)
    assert len(trial(tmp_path).try_named("m.yaml", sample).entities) == 1
    assert trial(tmp_path).try_named("port.ais", sample).entities == []
    with pytest.raises(Invalid, match="unknown mapping"):
        trial(tmp_path).try_named("nothing", sample)


def test_a_mapping_with_faults_is_refused_with_their_places(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"mapping, line 5, column 35: attributes\.v\.unit: .*did you mean CEL"):
        tried(
            tmp_path,
            "\nid: urn:x:1\ntype: T\n\nattributes: { v: { from: b, unit: °C } }\n",
            b"{}",
        )


async def test_the_route_answers_with_what_the_sample_becomes(tmp_path: Path) -> None:
    async def operator(request: Request) -> None:
        assert request.headers["role"] == "operator"

    app = FastAPI()
    app.include_router(mapping_routes(lambda feed, connector: trial(tmp_path), lambda: NOW, operator))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://city") as client:
        request = {"mapping": MAPPING, "sample": SAMPLE.decode(), "topic": "boxes/7/reading"}
        answer = (await client.post("/mappings/try", json=request, headers={"role": "operator"})).json()
    assert answer["entities"][0]["pm10"] == {
        "value": 5,
        "observedAt": "2026-03-01T12:00:00Z",
        "unitCode": "GQ",
    }
    assert (answer["total"], answer["messages"], answer["unread"]) == (1, 1, ["pm2.5"])
    assert answer["ignored"][0]["reason"] == "it has no value for AirQualityObserved"
