"""What a gauge says about the river: Smart Data Models' `WaterObserved` (dataModel.Environment) and its marks.

Units: levels in centimetres (CMT) above gauge zero or the datum that `levelReference` names, gauge zero in metres above
NHN (MTR); other series: `series`. Source: PEGELONLINE REST v2 (WSV), whose names stand in the messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from rhinecloud.pack import (
    EntityFragment,
    Ignored,
    MappedItem,
    Message,
    Rejected,
    read_moment,
    read_number,
    utc,
)
from rhinecloud_packs.port.series import Quantity, UnknownUnit, find_quantity, stored

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
    """Turn one element of `stations.json` (with time series and current measurements) into its gauge.

    A series without a unit, as a URL about one series sends it, takes the feed's `fields = { unit = "cm" }`.
    """
    series = message.get("timeseries") or ()
    if not message.get("uuid") or not series:
        yield Ignored(
            "a station without a time series" if message.get("uuid") else "a station without a uuid"
        )
        return
    gauge = _gauge(message["uuid"], message.get("shortname") or message.get("longname"))
    gauge.update(_place(message.get("longitude"), message.get("latitude"), message.get("km")))
    if message.get("number"):
        gauge["stationID"] = str(message["number"])
    for each in series:
        for item in _series(each, message, received):
            if isinstance(item, dict):
                gauge.update(item)
            else:
                yield item
    yield gauge


def _series(series: Message, message: Message, received: datetime) -> Iterator[MappedItem]:
    """Yield the attributes of one time series, and what of it cannot be used."""
    name, unit = str(series.get("shortname") or ""), series.get("unit", message.get("unit"))
    station = message.get("shortname") or message["uuid"]
    try:
        quantity = find_quantity(name, unit)
    except UnknownUnit as error:
        yield Rejected(f"timeseries.{name}.unit", f"{error} (station {station})")
        return
    if quantity is None:
        yield Ignored(
            "a time series that has no attribute", f"{name} {series.get('longname', '')} {unit} ({station})"
        )
        return
    measured = series.get("currentMeasurement") or {}
    if measured.get("value") is not None:
        try:
            value = stored(measured["value"], quantity)
            observed = utc(measured.get("timestamp") or received)
        except ValueError as error:
            yield Rejected(f"timeseries.{name}.currentMeasurement", f"{error} (station {station})")
        else:
            attribute = {"value": value, "unitCode": quantity.unit, "observedAt": observed}
            yield {quantity.attribute: attribute}
    if name.upper() == "W":
        yield from _level(series, quantity, received)


def _level(series: Message, quantity: Quantity, received: datetime) -> Iterator[MappedItem]:
    """Yield what stands beside a water level: its reference, its marks, and how it compares with them."""
    if series.get("currentMeasurement") or series.get("characteristicValues"):
        yield {"levelReference": quantity.reference}
    measured = series.get("currentMeasurement") or {}
    state = measured.get("stateMnwMhw")
    if state and state not in ("unknown", "commented", "out-dated"):
        yield {"waterState": {"value": state, "observedAt": utc(measured.get("timestamp") or received)}}
    for mark in series.get("characteristicValues") or ():
        name = mark.get("shortname")
        if name not in MARKS or mark.get("value") is None:
            continue
        try:
            own = find_quantity("W", mark.get("unit", series.get("unit") or "cm")) or quantity
            if own.reference != quantity.reference:
                raise UnknownUnit(f"is above {own.reference}, the level above {quantity.reference}")
            yield {MARKS[name]: {"value": stored(mark["value"], own), "unitCode": own.unit}}
        except ValueError as error:
            yield Rejected(f"characteristicValues.{name}", str(error))
    zero = series.get("gaugeZero") or {}
    if zero.get("value") is not None:
        yield {"gaugeZero": {"value": zero["value"], "unitCode": "MTR"}}


def map_row(message: Message, received: datetime) -> Iterator[MappedItem]:
    """Turn a row of a gauge table (`uuid`, `station`, `timestamp`, `w_cm`, marks in cm) into its gauge."""
    uuid, station = message.get("uuid"), message.get("station")
    if not uuid or message.get("w_cm") in (None, ""):
        yield Ignored("a row without uuid" if not uuid else "a row without a level")
        return
    observed = _moment(message.get("timestamp"), received)
    gauge = _gauge(str(uuid), station)
    gauge.update(_place(*(_number(message, name) for name in ("longitude", "latitude", "km"))))
    level = _number(message, "w_cm")
    if level is not None:
        gauge["waterLevel"] = {"value": level, "unitCode": "CMT", "observedAt": observed}
    for member, name in ROW_MARKS.items():
        mark = _number(message, member)
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


def _number(message: Message, column: str) -> float | None:
    value = message.get(column)
    return None if value is None or value == "" else read_number(value, field=column)


def _moment(written: Any, received: datetime) -> str:
    """Read a row's time; one without a zone is Rhine time. Rows without any get the moment of receipt."""
    return utc(
        read_moment(written, zone=ZoneInfo("Europe/Berlin"), field="timestamp") if written else received
    )
