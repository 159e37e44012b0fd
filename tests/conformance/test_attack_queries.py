"""What strangers ask to bring a city down: shapes and patterns whose worst case is minutes, lists without end.

Each is answered soon, or refused, and the others are served meanwhile.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from conformance.attacked import Attacked, attack

BATCH = "/entityOperations/upsert"
QUERY = "/entityOperations/query"


@pytest.fixture(scope="module")
def city(city: Attacked) -> Attacked:
    things = [{"id": f"urn:x:thing:{n}", "type": "Thing", "text": "a" * 5_000, "n": n} for n in range(500)]
    assert city.call("POST", BATCH, things).status == 201
    shapes = [scribble("LineString", 5_000), scribble("Polygon", 5_000), star(5_000), rings(2_000)]
    placed = [{"id": f"urn:x:place:{n}", "type": "Place", "location": each} for n, each in enumerate(shapes)]
    assert city.call("POST", BATCH, placed).status == 201
    return city


def scribble(kind: str, size: int) -> dict[str, Any]:
    """Draw a line that crosses itself everywhere."""
    draw = random.Random(size)
    places = [[draw.uniform(6, 7), draw.uniform(51, 52)] for _ in range(size)]
    places.append(places[0])
    return {"type": kind, "coordinates": [places] if kind == "Polygon" else places}


def star(size: int) -> dict[str, Any]:
    """Draw a polygon of spikes."""
    places = [[6.5 + n / size, 51.2 + (n % 2) / 2] for n in range(size)]
    return {"type": "Polygon", "coordinates": [[*places, [7.5, 51.0], [6.5, 51.0], places[0]]]}


def rings(number: int) -> dict[str, Any]:
    """Draw a polygon with holes that lie side by side."""
    outer = [[6.0, 51.0], [7.0, 51.0], [7.0, 52.0], [6.0, 52.0], [6.0, 51.0]]
    step = 1 / number
    holes = [
        [[6 + n * step, 51.1], [6 + n * step, 51.2], [6 + (n + 0.5) * step, 51.1], [6 + n * step, 51.1]]
        for n in range(number)
    ]
    return {"type": "Polygon", "coordinates": [outer, *holes]}


@pytest.mark.parametrize(
    "relation", ["within", "contains", "intersects", "equals", "disjoint", "overlaps", "near;maxDistance==9"]
)
@pytest.mark.parametrize(
    "geometry",
    [scribble("LineString", 1_500), scribble("Polygon", 1_500), star(1_500), rings(400), star(5_000)],
    ids=["line", "scribble", "star", "rings", "too large"],
)
def test_no_geometry_keeps_the_city_busy(city: Attacked, relation: str, geometry: dict[str, Any]) -> None:
    where = {"georel": relation, "geometry": geometry["type"], "coordinates": geometry["coordinates"]}
    status = attack(city, "POST", QUERY, {"type": "Query", "entities": [{"type": "Place"}], "geoQ": where})
    assert status in (200, 403)


PATTERNS = [
    "(a+)+$",
    "(a|a)*$",
    "(.*)*x",
    "a?" * 40 + "a" * 40 + "b",
    "(aa|a|aa)" * 16 + "[bc]",
    "(a{0,30}){0,30}b",
    "(a{0,300}){0,300}b",
    "[ab]*a[ab]{900}c",
    "(x+x+)+y",
    "(",
    r"(a)\1",
    "(?=a)",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_pattern_keeps_the_city_busy(city: Attacked, pattern: str) -> None:
    things = {"type": "Query", "entities": [{"type": "Thing"}]}
    assert attack(city, "POST", QUERY, {**things, "q": f"text~={json.dumps(pattern)}"}) in (200, 400, 403)
    by_id = {"type": "Query", "entities": [{"type": "Thing", "idPattern": pattern}]}
    assert attack(city, "POST", QUERY, by_id) in (200, 400, 403)
    watch = {
        "type": "Subscription",
        "entities": [{"type": "Watched", "idPattern": pattern}],
        "q": f"text~={json.dumps(pattern)}",
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/"}},
    }
    assert attack(city, "POST", "/subscriptions", watch) in (201, 400, 403)
    assert attack(
        city, "POST", BATCH, [{"id": "urn:x:" + "a" * 200, "type": "Watched", "text": "a" * 50_000}]
    ) in (201, 204)


@pytest.mark.parametrize(
    "asked",
    [
        {"q": ";".join(["a==1"] * 100_000)},
        {"q": "|".join(["a"] * 2_000)},
        {"q": "(" * 4_000 + "a" + ")" * 4_000},
        {"q": "a{" * 40 + "b" + "}" * 40},
        {"q": "a==" + ",".join(["1"] * 4_000)},
        {"q": "|".join(f"text~=(x+x+)+y{n}" for n in range(200))},
        {"entities": [{"type": ",".join(f"T{n}" for n in range(50_000))}]},
        {"entities": [{"type": "|".join(["(a;b)"] * 50_000)}]},
        {"entities": [{"type": "(" * 60_000}]},
        {"entities": [{"type": "T", "id": f"urn:x:{n}"} for n in range(30_000)]},
        {"entities": [{"type": "T", "id": [f"urn:x:{n}" for n in range(40_000)]}]},
        {"scopeQ": "|".join(["(/a;/b)"] * 50_000)},
        {"scopeQ": "/+" * 2_000 + "/#"},
        {"attrs": [f"a{n}" for n in range(40_000)]},
        {"pick": ["a{" * 10_000 + "b" + "}" * 10_000], "join": "inline", "joinLevel": 10},
        {"lang": ",".join(["de"] * 30_000)},
        {"datasetId": [f"urn:d:{n}" for n in range(40_000)]},
        {"ordering": {"orderBy": [f"a{n}" for n in range(10_000)]}},
    ],
    ids=lambda asked: str(asked)[:24],
)
def test_no_query_is_too_long_to_be_refused(city: Attacked, asked: dict[str, Any]) -> None:
    status = attack(city, "POST", QUERY, {"type": "Query", "entities": [{"type": "Thing"}], **asked})
    assert status in (200, 400, 403)


@pytest.mark.parametrize(
    "query",
    [
        *("limit=999999999999999999", "limit=1001", "limit=-1", "limit=1e3", "limit=%D9%A3", "limit=%00"),
        *(
            "offset=99999999999999999999",
            "limit=1&offset=999999999999&count=true",
            "q=%00",
            "q=%ff",
            "id=,,,",
        ),
        "coordinates=[&geometry=Point&georel=within",
        "coordinates=[1e999,1]&geometry=Point&georel=within",
        "coordinates=[[[[[[1]]]]]]&geometry=Polygon&georel=within",
        "coordinates=[1,1]&geometry=Point&georel=near;maxDistance==1e308",
        "coordinates=[1,1]&geometry=Point&georel=near;maxDistance==1e-308",
        "orderBy=a;dist-asc&orderFrom=[1e400,1]",
        "joinLevel=99999999999&join=inline",
        "local=true",
        "&".join(f"a{n}=1" for n in range(200)),
        *("pick={{{", "options=keyValues,concise", "csf=(((", "scopeQ=(((", "collation=zz-%00", "lang=%00"),
        "q=" + "a" * 60_000,
    ],
    ids=lambda query: query[:24],
)
def test_hostile_parameters_are_taken_or_refused(city: Attacked, query: str) -> None:
    assert attack(city, "GET", f"/entities?local=true&{query}") in (200, 400, 403, 414)


def test_no_attack_left_a_trace_in_the_log(city: Attacked) -> None:
    assert city.process.poll() is None
    assert "Traceback" not in city.log.read_text(encoding="utf-8")
