"""What lies within a box, or touches it, is often known from the spatial index alone: the answer is that of Python."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.query import EntityQuery, matches, parse_geo, parse_q
from rhinecloud.store.place import LOCATION
from rhinecloud.store.port import Edit, Put
from rhinecloud.store.sqlite import SqliteStore, plan
from store.questions import CORE, IRIS

AT = "2026-03-01T10:00:00Z"
WEST, SOUTH, EAST, NORTH = 6.1, 51.1, 6.3, 51.3
ON_AND_OFF = (6.0, 6.1, 6.100000001, 6.2, 6.299999999, 6.3, 6.4)
TYPES = (["urn:T"], ["urn:U"], ["urn:T", "urn:U"])


def some_geometry(chance: random.Random) -> Any:
    """Give a geometry of which positions lie in the box, on its edge or outside, or what is none."""

    def position() -> list[float]:
        return [chance.choice(ON_AND_OFF), chance.choice(ON_AND_OFF) + 45]

    one, two, three = position(), position(), position()
    return chance.choice(
        [
            {"type": "Point", "coordinates": one},
            {"type": "Point", "coordinates": [*one, 12.5]},
            {"type": "MultiPoint", "coordinates": [one, two]},
            {"type": "LineString", "coordinates": [one, two]},
            {"type": "Polygon", "coordinates": [[one, two, three, one]]},
            {"type": "Polygon", "coordinates": [[one, one, one, one]]},
            {"type": "Place", "coordinates": one},
            {"coordinates": one},
        ]
    )


def some_entity(chance: random.Random, number: int) -> Entity:
    attrs: dict[str, list[Instance]] = {IRIS["level"]: [Instance(value=chance.randrange(3))]}
    if chance.random() < 0.9:
        attrs[LOCATION] = [
            Instance(type="GeoProperty", value=some_geometry(chance), dataset_id=f"urn:d:{each}" * each)
            for each in range(chance.choice([1, 1, 1, 2]))
        ]
    return Entity(id=f"urn:größe:{number}", type=chance.choice(TYPES), attrs=attrs)


def keep(entity: Entity, _before: Entity | None) -> Put:
    return Put(entity)


def questions(relation: str) -> list[EntityQuery]:
    ring = [[WEST, SOUTH], [EAST, SOUTH], [EAST, NORTH], [WEST, NORTH], [WEST, SOUTH]]
    geo = parse_geo(relation, "Polygon", [ring], CORE)
    one_type = (("urn:T",),)
    return [
        EntityQuery(types=one_type, geo=geo),
        EntityQuery(types=one_type, geo=geo, limit=5, offset=3, count=True),
        EntityQuery(types=one_type, geo=geo, hidden=frozenset({"urn:U"}), limit=1_000),
        EntityQuery(types=(("urn:T",), ("urn:U",)), geo=geo, limit=1_000),
        EntityQuery(types=(("urn:T", "urn:U"),), geo=geo, limit=1_000),
        EntityQuery(types=one_type, geo=geo, q=parse_q("level==1", CORE), limit=1_000),
        EntityQuery(types=one_type, geo=geo, id_pattern="3$", limit=1_000),
        EntityQuery(geo=geo, limit=1_000),
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_a_box_finds_what_matches(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "FEW", 0)  # the spatial index is used, however few entities there are
    chance = random.Random(seed)
    model = [some_entity(chance, number) for number in range(300)]
    store = SqliteStore(tmp_path / "s.db")
    await store.open()
    await store.write([Edit("", each.id, partial(keep, each), AT) for each in model])
    for relation in ("within", "intersects", "disjoint", "overlaps", "contains", "near;maxDistance==5000"):
        for query in questions(relation):
            wanted = [each.id for each in model if matches(query, each)]
            page = await store.query("", query)
            end = query.offset + query.limit
            assert [each.id for each in page.items] == wanted[query.offset : end], query
            assert page.more is (len(wanted) > end)
            assert page.total == (len(wanted) if query.count else None)
    await store.close()
