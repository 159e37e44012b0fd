"""The requests of the benchmark of the broker, of each kind, about entities of five attributes.

Entities lie 40 to the square kilometre, however many there are: a larger city is a wider one, and a box of a kilometre
holds as many. Twenty-five have a given flow, of a thousand as of a million: so pages of all sizes are alike.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from bench.city import API, entity
from bench.traffic import FRESH

DENSITY_KM2 = 40
KM_LATITUDE = 1 / 111.2
KM_LONGITUDE = KM_LATITUDE / math.cos(math.radians(51.4))
WEST, SOUTH = 5.0, 50.0
SAME_FLOW = 25
VARIANTS = 2_000
"""Different requests of a kind, which are sent repeatedly."""

Make = Callable[[random.Random, int], bytes]
"""Returns a request's head line, further header fields, and body, from random numbers and the number of entities."""


def gauge(number: int, size: int) -> dict[str, Any]:
    """Return an entity of five attributes, about 550 bytes as JSON."""
    made = entity(number)
    chance = random.Random(number)
    side = math.sqrt(size / DENSITY_KM2)
    made["flow"]["value"] = 1_000 + number % max(1, size // SAME_FLOW)
    made["location"]["value"]["coordinates"] = [
        round(WEST + chance.random() * side * KM_LONGITUDE, 6),
        round(SOUTH + chance.random() * side * KM_LATITUDE, 6),
    ]
    return made


def batches(size: int, count: int = 1_000) -> Iterator[bytes]:
    """Return all entities as bodies of batch upserts."""
    for start in range(0, size, count):
        yield json.dumps([gauge(number, size) for number in range(start, min(size, start + count))]).encode()


def _get(path: str) -> bytes:
    return f"GET {API}{path} HTTP/1.1\r\n\r\n".encode()


def _with_body(method: str, path: str, content: Any) -> bytes:
    body = json.dumps(content).encode()
    head = f"{method} {API}{path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def retrieve(chance: random.Random, size: int) -> bytes:
    """Return a request for one entity."""
    return _get(f"/entities/urn:ngsi-ld:Gauge:{chance.randrange(size)}")


def page(chance: random.Random, size: int) -> bytes:
    """Return a request for the first twenty of a type."""
    return _get("/entities?type=Gauge&limit=20")


def by_value(chance: random.Random, size: int) -> bytes:
    """Return a request for twenty of the twenty-five with a given flow.

    Of a thousand entities there are but forty such questions, and what is asked again need not be read again; so the
    number is written with more or fewer zeros.
    """
    flow = 1_000 + chance.randrange(max(1, size // SAME_FLOW))
    return _get(f"/entities?type=Gauge&limit=20&q=flow=={flow}.{'0' * chance.randrange(1, 100)}")


def by_place(chance: random.Random, size: int) -> bytes:
    """Return a request for those in a box of one kilometre."""
    side = math.sqrt(size / DENSITY_KM2) - 1
    west = WEST + chance.random() * side * KM_LONGITUDE
    south = SOUTH + chance.random() * side * KM_LATITUDE
    east, north = west + KM_LONGITUDE, south + KM_LATITUDE
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    ring = [[round(x, 6), round(y, 6)] for x, y in corners]
    coordinates = quote(json.dumps([ring], separators=(",", ":")))
    return _get(f"/entities?type=Gauge&limit=20&georel=within&geometry=Polygon&coordinates={coordinates}")


def create(chance: random.Random, size: int) -> bytes:
    """Return a request that creates a new entity."""
    made = gauge(size + chance.randrange(size), size) | {
        "id": f"urn:ngsi-ld:Fresh:{FRESH.decode()}",
        "type": "Fresh",
    }
    return _with_body("POST", "/entities", made)


def update(chance: random.Random, size: int) -> bytes:
    """Return a request that updates one attribute of one entity."""
    path = f"/entities/urn:ngsi-ld:Gauge:{chance.randrange(size)}/attrs/level"
    return _with_body("PATCH", path, {"type": "Property", "value": chance.randrange(1000)})


def batch(count: int) -> Make:
    """Return a request that upserts some existing entities with other levels."""

    def make(chance: random.Random, size: int) -> bytes:
        numbers = chance.sample(range(size), min(count, size))
        changed = [gauge(number, size) for number in numbers]
        for each in changed:
            each["level"]["value"] = chance.randrange(1000)
        return _with_body("POST", "/entityOperations/upsert", changed)

    return make


def requests(make: Make, size: int, fields: tuple[str, ...], variants: int = VARIANTS) -> list[bytes]:
    """Return different requests of a kind, with these header fields."""
    chance = random.Random(size)
    extra = "".join(f"{each}\r\n" for each in ("Host: 127.0.0.1", *fields)).encode()
    made = (make(chance, size) for _ in range(variants))
    return [each.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\n" + extra, 1) for each in made]
