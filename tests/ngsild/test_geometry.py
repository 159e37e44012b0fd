"""Geographic queries: clause 4.10, distances on the sphere, boxes for an index."""

import random
import time
from math import isclose
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context, core_context
from rhinecloud.ngsild.geometry import (
    EARTH_RADIUS_M,
    GeoQuery,
    box_of_ring,
    distance_m,
    haversine_m,
    matches_geo,
    parse_geo,
    shape_of,
)
from rhinecloud.ngsild.parsing import parse_entity
from rhinecloud.ngsild.relations import RELATIONS

LOCATION = "https://uri.etsi.org/ngsi-ld/location"
RUHRORT = {"type": "Point", "coordinates": [6.7348, 51.4556]}
DEGREE_M = 111_195.08


def point(longitude: float, latitude: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [longitude, latitude]}


def line(*places: list[float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": list(places)}


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


HOLED = {
    "type": "Polygon",
    "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]], [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]],
}


@pytest.mark.parametrize(
    ("relation", "reference", "target", "matches"),
    [
        ("within", box(0, 0, 10, 10), point(5, 5), True),
        ("within", HOLED, point(5, 5), False),
        ("within", HOLED, point(2, 2), True),
        ("within", box(0, 0, 10, 10), box(1, 1, 2, 2), True),
        ("within", box(0, 0, 10, 10), box(9, 9, 11, 11), False),
        ("contains", point(5, 5), box(0, 0, 10, 10), True),
        ("contains", box(0, 0, 10, 10), point(5, 5), False),
        ("intersects", box(0, 0, 10, 10), box(9, 9, 11, 11), True),
        ("intersects", box(0, 0, 10, 10), point(10, 10), True),
        ("intersects", box(0, 0, 10, 10), point(11, 11), False),
        ("disjoint", box(0, 0, 10, 10), point(11, 11), True),
        ("disjoint", box(0, 0, 10, 10), point(5, 5), False),
        ("overlaps", box(0, 0, 10, 10), box(9, 9, 11, 11), True),
        ("overlaps", box(0, 0, 10, 10), box(1, 1, 2, 2), False),
        ("overlaps", point(5, 5), point(5, 5), False),
        ("equals", box(0, 0, 1, 1), box(0, 0, 1, 1), True),
        ("equals", point(5, 5), point(5, 5), True),
        ("equals", point(5, 5), point(5, 5.1), False),
    ],
)
def test_topological_relations(relation: str, reference: Any, target: Any, matches: bool) -> None:
    assert GeoQuery(relation, reference, LOCATION).matches(target) is matches


@pytest.mark.parametrize(
    ("georel", "reference", "target", "matches"),
    [
        ("near;maxDistance==2000", point(6.75, 51.4556), RUHRORT, True),
        ("near;maxDistance==1000", point(6.75, 51.4556), RUHRORT, False),
        ("near;minDistance==1000", point(6.75, 51.4556), RUHRORT, True),
        ("near;minDistance==2000", point(6.75, 51.4556), RUHRORT, False),
        ("near;maxDistance==2000", line([0, 60], [10, 60]), point(10, 60.009), True),
        ("near;maxDistance==2000", line([0, 61], [10, 61]), point(10, 60.009), False),
        ("near;maxDistance==20000", point(0, 85), line([0, 85.6], [1, 85]), True),
        ("near;maxDistance==5000", point(0, 85), line([0, 85.6], [1, 85]), False),
        ("near;maxDistance==1", box(6, 51, 7, 52), RUHRORT, True),
        ("near;maxDistance==30000", point(179.9, 0), line([-179.9, 0], [-179.9, 1]), True),
        ("near;maxDistance==30000", point(179.9, 0), point(-179.9, 0), True),
    ],
)
def test_nearness_is_metres_between_the_nearest_points(
    georel: str, reference: Any, target: Any, matches: bool
) -> None:
    query = parse_geo(georel, reference["type"], reference["coordinates"], core_context())
    assert query.matches(target) is matches


def test_distances_are_those_of_the_sphere() -> None:
    assert isclose(haversine_m(0, 0, 0, 1), DEGREE_M, rel_tol=1e-6)
    assert isclose(haversine_m(0, 60, 1, 60), DEGREE_M / 2, rel_tol=1e-3)
    assert isclose(haversine_m(0, 0, 180, 0), EARTH_RADIUS_M * 3.141592653589793, rel_tol=1e-9)
    assert isclose(distance_m(point(6, 52), box(6, 50, 7, 51)), DEGREE_M, rel_tol=1e-4)
    assert distance_m(point(6.5, 50.5), box(6, 50, 7, 51)) == 0


def test_any_instance_of_the_named_property_may_match(core: Context) -> None:
    entity = parse_entity(
        {
            "id": "urn:a:1",
            "type": "T",
            "location": [{"value": point(0, 0)}, {"value": RUHRORT, "datasetId": "urn:d:2"}],
            "observationSpace": point(50, 50),
            "fake": {"type": "Property", "value": 5},
        },
        core,
    )
    near = ("near;maxDistance==100", "Point", RUHRORT["coordinates"])
    assert matches_geo(parse_geo(*near, core), entity)
    assert not matches_geo(parse_geo(*near, core, geoproperty="observationSpace"), entity)
    assert not matches_geo(parse_geo(*near, core, geoproperty="fake"), entity)
    assert not matches_geo(parse_geo("disjoint", "Point", "[1,1]", core, geoproperty="nowhere"), entity)


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates", "field"),
    [
        ("near", "Point", "[8,40]", "georel"),
        ("near;maxDistance==0", "Point", "[8,40]", "georel"),
        ("near;maxDistance==-5", "Point", "[8,40]", "georel"),
        ("near;maxDistance==inf", "Point", "[8,40]", "georel"),
        ("near;maxDistance==1e400", "Point", "[8,40]", "georel"),
        ("near;maxDistance==5;minDistance==1", "Point", "[8,40]", "georel"),
        ("near;maxDistance=5", "Point", "[8,40]", "georel"),
        ("touches", "Point", "[8,40]", "georel"),
        ("within", "GeometryCollection", "[8,40]", "geometry"),
        ("within", "Circle", "[8,40]", "geometry"),
        ("within", "Polygon", "[8,40]", "coordinates"),
        ("within", "Point", "8,40", "coordinates"),
        ("within", "Point", "[8", "coordinates"),
        ("within", "Point", "[800,40]", "coordinates"),
    ],
)
def test_what_is_no_geographic_query_is_refused(
    georel: str, geometry: str, coordinates: str, field: str
) -> None:
    with pytest.raises(Invalid) as raised:
        parse_geo(georel, geometry, coordinates, core_context())
    assert raised.value.field == field


def test_a_polygon_that_crosses_itself_a_little_is_mended() -> None:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [10, 10], [10, 0], [0, 10.001], [0, 0]]]}
    assert shape_of(bow).is_valid
    assert GeoQuery("within", bow, LOCATION).matches(point(1, 5))


def test_no_box_can_tell_what_is_far_or_apart() -> None:
    assert GeoQuery("disjoint", RUHRORT, LOCATION).bounds() is None
    assert GeoQuery("near", RUHRORT, LOCATION, min_m=5).bounds() is None
    assert GeoQuery("within", box(1, 2, 3, 4), LOCATION).bounds() == (1, 2, 3, 4)


LONGITUDES, LATITUDES = st.floats(-180, 180), st.floats(-90, 90)


@given(LONGITUDES, LATITUDES, LONGITUDES, LATITUDES, st.floats(1, 1e6))
def test_the_box_of_a_distance_holds_everything_within_it(
    longitude: float, latitude: float, other_longitude: float, other_latitude: float, metres: float
) -> None:
    query = GeoQuery("near", point(longitude, latitude), LOCATION, max_m=metres)
    bounds = query.bounds()
    assert bounds is not None
    if query.matches(point(other_longitude, other_latitude)):
        west, south, east, north = bounds
        assert west <= other_longitude <= east and south <= other_latitude <= north


@given(LONGITUDES, st.floats(-80, 80), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_a_line_of_one_place_is_as_far_as_the_place(
    longitude: float, latitude: float, east: float, north: float
) -> None:
    here, there = point(longitude, latitude), [min(max(longitude + east, -180), 180), latitude + north]
    alone = distance_m(here, point(*there))
    assert isclose(distance_m(here, line(there, there)), alone, rel_tol=1e-3, abs_tol=0.5)


def test_a_scribble_costs_little_and_still_has_an_inside() -> None:
    draw = random.Random(1)
    places = [[draw.uniform(6, 7), draw.uniform(51, 52)] for _ in range(2_000)]
    started = time.process_time()
    query = parse_geo("intersects", "Polygon", [[*places, places[0]]], core_context())
    assert query.matches({"type": "LineString", "coordinates": [[6.0, 51.5], [7.0, 51.5]]})
    assert not query.matches({"type": "Point", "coordinates": [8.0, 51.5]})
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("kind", ["LineString", "Polygon"])
@pytest.mark.parametrize("relation", [*sorted(RELATIONS), "near;maxDistance==10"])
def test_no_relation_of_two_scribbles_takes_long(kind: str, relation: str) -> None:
    draw = random.Random(2)
    places = [[draw.uniform(6, 7), draw.uniform(51, 52)] for _ in range(5_000)]
    places.append(places[0])
    scribble = places if kind == "LineString" else [places]
    part = places[:1_000] if kind == "LineString" else [[*places[:1_000], places[0]]]
    started = time.process_time()
    query = parse_geo(relation, kind, part, core_context())
    answers = [query.matches({"type": kind, "coordinates": each}) for each in (scribble, part)]
    assert time.process_time() - started < 1
    if relation in ("intersects", "near;maxDistance==10"):
        assert answers == [True, True]
    if relation == "equals":
        assert answers == [False, True]


EDGES = st.sampled_from([0.0, 6.7, 6.700000000000001, 10.0]) | st.floats(-20, 20)


@given(EDGES, EDGES, EDGES, EDGES, EDGES, EDGES, st.booleans())
def test_a_point_lies_to_a_box_as_its_shape_says(
    west: float, south: float, east: float, north: float, longitude: float, latitude: float, turned: bool
) -> None:
    reference = box(west, south, east, north)
    if turned:
        reference["coordinates"][0].reverse()
    place, shape = point(longitude, latitude), shape_of(reference)
    if box_of_ring(reference) is None:
        assert west == east or south == north
        return
    for relation, answer in (
        ("within", shapely.contains_xy(shape, longitude, latitude)),
        ("intersects", shapely.intersects_xy(shape, longitude, latitude)),
        ("disjoint", not shapely.intersects_xy(shape, longitude, latitude)),
    ):
        assert GeoQuery(relation, reference, LOCATION).matches(place) is bool(answer)


@pytest.mark.parametrize(
    "reference",
    [
        point(5, 5),
        HOLED,
        {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 11], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 0], [0, 0], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [0, 10], [0, 0]]]},
    ],
)
def test_only_a_ring_along_a_box_is_one(reference: Any) -> None:
    assert box_of_ring(reference) is None
    assert GeoQuery("intersects", reference, LOCATION).matches(point(5, 5)) is bool(
        shape_of(reference).intersects(shape_of(point(5, 5)))
    )
