"""Entities and queries by chance, odd ones included: what an engine finds is held against plain `matches`."""

from __future__ import annotations

import random
from typing import Any

from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.query import EntityQuery, parse_geo, parse_q, parse_scope_q

CORE = core_context()
ATTRIBUTES = ("level", "state", "since", "names")
IRIS = {name: CORE.expand(name) for name in ATTRIBUTES}
LOCATION = CORE.expand("location")
SCOPE = "https://uri.etsi.org/ngsi-ld/scope"
INDEXES = (*IRIS.values(), SCOPE)
TYPES = ("urn:T:a", "urn:T:b", "urn:T:c")
LONG = "x" * 70
MOMENTS = (
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.000Z",
    "2026-01-01T00:00:00.5Z",
    "2026-01-01T02:00:00+02:00",
    "2025-12-31T19:00-05:00",
    "2026-01-01T10:00:00.25+14:00",
    "20260101T000000Z",
    "2026-01-02",
    "12:00:00Z",
)
TEXTS = ("", "a", "b", "ab", "ä", "5", "true", LONG, LONG + "y", "2026-01-01T00:00:00A", *MOMENTS)
NUMBERS = (-1, 0, 1, 1.0, 2, 2.5, 10, 1e300, 2**53, 2**53 + 1, 2**64 - 1)
SCOPES = ("/a", "/a/b", "/a/b/c", "a/b", "/a-b", "/b", "/" + "s" * 70)


def some_value(chance: random.Random) -> Any:
    """Give any JSON value that an attribute may have."""
    return chance.choice(
        [
            chance.choice(NUMBERS),
            chance.choice(TEXTS),
            chance.choice([True, False]),
            [chance.choice(NUMBERS), chance.choice(TEXTS)],
            [],
            {"a": 1},
            {"@value": chance.choice(NUMBERS), "@type": "x"},
            {"@value": [1]},
            [[1], {"@value": "a"}],
        ]
    )


def some_instance(chance: random.Random, name: str) -> Instance:
    """Give an instance of any of the kinds that compare differently."""
    kind = chance.choice(["Property", "Property", "Relationship", "LanguageProperty", "VocabProperty"])
    if kind == "LanguageProperty":
        texts: dict[str, Any] = {"de": chance.choice(TEXTS), "en": [chance.choice(TEXTS), "b"]}
        return Instance(type=kind, value=chance.choice([texts, {}]))
    if kind == "Relationship":
        return Instance(type=kind, value=chance.choice(["urn:x:1", "urn:x:2", ["urn:x:1", "urn:x:3"]]))
    if kind == "VocabProperty":
        return Instance(type=kind, value=CORE.expand(chance.choice(["a", "b"])))
    return Instance(
        value=some_value(chance),
        unit_code=chance.choice(["", "CMT"]),
        attrs={
            IRIS[each]: [Instance(value=some_value(chance)) for _ in range(chance.choice([1, 1, 2]))]
            for each in ATTRIBUTES
            if chance.random() < 0.2
        },
    )


def some_entity(chance: random.Random, name: str) -> Entity:
    """Give an entity that has some of the attributes, perhaps in several instances, and perhaps a place."""
    attrs = {
        IRIS[each]: [some_instance(chance, each) for _ in range(chance.choice([1, 1, 1, 2]))]
        for each in ATTRIBUTES
        if chance.random() < 0.7
    }
    if chance.random() < 0.7:
        point = {"type": "Point", "coordinates": [chance.uniform(6, 7), chance.uniform(51, 52)]}
        attrs[LOCATION] = [Instance(type="GeoProperty", value=point)]
    return Entity(
        id=f"urn:x:{name}",
        type=chance.sample(TYPES, chance.choice([1, 1, 2])),
        scope=chance.sample(SCOPES, chance.choice([0, 1, 2])),
        created_at="2026-01-01T00:00:00Z",
        attrs=attrs,
    )


def some_term(chance: random.Random) -> str:
    """Give one term of a query."""
    name = chance.choice(ATTRIBUTES)
    texts = [f'"{text}"' for text in TEXTS] + ["a", "urn:x:1"]
    number = str(chance.choice(NUMBERS))
    value = chance.choice([number, chance.choice(texts), chance.choice(["true", "false"])])
    ordered = chance.choice([number, chance.choice(texts)])
    low, high = chance.choice(
        [("0", "2.5"), ("1", "9007199254740993"), ('"a"', '"b"'), (f'"{MOMENTS[0]}"', f'"{MOMENTS[2]}"')]
    )
    return chance.choice(
        [
            name,
            f"!{name}",
            f"{name}=={value}",
            f"{name}!={value}",
            f"{name}=={value},{number}",
            f"{name}=={low}..{high}",
            f"{name}{chance.choice(['<', '<=', '>', '>='])}{ordered}",
            f"{name}>={low};{name}<{high}",
            f"{name}.{chance.choice(ATTRIBUTES)}{chance.choice(['<', '==', '>='])}{ordered}",
            f'{name}.unitCode>="CMT"',
            f"{name}~=^a",
            f"{name}[a]==1",
            f"{name}.{name}==1",
            'modifiedAt>"2020-01-01T00:00:00Z"',
        ]
    )


def some_q(chance: random.Random) -> str:
    """Give a query of one to three terms."""
    one, two, three = (some_term(chance) for _ in range(3))
    return chance.choice(
        [one, one, f"{one};{two}", f"{one}|{two}", f"({one}|{two});{three}", f"{one};{two}|{three}"]
    )


def some_query(chance: random.Random) -> EntityQuery:
    """Give a query with some conditions of all kinds."""
    west, south = chance.uniform(6, 7), chance.uniform(51, 52)
    box = [
        [[west, south], [west + 0.3, south], [west + 0.3, south + 0.3], [west, south + 0.3], [west, south]]
    ]
    geo = chance.choice(
        [
            parse_geo("within", "Polygon", box, CORE),
            parse_geo("near;maxDistance==20000", "Point", [west, south], CORE),
            parse_geo("disjoint", "Polygon", box, CORE),
        ]
    )
    scope = chance.choice(["/a", "/a/#", "/a/+", "/#", "/a/b|/b", "(/a;/b)", "/+/b", "/" + "s" * 70])
    expand = chance.choice([(), ("names",)])
    return EntityQuery(
        types=chance.choice([(), ((TYPES[0],),), ((TYPES[0], TYPES[1]),), ((TYPES[0],), (TYPES[2],))]),
        q=parse_q(some_q(chance), CORE, expand_values=expand) if chance.random() < 0.7 else None,
        geo=geo if chance.random() < 0.2 else None,
        scope=parse_scope_q(scope) if chance.random() < 0.2 else None,
        attrs=tuple(chance.sample(list(IRIS.values()), 2)) if chance.random() < 0.1 else (),
        id_pattern=chance.choice(["^urn:x:1", "1$", r"^urn:x:2\d*$", "^urn:x:(1|2)"])
        if chance.random() < 0.2
        else "",
        hidden=frozenset({TYPES[1]}) if chance.random() < 0.1 else frozenset(),
        limit=chance.choice([5, 1_000]),
        offset=chance.choice([0, 0, 3]),
        count=chance.random() < 0.5,
    )
