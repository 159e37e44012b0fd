"""What may stand as a value: clauses 4.5.0, 4.6.3 to 4.6.5, 4.7 and 4.18."""

from typing import Any

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.values import (
    check_geometry,
    check_json,
    check_language_map,
    check_moment,
    check_raw_json,
    check_scope,
    check_uri,
    is_uri,
)


@pytest.mark.parametrize(
    "text", ["urn:ngsi-ld:A:1", "https://example.org/a?b=c#d", "urn:ngsi-ld:Ciudad:París", "did:web:x", "a:b"]
)
def test_uris_and_iris_are_accepted(text: str) -> None:
    assert check_uri(text) == text


@pytest.mark.parametrize(
    "text", ["", "a", "a b:c", "1a:b", "urn:", "urn:a b", "urn:<script>", None, 5, ["urn:a:b"]]
)
def test_what_is_no_uri_is_refused(text: Any) -> None:
    with pytest.raises(Invalid):
        check_uri(text)


@pytest.mark.parametrize(
    "code",
    [
        *(
            0x202E,
            0x200B,
            0xFEFF,
            0x2028,
            0xA0,
            0x3C,
            0xFE0F,
            0xE0100,
            0xFDD0,
            0xFFFE,
            0x1FFFE,
            0x115F,
            0x3164,
        ),
        *(0xFFA0, 0x2800, 0xE000, 0x85, 0xD800, 0x10FFFF),
    ],
)
def test_uris_hold_nothing_that_cannot_be_seen(code: int) -> None:
    with pytest.raises(Invalid):
        check_uri(f"urn:a:{chr(code)}b")


@pytest.mark.parametrize(
    "text", ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.5Z", "2024-02-29T23:59:59.123456Z"]
)
def test_moments_are_accepted(text: str) -> None:
    assert check_moment(text) == text


def test_a_decimal_comma_becomes_a_point() -> None:
    assert check_moment("2026-03-01T12:00:00,25Z") == "2026-03-01T12:00:00.25Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01",
        "2026-03-01T12:00Z",
        "2026-03-01T12:00:00",
        "2026-03-01T12:00:00+01:00",
        "2026-02-30T12:00:00Z",
        "2026-03-01T25:00:00Z",
        "2026-03-01T12:00:00.1234567Z",
        "20260301T120000Z",
        1772366400,
        {"@value": "2026-03-01T12:00:00Z"},
    ],
)
def test_what_is_no_moment_in_utc_is_refused(text: Any) -> None:
    with pytest.raises(Invalid):
        check_moment(text)


@pytest.mark.parametrize(
    "value", [0, -1.5, "", "text", True, [], {}, [1, "a", {"b": [2]}], {"@type": "@json", "@value": None}]
)
def test_json_values_are_accepted(value: Any) -> None:
    check_json(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [1, None],
        {"a": None},
        float("nan"),
        float("inf"),
        [float("-inf")],
        2**64,
        -(2**63) - 1,
        {1: 2},
        {1, 2},
        b"x",
    ],
)
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(Invalid):
        check_json(value)


def test_ngsi_ld_null_is_refused_unless_it_is_a_member_of_an_object_to_merge() -> None:
    for value in ("urn:ngsi-ld:null", {"a": {"b": "urn:ngsi-ld:null"}}):
        check_json(value, nulls=True)
        with pytest.raises(Invalid):
            check_json(value)
    with pytest.raises(Invalid):
        check_json({"a": ["urn:ngsi-ld:null"]}, nulls=True)


def test_values_that_nest_without_end_are_refused() -> None:
    value: Any = 1
    for _ in range(100):
        value = [value]
    for check in (check_json, check_raw_json):
        with pytest.raises(Invalid, match="deep"):
            check(value)


def test_raw_json_may_hold_null_but_no_nan() -> None:
    check_raw_json({"id": None, "list": [None, 1]})
    with pytest.raises(Invalid):
        check_raw_json({"a": [float("nan")]})


SQUARE = [[0, 0], [1, 0], [1, 1], [0, 0]]


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [6.7, 51.4]},
        {"type": "Point", "coordinates": [6.7, 51.4, 30.5]},
        {"type": "MultiPoint", "coordinates": [[6.7, 51.4]]},
        {"type": "LineString", "coordinates": [[6.7, 51.4], [6.8, 51.5]]},
        {"type": "MultiLineString", "coordinates": [[[6.7, 51.4], [6.8, 51.5]]]},
        {"type": "Polygon", "coordinates": [SQUARE]},
        {"type": "MultiPolygon", "coordinates": [[SQUARE]]},
    ],
)
def test_geometries_are_accepted_as_objects_and_as_texts(geometry: dict[str, Any]) -> None:
    assert check_geometry(geometry) is geometry
    assert check_geometry(str(geometry).replace("'", '"')) == geometry


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "GeometryCollection", "geometries": []},
        {"type": "Point"},
        {"type": "Point", "coordinates": []},
        {"type": "Point", "coordinates": [6.7]},
        {"type": "Point", "coordinates": [6.7, 51.4, 0, 0, 0]},
        {"type": "Point", "coordinates": ["6.7", "51.4"]},
        {"type": "Point", "coordinates": [True, 51.4]},
        {"type": "Point", "coordinates": [float("nan"), 51.4]},
        {"type": "Point", "coordinates": [51.4, 96.7]},
        {"type": "Point", "coordinates": [181, 0]},
        {"type": "Point", "coordinates": [[6.7, 51.4]]},
        {"type": "Point", "coordinates": {"0": 6.7, "1": 51.4}},
        {"type": "LineString", "coordinates": [[6.7, 51.4]]},
        {"type": "Polygon", "coordinates": [SQUARE[:3]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
        {"type": ["Point"], "coordinates": [6.7, 51.4]},
        "POINT (6.7 51.4)",
        '"text"',
        5,
        None,
    ],
)
def test_hostile_and_broken_geometries_are_refused(geometry: Any) -> None:
    with pytest.raises(Invalid):
        check_geometry(geometry)


@pytest.mark.parametrize("text", ["/Madrid", "Madrid", "/Madrid/Gardens/ParqueNorte", "/Größe/a_1"])
def test_scopes_are_accepted(text: str) -> None:
    assert check_scope(text) == text


@pytest.mark.parametrize("text", ["", "/", "//a", "/a/", "/1a", "/a b", "/a/+", "/a/#", None])
def test_what_is_no_scope_is_refused(text: Any) -> None:
    with pytest.raises(Invalid):
        check_scope(text)


def test_language_maps_hold_texts_by_language_tag() -> None:
    check_language_map({"de": "Haus", "pt-BR": ["casa", "lar"], "@none": "house"})
    for broken in ({}, {"de": 5}, {"de": None}, {"no tag": "x"}, {"de": ["a", 1]}, "Haus", ["Haus"]):
        with pytest.raises(Invalid):
            check_language_map(broken)


@pytest.mark.parametrize("text", ["urn:x:%", "urn:x:%zz", "urn:x:%2", "urn:ö:%zz", "urn:x:%é0"])
def test_a_percent_sign_begins_two_hexadecimal_digits(text: str) -> None:
    assert not is_uri(text)
    assert is_uri(text.replace("%", "%25"))
