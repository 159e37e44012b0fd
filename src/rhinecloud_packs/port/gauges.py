"""What a gauge says about the river: Smart Data Models' `WaterObserved` (dataModel.Environment) and its marks.

Units: levels in centimetres above gauge zero (CMT), discharge in cubic metres a second (MQS), gauge zero in metres
above NHN (MTR). Source: PEGELONLINE REST v2 (WSV), whose names stand in the messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from rhinecloud.pack import EntityFragment, Ignored, MappedItem, Message, utc

MARKS = {
    "MNW": "lowWaterMark",
    "MW": "meanWaterLevel",
    "MHW": "highWaterMark",
    "HSW": "highestNavigableLevel",
}
ROW_MARKS = {
    "mnw_cm": "lowWaterMark",
    "mw_cm": "meanWaterLevel",
    "mhw_cm": "highWaterMark",
    "hsw_cm": "highestNavigableLevel",
}


def map_station(message: Message, received: datetime) -> Iterator[MappedItem]:
    """Turn one element of `stations.json` (with time series and current measurements) into its gauge."""
    series = {each.get("shortname"): each for each in message.get("timeseries", ())}
    level = series.get("W", {})
    if not message.get("uuid") or not series:
        yield Ignored(
            "a station without a time series" if message.get("uuid") else "a station without a uuid"
        )
        return
    gauge = _gauge(message["uuid"], message.get("shortname") or message.get("longname"))
    gauge.update(_place(message.get("longitude"), message.get("latitude"), message.get("km")))
    if message.get("number"):
        gauge["stationID"] = str(message["number"])
    gauge.update(_current(level, "waterLevel", "CMT", received))
    gauge.update(_current(series.get("Q", {}), "flow", "MQS", received))
    state = level.get("currentMeasurement", {}).get("stateMnwMhw")
    if state and state not in ("unknown", "commented", "out-dated"):
        gauge["waterState"] = {
            "value": state,
            "observedAt": utc(level["currentMeasurement"].get("timestamp") or received),
        }
    for value in level.get("characteristicValues", ()):
        if value.get("shortname") in MARKS and value.get("value") is not None:
            gauge[MARKS[value["shortname"]]] = {"value": value["value"], "unitCode": "CMT"}
    if level.get("gaugeZero", {}).get("value") is not None:
        gauge["gaugeZero"] = {"value": level["gaugeZero"]["value"], "unitCode": "MTR"}
    yield gauge


def map_row(message: Message, received: datetime) -> Iterator[MappedItem]:
    """Turn a row of a gauge table (`uuid`, `station`, `timestamp`, `w_cm`, marks in cm) into its gauge."""
    uuid, station = message.get("uuid"), message.get("station")
    if not uuid or message.get("w_cm") in (None, ""):
        yield Ignored("a row without uuid" if not uuid else "a row without a level")
        return
    observed = _moment(message.get("timestamp"), received)
    gauge = _gauge(str(uuid), station)
    gauge.update(_place(*(_number(message.get(name)) for name in ("longitude", "latitude", "km"))))
    level = _number(message["w_cm"])
    if level is not None:
        gauge["waterLevel"] = {"value": level, "unitCode": "CMT", "observedAt": observed}
    for member, name in ROW_MARKS.items():
        mark = _number(message.get(member))
        if mark is not None:
            gauge[name] = {"value": mark, "unitCode": "CMT"}
    yield gauge


def _gauge(uuid: str, name: Any) -> EntityFragment:
    gauge: EntityFragment = {
        "id": f"urn:ngsi-ld:WaterObserved:pegelonline:{quote(uuid, safe='-._~')}",
        "type": "WaterObserved",
    }
    if name:
        gauge["name"] = str(name)
    return gauge


def _place(longitude: float | None, latitude: float | None, kilometre: float | None) -> EntityFragment:
    place: EntityFragment = {}
    if longitude is not None and latitude is not None:
        place["location"] = {
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": [longitude, latitude]},
        }
    if kilometre is not None:
        place["riverKilometre"] = {"value": kilometre, "unitCode": "KMT"}
    return place


def _current(series: Message, name: str, unit: str, received: datetime) -> EntityFragment:
    measured = series.get("currentMeasurement") or {}
    if measured.get("value") is None:
        return {}
    observed = utc(measured.get("timestamp") or received)
    return {name: {"value": measured["value"], "unitCode": unit, "observedAt": observed}}


def _number(value: Any) -> float | None:
    if value is None or value == "":
        return None
    number = float(value)
    return int(number) if number == int(number) else number


def _moment(text: Any, received: datetime) -> str:
    """Read a row's time; one without a zone is Rhine time. Rows without any get the moment of receipt."""
    if not text:
        return utc(received)
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo("Europe/Berlin"))
    return utc(moment)
