"""What is read in one go is what the general road makes of it; what that refuses is never read in one go."""

from __future__ import annotations

from itertools import product
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.entity import NULL, Instance
from rhinecloud.ngsild.fast_parsing import decode_item, decode_items, read_plain
from rhinecloud.ngsild.instances import InstanceReader
from rhinecloud.ngsild.parsing import parse_entity, parse_fragment

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


def read(reader: InstanceReader, data: dict[str, Any]) -> Instance | None:
    """Read it member by member."""
    try:
        return reader.instance(data, 0)
    except Invalid:
        return None


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("partial", [False, True])
def test_the_fast_and_the_general_parser_return_the_same(nulls: bool, partial: bool) -> None:
    reader = InstanceReader(core_context(), NOW, nulls=nulls, deep_nulls=nulls and partial, partial=partial)
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


TEXTS = (
    *(
        '"text"',
        '""',
        '"urn:a:b"',
        '"urn:ngsi-ld:null"',
        '"\\u00e4\\n"',
        '"\\ud83d\\ude00"',
        '"\\ud800"',
        '"ä"',
    ),
    *(
        '"tab\there"',
        '"Property"',
        '"Relationship"',
        '"GeoProperty"',
        '"2026-01-01T12:00:00Z"',
        '"CMT"',
        '"\xff"',
    ),
)
NUMBERS = (
    *(
        "0",
        "-0",
        "1.0",
        "1",
        "-7",
        "1e2",
        "1e400",
        "-1e-400",
        "01",
        "1.",
        "NaN",
        "18446744073709551616",
        "+1",
    ),
    *("18446744073709551615", "-9223372036854775809", "0.1", "3.141592653589793238", "5e-324", "1E5"),
)
POINTS = (
    '{"type":"Point","coordinates":[6.7,51]}',
    '{"type":"Point","coordinates":[6.7,151]}',
    '{"type":"Point","coordinates":[6.7,51,2]}',
    '{"type":"Point","coordinates":[true,51]}',
    '{"type":"Polygon","coordinates":[[[0,0],[0,1],[1,1],[0,0]]]}',
    '{"coordinates":[6.7,51],"type":"Point","type":"Point"}',
)
NAMES = ("type", "value", "object", "observedAt", "unitCode", "value", "datasetId", "accuracy")
MEMBERS = (
    *("level", "location", "flow", "scope", "expiresAt", "unitCode", "createdAt", "object", "@id", "@type"),
    *(
        "type",
        "https://uri.etsi.org/ngsi-ld/location",
        "a-b",
        "observationSpace",
        "ngsildproof",
        "dataset",
        "level",
    ),
)


def objects(names: st.SearchStrategy[str], members: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Write JSON objects as texts, so that names may stand twice and values may be no JSON."""
    pairs = st.lists(st.builds('"{}":{}'.format, names, members), max_size=5)
    return pairs.map(lambda each: "{" + ",".join(each) + "}")


scalars = st.sampled_from((*TEXTS, *NUMBERS, "true", "null", "[1]", "[]", '["urn:a:b"]', '["A","B"]', "{}"))
attributes = objects(st.sampled_from(NAMES), scalars | st.sampled_from((*POINTS, '"Property"', "1.5")))
entities = objects(st.sampled_from(MEMBERS), attributes | attributes | scalars | st.sampled_from(POINTS)).map(
    lambda each: '{"id":"urn:a:1","type":"Thing"' + ("," + each[1:] if len(each) > 2 else "}")
)


@example('[{"id":"urn:a:1","type":"Thing","a-b":{"type":"text"}}]')
@given(st.lists(entities, min_size=1, max_size=3).map(lambda each: "[" + ",".join(each) + "]"))
def test_a_batch_that_is_read_fast_is_what_the_general_parser_returns(text: str) -> None:
    body = text.encode("utf-8", "surrogateescape").replace("\xff".encode(), b"\xff")
    items = decode_items(body)
    if items is None:
        return
    general = orjson.loads(body)
    for parse in (parse_entity, parse_fragment):
        for simplified in (False, True):
            for item, data in zip(items, general, strict=True):
                assert outcome(parse, item, simplified) == outcome(parse, data, simplified)


def outcome(parse: Any, item: Any, simplified: bool) -> Any:
    """Give what became of an item, or the words of the refusal."""
    try:
        entity = parse(item, core_context(), now=NOW, simplified=simplified)
    except Invalid as error:
        return str(error)
    return entity, orjson.dumps(entity.attrs, default=repr)


def test_a_batch_of_readings_is_read_in_one_go() -> None:
    reading = (
        b'{"id":"urn:a:1","type":["A","B"],"level":{"value":1},"location":{"type":"GeoProperty","value":%s}}'
    )
    assert decode_items(b"[" + reading % POINTS[0].encode() + b"]") is not None
    for odd in (b'[{"level":{"value":[1]}}]', b"[" * 100_000, b"[1]", b"[null]", b"{}", b"[{]"):
        assert decode_items(odd) is None


@given(entities)
def test_one_entity_is_read_as_a_batch_of_it_is(text: str) -> None:
    body = text.encode("utf-8", "surrogateescape").replace("\xff".encode(), b"\xff")
    item = decode_item(body)
    assert decode_items(b"[" + body + b"]") == (None if item is None else [item])


def test_a_number_that_decoders_read_differently_is_left_to_the_general_parser() -> None:
    assert decode_item(b'{"level":18446744073709551616}') is None
    assert decode_item(b'{"level":{"value":-9223372036854775809}}') is None
