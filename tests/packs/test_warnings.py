"""What a CAP warning becomes where its area is more than one polygon."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shapely.geometry import Point, shape

from rhinecloud_packs.environment.warnings import map_cap

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RING = [[6.7, 51.4], [6.8, 51.4], [6.8, 51.5], [6.7, 51.4]]


def location(**area: Any) -> dict[str, Any]:
    message = {"identifier": "w", "msg_type": "Alert", "infos": [{"severity": "Severe", "areas": [area]}]}
    [warning] = map_cap(message, NOW)
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


def test_only_updates_and_cancels_end_what_they_name() -> None:
    """An acknowledgement names the warning that it acknowledges."""
    named = {"identifier": "b", "references": [{"identifier": "a"}], "infos": []}
    ended = {
        kind: len(list(map_cap({**named, "msg_type": kind}, NOW)))
        for kind in ("Update", "Cancel", "Ack", "Error")
    }
    assert ended == {"Update": 1, "Cancel": 1, "Ack": 0, "Error": 0}
