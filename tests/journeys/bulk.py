"""Very many entities in the area of Duisburg, spread evenly."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from journeys.town import Town

COUNTS = {"Vessel": 100_000, "AirQualityObserved": 40_000, "GtfsStop": 40_000, "WaterObserved": 20_000}
AREA = (6.6256, 51.3331, 6.8303, 51.5607)
BATCH = 1000


def fill(town: Town) -> None:
    """Put 200,000 entities into a city."""
    batch: list[dict[str, Any]] = []
    for entity in entities():
        batch.append(entity)
        if len(batch) == BATCH:
            town.upsert(batch, timeout_s=60)
            batch = []


def entities() -> Iterator[dict[str, Any]]:
    """Yield the entities, the same ones every time."""
    chance = random.Random(200_000)
    west, south, east, north = AREA
    for kind, count in COUNTS.items():
        for number in range(count):
            place = [round(chance.uniform(west, east), 6), round(chance.uniform(south, north), 6)]
            yield {
                "id": f"urn:ngsi-ld:{kind}:bulk:{number}",
                "type": kind,
                "name": f"{kind} {number}",
                "location": {"type": "Point", "coordinates": place},
                **_reading(kind, number),
            }


def _reading(kind: str, number: int) -> dict[str, Any]:
    if kind == "Vessel":
        return {"heading": {"value": number % 360, "unitCode": "DD"}}
    if kind == "AirQualityObserved":
        return {"no2": {"value": number % 90, "unitCode": "GQ"}}
    return {}
