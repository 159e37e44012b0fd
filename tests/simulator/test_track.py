"""The track gives places by distance: checked against distances that are known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhinecloud.simulator.track import Track, bearing_deg, distance_m, shift

RUHRORT, HOMBERG = (6.7279, 51.4553), (6.7010, 51.4560)


def test_a_degree_of_latitude_is_111_kilometres() -> None:
    assert distance_m((6.7, 51.0), (6.7, 52.0)) == pytest.approx(111_195, rel=1e-3)


def test_bearing_to_the_east_is_ninety() -> None:
    assert bearing_deg((6.0, 51.0), (7.0, 51.0)) == pytest.approx(90)


def test_the_way_back_points_the_other_way_and_keeps_to_its_own_right() -> None:
    track = Track([RUHRORT, HOMBERG])
    there, back = track.at(500, offset_m=40), track.at(500, offset_m=40, backwards=True)
    assert abs(there.bearing - back.bearing) == pytest.approx(180, abs=0.5)
    assert distance_m((there.longitude, there.latitude), (back.longitude, back.latitude)) == pytest.approx(
        80, rel=0.02
    )


def test_a_track_of_one_point_is_refused() -> None:
    with pytest.raises(ValueError, match="two points"):
        Track([RUHRORT])


def test_cut_keeps_the_stretch_between_two_places() -> None:
    track = Track([(6.0 + i / 100, 51.0) for i in range(11)])
    assert track.cut((6.02, 51.0), (6.05, 51.0)).length_m == pytest.approx(track.length_m * 0.3, rel=1e-6)


@given(st.floats(-1e6, 1e6), st.floats(0, 359), st.floats(0, 2000))
def test_every_distance_gives_a_place_on_the_line(way: float, bearing: float, metres: float) -> None:
    fix = Track([RUHRORT, HOMBERG]).at(way)
    assert HOMBERG[0] <= fix.longitude <= RUHRORT[0] + 1e-9
    moved = shift(RUHRORT, bearing, metres)
    assert distance_m(RUHRORT, moved) == pytest.approx(metres, rel=0.01, abs=0.5)
