"""What the parts of a CAP alert become: one warning for each severity and area, ended or in force."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from shapely.geometry import Point, shape

from rhinecloud.pack import MappedItem, Rejected
from rhinecloud_packs.environment.warnings import map_cap

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RING = [[6.7, 51.4], [6.8, 51.4], [6.8, 51.5], [6.7, 51.4]]


def location(**area: Any) -> dict[str, Any]:
    message = {"identifier": "w", "msg_type": "Alert", "infos": [{"severity": "Severe", "areas": [area]}]}
    [warning] = map_cap(message, NOW)
    assert isinstance(warning, dict)
    found: dict[str, Any] = warning["location"]["value"]
    return found


def test_a_circle_is_drawn_around_its_centre() -> None:
    drawn = shape(location(circles=[{"centre": [6.75, 51.45], "radius_km": 2.5}]))
    assert drawn.is_valid
    assert drawn.contains(Point(6.75 + 0.035, 51.45))
    assert not drawn.contains(Point(6.75, 51.45 + 0.0226))


def test_polygon_and_circle_are_both_kept() -> None:
    found = location(polygons=[RING], circles=[{"centre": [6.0, 51.0], "radius_km": 1}])
    assert found["type"] == "MultiPolygon"
    assert found["coordinates"][0] == [RING]
    assert len(found["coordinates"]) == 2


def test_a_circle_of_radius_0_is_a_point_and_beside_areas_a_small_circle() -> None:
    point = {"centre": [6.74, 51.45], "radius_km": 0.0}
    assert location(circles=[point]) == {"type": "Point", "coordinates": [6.74, 51.45]}
    two = location(circles=[point, {"centre": [6.0, 51.0], "radius_km": 0.0}, point])
    assert two == {"type": "MultiPoint", "coordinates": [[6.74, 51.45], [6.0, 51.0]]}
    found = location(polygons=[RING], circles=[point])
    assert found["type"] == "MultiPolygon"
    assert shape(found).geoms[1].contains(Point(6.74, 51.45))


def info(part: int, severity: str, **more: Any) -> dict[str, Any]:
    return {"part": part, "severity": severity, "category": ["Met"], **more}


def mapped(*infos: dict[str, Any], **more: Any) -> list[MappedItem]:
    return list(map_cap({"identifier": "w", "msg_type": "Alert", "infos": infos, **more}, NOW))


def warnings(*infos: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [item for item in mapped(*infos, **more) if isinstance(item, dict)]


def test_each_part_is_a_warning_with_the_severity_that_holds_in_its_area() -> None:
    here, there = (
        {"polygons": [RING]},
        {"polygons": [[[11.5, 48.1], [11.6, 48.1], [11.6, 48.2], [11.5, 48.1]]]},
    )
    far, near = warnings(info(1, "Minor", areas=[there]), info(2, "Extreme", areas=[here]))
    assert (far["id"], far["severity"]) == ("urn:ngsi-ld:Warning:w", "low")
    assert (near["id"], near["severity"]) == ("urn:ngsi-ld:Warning:w:2", "critical")
    assert near["location"]["value"]["coordinates"] == [RING]


@pytest.mark.parametrize(
    "over",
    [
        {"response_type": ["AllClear"]},
        {"urgency": "Past"},
        {"parameter": {"layer:EC-MSC-SMC:1.0:Alert_Location_Status": ["ended"]}},
        {"expires": "2025-12-31T23:59:00+00:00"},
    ],
)
def test_a_part_that_is_over_is_ended_and_the_others_are_in_force(over: dict[str, Any]) -> None:
    live, ended = warnings(info(1, "Severe"), info(2, "Severe", **over))
    assert (live["status"], ended["status"]) == ("active", "ended")


def test_an_update_ends_every_part_of_what_it_names_but_never_itself() -> None:
    named = [{"identifier": "a", "parts": 2}, {"identifier": "w", "parts": 1}]
    found = warnings(info(1, "Severe"), msg_type="Update", references=named)
    assert [(each["id"][20:], each["status"]) for each in found] == [
        ("a", "ended"),
        ("a:2", "ended"),
        ("w", "active"),
    ]


def test_drinking_water_is_no_weather() -> None:
    [warning] = warnings({"severity": "Minor", "category": ["Health"]})
    assert (warning["type"], warning["category"]) == ("PublicWarning", "health")
    [fire] = warnings({"severity": "Severe", "category": ["Fire", "Safety"]})
    assert (fire["type"], fire["category"]) == ("PublicWarning", "naturalDisaster")
    [storm] = warnings({"severity": "Severe", "category": ["Safety", "Met"]})
    assert storm["type"] == "WeatherAlert"


def test_areas_are_named_with_their_codes() -> None:
    areas = [{"area_desc": "Ruhrort", "geocode": {"AGS": ["05112000"]}}, {"area_desc": "Homberg"}]
    [warning] = warnings({"severity": "Minor", "areas": areas, "response_type": ["Shelter"]})
    assert warning["areaDesc"] == ["Ruhrort", "Homberg"]
    assert warning["geocode"] == {"type": "JsonProperty", "json": {"AGS": ["05112000"]}}
    assert warning["responseType"] == ["Shelter"]


def test_simple_german_does_not_replace_german() -> None:
    texts = [
        {"part": 1, "severity": "Minor", "language": tag, "headline": tag} for tag in ("de-DE", "de-LS", "en")
    ]
    [warning] = warnings(*texts)
    assert warning["headline"]["languageMap"] == {"de": "de-DE", "de-ls": "de-LS", "en": "en"}


def test_every_text_is_there_in_every_language_that_was_sent() -> None:
    texts = [
        {
            "part": 1,
            "severity": "Minor",
            "language": tag,
            "event": event,
            "headline": event,
            "instruction": event,
        }
        for tag, event in (("de-DE", "Sturm"), ("en-GB", "Gale"), ("tr", "Fırtına"))
    ]
    [warning] = warnings(*texts)
    for name in ("event", "headline", "instruction"):
        assert warning[name]["languageMap"] == {"de": "Sturm", "en": "Gale", "tr": "Fırtına"}
    assert warning["subCategory"] == "Sturm"


def test_a_severity_that_is_none_is_rejected_with_its_word_and_the_warning_is_kept() -> None:
    rejected, warning = mapped(info(1, "Schlimm"))
    assert isinstance(rejected, Rejected)
    assert "not 'Schlimm'" in rejected.reason
    assert isinstance(warning, dict)
    [extreme] = warnings(info(1, "EXTREME"))
    assert extreme["severity"] == "critical"


def test_what_the_codec_could_not_use_is_rejected_with_its_place() -> None:
    fault = {"place": "infos.0.areas.0.polygon.0", "reason": "must enclose an area"}
    rejected, _ = mapped(info(1, "Minor"), faults=[fault])
    assert rejected == Rejected(fault["place"], fault["reason"])


def test_only_updates_and_cancels_end_what_they_name() -> None:
    """An acknowledgement names the warning that it acknowledges."""
    named = {"identifier": "b", "references": [{"identifier": "a", "parts": 1}], "infos": []}
    ended = {
        kind: len(list(map_cap({**named, "msg_type": kind}, NOW)))
        for kind in ("Update", "Cancel", "Ack", "Error")
    }
    assert ended == {"Update": 1, "Cancel": 1, "Ack": 0, "Error": 0}
