"""Regions: what is in a box of degrees, across the antimeridian and near the poles too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.region import CityArea, Region, read_region

DUISBURG = Region(6.6256, 51.3331, 6.8303, 51.5607)
FIJI = Region(177.0, -19.0, -179.0, -16.0)
"""It crosses the antimeridian."""

longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)


def point(longitude: float, latitude: float) -> dict[str, object]:
    return {"type": "Point", "coordinates": [longitude, latitude]}


@pytest.mark.parametrize(
    ("region", "position", "inside"),
    [
        (DUISBURG, (6.7, 51.45), True),
        (DUISBURG, (6.8303, 51.5607), True),
        (DUISBURG, (103.75, 1.16), False),
        (DUISBURG, (51.45, 6.7), False),
        (FIJI, (178.5, -18.0), True),
        (FIJI, (-179.5, -18.0), True),
        (FIJI, (0.0, -18.0), False),
    ],
)
def test_a_point_is_in_a_region_or_not(region: Region, position: tuple[float, float], inside: bool) -> None:
    assert region.contains(*position) is inside
    assert region.touches(point(*position)) is inside


def test_an_area_that_covers_the_region_touches_it_though_none_of_its_corners_is_inside() -> None:
    germany = [[5.0, 47.0], [15.0, 47.0], [15.0, 55.0], [5.0, 55.0], [5.0, 47.0]]
    assert DUISBURG.touches({"type": "Polygon", "coordinates": [germany]})
    assert not FIJI.touches({"type": "Polygon", "coordinates": [germany]})


@pytest.mark.parametrize("value", [None, "6.7,51.4", {"coordinates": [6.7, 51.45]}, [6.7, 51.45]])
def test_what_is_no_geometry_touches_nothing(value: object) -> None:
    assert not DUISBURG.touches(value)


@given(longitude=longitudes, latitude=latitudes, km=st.floats(0, 20_000))
def test_a_grown_region_holds_all_that_it_held(longitude: float, latitude: float, km: float) -> None:
    for region in (DUISBURG, FIJI):
        grown = region.grown(km)
        assert not region.contains(longitude, latitude) or grown.contains(longitude, latitude)
        assert -180 <= grown.west <= 180
        assert -180 <= grown.east <= 180


def test_a_margin_is_in_kilometres_on_each_side() -> None:
    grown = DUISBURG.grown(25)
    assert grown.contains(6.83, 51.77)
    assert not grown.contains(6.83, 51.80)
    assert grown.contains(7.18, 51.45)
    assert not grown.contains(7.21, 51.45)
    assert grown.grown(30_000) == Region(-180.0, -90.0, 180.0, 90.0)


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ([1.0, 2.0, 3.0], "must be west, south, east, north"),
        ([51.3, 6.6, 51.6, 96.9], "the latitude must be -90 to 90"),
        ([6.9, 51.3, 6.6, 51.6], "must be west of east"),
        ([6.6, 51.6, 6.9, 51.3], "must be south of north"),
    ],
)
def test_what_is_no_region_is_refused_with_its_field(numbers: list[float], says: str) -> None:
    with pytest.raises(Invalid, match=says) as caught:
        read_region(numbers, "city.bbox")
    assert caught.value.field == "city.bbox"


def test_what_has_no_known_place_may_be_in_the_city() -> None:
    area = CityArea(DUISBURG, DUISBURG.grown(25))
    assert area.in_city(None)
    assert area.in_surroundings(None)
    assert CityArea().in_city(point(103.75, 1.16))
    assert area.in_surroundings(point(7.1, 51.45))
    assert not area.in_city(point(7.1, 51.45))
