"""What an air sensor's message says: Smart Data Models' `AirQualityObserved` (dataModel.Environment).

Units: gases and particulates in micrograms a cubic metre (GQ), temperature in degrees Celsius (CEL), humidity in
per cent (P1).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

from rhinecloud.pack import EntityFragment, Ignored, MappedItem, Message, point, utc

UNITS = {
    "pm10": "GQ",
    "pm25": "GQ",
    "no2": "GQ",
    "o3": "GQ",
    "so2": "GQ",
    "co": "GQ",
    "temperature": "CEL",
    "relativeHumidity": "P1",
    "noiseLevel": "2N",
}


def map_air(message: Message, received: datetime) -> Iterator[MappedItem]:
    """Turn `{"station", "name", "lon", "lat", "time", pollutant: value …}` into the station's observation."""
    station = message.get("station")
    observed = utc(message.get("time") or received)
    values = {
        name: {"value": message[name], "unitCode": unit, "observedAt": observed}
        for name, unit in UNITS.items()
        if isinstance(message.get(name), int | float) and not isinstance(message[name], bool)
    }
    if not station or not values:
        yield Ignored("it names no `station`" if not station else "it has none of the measured values")
        return
    fragment: EntityFragment = {
        "id": f"urn:ngsi-ld:AirQualityObserved:{quote(str(station), safe='-._~')}",
        "type": "AirQualityObserved",
        **values,
    }
    if message.get("name"):
        fragment["name"] = message["name"]
    if message.get("lon") is not None and message.get("lat") is not None:
        fragment["location"] = {"type": "GeoProperty", "value": point(message["lon"], message["lat"])}
    yield fragment
