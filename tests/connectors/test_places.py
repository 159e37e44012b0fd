"""Places that cannot be are refused with a word, and cost nothing else; those outside of a feed's area are counted."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.city import City, connector_settings, feed_settings, status
from rhinecloud.connectors.places import MOST_REMEMBERED, OUTSIDE, CheckedPlaces, PlaceCheck
from rhinecloud.connectors.plan import CitySources, FeedPlan, plan_feed
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.region import ANYWHERE, CityArea, Region

BOX = Region(6.6256, 51.3331, 6.8303, 51.5607)
SURROUNDINGS = BOX.grown(25)
DUISBURG = CityArea(BOX, SURROUNDINGS)
RUHRORT = [6.73, 51.45]
SINGAPORE = [103.75, 1.16]


def place(kind: str, coordinates: Any) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": kind, "coordinates": coordinates}}


def thing(location: Any, **more: Any) -> dict[str, Any]:
    return {"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "location": location, "speed": 1.0, **more}


def checked(location: Any, area: Region | None = SURROUNDINGS) -> CheckedPlaces:
    return PlaceCheck(area).check(thing(location))


@pytest.mark.parametrize(
    ("coordinates", "word"),
    [
        ([0, 0], "null island"),
        ([0.0, -0.0], "null island"),
        ([0.00001, 0.00002], "null island"),
        ([51.45, 6.73], "swapped"),
        ([6.73, 151.45], "swapped"),
        ([200.5, 51.45], "out of range"),
        ([-180.1, 90.1], "out of range"),
        ([6.73, -451.0], "out of range"),
        ([math.nan, 51.45], "not a number"),
        ([math.inf, 51.45], "not a number"),
        (["6.73", 51.45], "not a number"),
        (["6,73", "51,45"], "decimal comma"),
        ([None, None], "not a number"),
        ([True, False], "not a number"),
        ([], "coordinates"),
        ([6.73], "position"),
        ("6.73,51.45", "coordinates"),
        (None, "coordinates"),
        ([{}, {}], "not a number"),
    ],
)
def test_a_place_that_cannot_be_is_refused_with_a_word_and_the_rest_is_kept(
    coordinates: Any, word: str
) -> None:
    found = checked(place("Point", coordinates))
    assert found.fragment == {"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "speed": 1.0}
    [rejected] = found.rejected
    assert rejected.place == "urn:ngsi-ld:Thing:1 location"
    assert word in rejected.reason


@pytest.mark.parametrize(
    "coordinates", [RUHRORT, [6.73, 51.45, 20.0], [0.0, 51.48], [6.73, 0.0], [-0.0005, 51.48], SINGAPORE]
)
def test_a_place_that_can_be_is_kept(coordinates: list[float]) -> None:
    found = checked(place("Point", coordinates))
    assert found.rejected == []
    assert found.fragment == thing(place("Point", coordinates))


@pytest.mark.parametrize(
    ("geometry", "word"),
    [
        (place("LineString", [RUHRORT, [0, 0], RUHRORT]), "null island"),
        (place("LineString", [[51.45, 6.73], [51.44, 6.74]]), "swapped"),
        (place("MultiPoint", [RUHRORT, [6.7, 91.5]]), "swapped"),
        (place("LineString", [RUHRORT, [6.7, "51,4"]]), "decimal comma"),
        (place("LineString", [RUHRORT]), "two positions"),
        (place("Polygon", [[RUHRORT, [6.74, 51.45], [0, 0], RUHRORT]]), "null island"),
        (place("Polygon", [[[0, 0], [0, 0], [0, 0], [0, 0]]]), "null island"),
        (place("MultiPolygon", [[[[51.4, 6.7], [51.5, 6.7], [51.5, 6.8], [51.4, 6.7]]]]), "swapped"),
        (place("Polygon", [[RUHRORT, [6.74, 51.45], [6.74, 51.46], [6.7, 51.4]]]), "ring"),
        (place("Nowhere", [1, 2]), "geometry type"),
        ({"type": "GeoProperty", "value": "Duisburg"}, "geometry"),
        ({"type": "GeoProperty"}, "geometry"),
        ({"type": "Point", "coordinates": [0, 0]}, "null island"),
        ({"value": {"type": "Point", "coordinates": [0, 0]}}, "null island"),
        ([{**place("Point", [0, 0]), "datasetId": "urn:x:1"}, place("Point", RUHRORT)], "null island"),
        ({"value": 3, "where": place("Point", [0, 0])}, "null island"),
    ],
)
def test_every_kind_of_geometry_and_every_form_of_a_geoproperty_is_checked(geometry: Any, word: str) -> None:
    found = checked(geometry)
    assert found.fragment is not None
    assert "location" not in found.fragment
    assert word in found.rejected[0].reason


def test_a_warning_for_half_the_world_may_have_a_corner_at_null_island() -> None:
    quarter = place("Polygon", [[[0, 0], [90, 0], [90, 80], [0, 80], [0, 0]]])
    assert checked(quarter).rejected == []
    assert checked(quarter, None).rejected == []


def test_an_object_that_is_a_value_is_no_place() -> None:
    fragment = thing(
        place("Point", RUHRORT),
        raw={"type": "JsonProperty", "json": {"type": "Point", "coordinates": [0, 0]}},
    )
    assert PlaceCheck(SURROUNDINGS).check(fragment).rejected == []


def test_an_entity_of_which_nothing_is_left_is_not_made() -> None:
    fragment = {"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "location": place("Point", [0, 0])}
    found = PlaceCheck(SURROUNDINGS).check(fragment)
    assert found.fragment is None
    assert len(found.rejected) == 1


numbers = st.one_of(
    st.floats(),
    st.integers(),
    st.text(max_size=6),
    st.none(),
    st.booleans(),
    st.just([]),
    st.floats(-200, 200),
)
coordinates = st.recursive(numbers, lambda inner: st.lists(inner, max_size=4), max_leaves=12)
kinds = st.sampled_from(["Point", "LineString", "Polygon", "MultiPoint", "MultiPolygon", "X", None])


@given(kind=kinds, coordinates=coordinates, bounded=st.booleans())
def test_whatever_stands_for_a_place_is_refused_or_a_place_on_earth_and_raises_nothing(
    kind: Any, coordinates: Any, bounded: bool
) -> None:
    found = checked(place(kind, coordinates), SURROUNDINGS if bounded else None)
    assert found.fragment is not None
    assert found.fragment["speed"] == 1.0
    assert ("location" in found.fragment) is (not found.rejected)


@given(longitude=st.floats(-180, 180), latitude=st.floats(-90, 90))
def test_of_a_position_and_its_swap_at_most_one_passes_where_one_is_in_the_area(
    longitude: float, latitude: float
) -> None:
    here, turned = [longitude, latitude], [latitude, longitude]
    inside = SURROUNDINGS.contains(longitude, latitude)
    assert bool(checked(place("Point", turned)).rejected) or not inside or here == turned
    assert not inside or checked(place("Point", here)).rejected == []


@given(longitude=st.floats(6.63, 6.83), latitude=st.floats(51.34, 51.56))
def test_every_place_of_the_city_is_kept_and_its_swap_refused_with_the_word(
    longitude: float, latitude: float
) -> None:
    assert checked(place("Point", [longitude, latitude])).rejected == []
    [rejected] = checked(place("Point", [latitude, longitude])).rejected
    assert rejected.reason.startswith("swapped")


def test_what_is_outside_is_kept_and_named_or_dropped_and_counted() -> None:
    kept = PlaceCheck(SURROUNDINGS).check(thing(place("Point", SINGAPORE)))
    assert kept.fragment is not None
    assert kept.outside == "urn:ngsi-ld:Thing:1 at 103.75, 1.16"
    dropped = PlaceCheck(SURROUNDINGS, drop=True).check(thing(place("Point", SINGAPORE)))
    assert dropped.fragment is None
    assert [each.reason for each in dropped.ignored] == [OUTSIDE]


def test_what_else_is_said_of_a_thing_outside_is_dropped_until_it_comes_in() -> None:
    check = PlaceCheck(SURROUNDINGS, drop=True)
    name = {"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "name": "MSC LONG WAY"}
    assert check.check(dict(name)).fragment == name
    check.check(thing(place("Point", SINGAPORE)))
    assert check.check(dict(name)).fragment is None
    assert check.check(thing(place("Point", RUHRORT))).fragment is not None
    assert check.check(dict(name)).fragment == name


def test_only_so_many_things_outside_are_remembered() -> None:
    check = PlaceCheck(SURROUNDINGS, drop=True)
    for number in range(MOST_REMEMBERED + 1):
        check.check({**thing(place("Point", SINGAPORE)), "id": f"urn:x:{number}"})
    assert check.check({"id": "urn:x:0", "type": "Thing", "speed": 1.0}).fragment is not None
    assert check.check({"id": "urn:x:1", "type": "Thing", "speed": 1.0}).fragment is None


def test_a_warning_that_covers_the_area_is_not_outside() -> None:
    germany = place("Polygon", [[[5, 47], [15, 47], [15, 55], [5, 55], [5, 47]]])
    assert checked(germany).outside == ""


def planned(root: Path, city: CityArea = DUISBURG, **table: Any) -> FeedPlan:
    (root / "things.yaml").write_text('id: "urn:x:{nr}"\ntype: Thing\nattributes: { v: v }\n')
    settings = feed_settings(connector="json", mapping="things.yaml", url="http://h/x", **table)
    return plan_feed("things", settings, connector_settings(), CitySources(root, {}, area=city))


def test_the_area_of_a_feed_is_the_city_s_surroundings_unless_it_names_one(tmp_path: Path) -> None:
    assert planned(tmp_path).marks.area == SURROUNDINGS
    assert planned(tmp_path, area="world").marks.area is None
    assert planned(tmp_path, area=[5, 50, 8, 52]).marks.area == Region(5, 50, 8, 52)
    assert planned(tmp_path, ANYWHERE).marks.area is None
    assert not planned(tmp_path).marks.drop_outside
    assert planned(tmp_path, outside="drop").marks.drop_outside


@pytest.mark.parametrize(
    ("city", "table", "key", "says"),
    [
        (DUISBURG, {"area": "Duisburg"}, "area", "or `world`, not 'Duisburg'"),
        (DUISBURG, {"area": [6.9, 51.3, 6.6, 51.6]}, "area", "must be west of east"),
        (DUISBURG, {"area": [51.3, 6.6, 51.6, 96.9]}, "area", "the latitude must be -90 to 90"),
        (DUISBURG, {"area": [6.6, 51.3, 6.9]}, "area", "must be west, south, east, north"),
        (DUISBURG, {"area": "world", "outside": "drop"}, "area", "it is the world"),
        (ANYWHERE, {"outside": "drop"}, "area", "`city.bbox` is empty"),
    ],
)
def test_a_wrong_area_is_named_by_its_key(
    tmp_path: Path, city: CityArea, table: dict[str, Any], key: str, says: str
) -> None:
    with pytest.raises(Invalid, match=says) as caught:
        planned(tmp_path, city, **table)
    assert caught.value.field == f"feeds.things.{key}"


THINGS = """
id: "urn:ngsi-ld:Device:{nr}"
type: Device
attributes:
  value: v
  location: { point: [x, y] }
"""


async def play(city: City, *messages: dict[str, Any], **table: Any) -> Any:
    (city.root / "things.yaml").write_text(THINGS)
    (city.root / "things.json").write_text(json.dumps(messages))
    feeds = await city.feed(connector="json", mapping="things.yaml", path="things.json", speed=0, **table)
    await feeds.get("test").finished()
    return feeds


async def test_the_last_good_place_stays_and_the_reading_of_the_moment_is_kept(city: City) -> None:
    feeds = await play(
        city,
        {"nr": 1, "v": 1, "x": 6.73, "y": 51.45},
        {"nr": 1, "v": 2, "x": 0, "y": 0},
        {"nr": 1, "v": 3, "x": "6,74", "y": "51,46"},
        {"nr": 1, "v": 4, "x": "6.75", "y": "51.46"},
        {"nr": 1, "v": 5, "x": 51.46, "y": 6.75},
        area=[6, 51, 7, 52],
    )
    found = await city.entities("Device")
    assert found["urn:ngsi-ld:Device:1"]["value"] == 5
    assert found["urn:ngsi-ld:Device:1"]["location"]["coordinates"] == [6.75, 51.46]
    assert status(feeds).dead == 3
    letters = (await feeds.deadletters.list("test")).items
    for word in ("null island", "decimal comma", "swapped"):
        assert any(word in letter.reason for letter in letters)


async def test_what_is_outside_stands_on_the_status(city: City) -> None:
    outside = {"nr": 1, "v": 1, "x": 103.75, "y": 1.16}
    feeds = await play(city, outside, area=[6, 51, 7, 52])
    assert (status(feeds).outside, status(feeds).accepted) == (1, 1)
    assert status(feeds).outside_sample == "urn:ngsi-ld:Device:1 at 103.75, 1.16"


async def test_what_is_dropped_is_counted_by_its_reason(city: City) -> None:
    outside = {"nr": 1, "v": 1, "x": 103.75, "y": 1.16}
    feeds = await play(city, outside, area=[6, 51, 7, 52], outside="drop")
    assert await city.entities("Device") == {}
    [reason] = status(feeds).ignored_by_reason
    assert (reason.reason, reason.count) == (OUTSIDE, 1)
    assert reason.sample == "urn:ngsi-ld:Device:1 at 103.75, 1.16"
