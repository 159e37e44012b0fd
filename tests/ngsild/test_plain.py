"""What is read in one go is what the general road makes of it; what that refuses is never read in one go."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.entity import NULL, Instance
from rhinecloud.ngsild.instances import Reader
from rhinecloud.ngsild.plain import read_plain

NOW = "2026-01-01T12:00:00.123Z"
LEFT_OUT = object()
POINT = {"type": "Point", "coordinates": [6.7, 51.4]}
KINDS = (
    LEFT_OUT,
    "Property",
    "GeoProperty",
    "Relationship",
    "LanguageProperty",
    "",
    "Point",
    5,
    None,
    ["Property"],
)
VALUES = (
    *(
        LEFT_OUT,
        1,
        -1.5,
        True,
        "text",
        "",
        "urn:a:b",
        NULL,
        None,
        float("inf"),
        2**64,
        -(2**63),
        [1],
        {"a": 1},
    ),
    *(POINT, {**POINT, "coordinates": [200, 0]}, "not a geometry", "http://example.org/ä", "with space:x"),
)
MORE: tuple[dict[str, Any], ...] = (
    {},
    {"observedAt": "2026-01-01T12:00:00Z"},
    {"observedAt": "2026-01-01T12:00:00,5Z"},
    {"observedAt": "yesterday"},
    {"observedAt": NULL},
    {"observedAt": 5},
    {"unitCode": "CMT"},
    {"unitCode": ""},
    {"unitCode": NULL},
    {"unitCode": None},
    {"unitCode": "CMT", "observedAt": "2026-01-01T12:00:00Z"},
    {"datasetId": "urn:d:1"},
    {"accuracy": {"type": "Property", "value": 1}},
    {"object": "urn:c:d"},
)


def samples() -> list[dict[str, Any]]:
    found = []
    for kind, member, value, more in product(KINDS, ("value", "object"), VALUES, MORE):
        data = {"type": kind, member: value, **more}
        found.append({name: each for name, each in data.items() if each is not LEFT_OUT})
    return found


def read(reader: Reader, data: dict[str, Any]) -> Instance | None:
    """Read it member by member."""
    try:
        return reader.instance(data, 0)
    except Invalid:
        return None


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("partial", [False, True])
def test_both_roads_lead_to_the_same(nulls: bool, partial: bool) -> None:
    reader = Reader(core_context(), NOW, nulls=nulls, deep_nulls=nulls and partial, partial=partial)
    plain = 0
    for data in samples():
        found = read_plain(data, NOW)
        if found is not None:
            plain += 1
            assert found == read(reader, data), data
    assert plain > 100


def test_what_feeds_send_is_read_in_one_go() -> None:
    at = "2026-01-01T12:00:00Z"
    for data in (
        {"type": "Property", "value": 12.5, "unitCode": "CMT", "observedAt": at},
        {"type": "Relationship", "object": "urn:ngsi-ld:River:Rhine"},
        {"type": "GeoProperty", "value": POINT, "observedAt": at},
        {"value": 12, "observedAt": at},
        {"object": "urn:ngsi-ld:River:Rhine"},
    ):
        assert read_plain(data, NOW) is not None
