"""What an AIS message says about its sender: Smart Data Models' `Vessel` (dataModel.MarineTransport), or a station.

Units: speed in knots (KNT), course and heading in degrees (DD), lengths and draught in metres (MTR). AIS' own codes for
"not available" leave the attribute out. Source: ITU-R M.1371-5, annex 8; inland: CCNR Vessel Tracking and Tracing
Standard 2.0, annex E (DAC 200, FI 10 and FI 55).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rhinecloud.pack import EntityFragment, Ignored, MappedItem, Message, point, utc
from rhinecloud_packs.port.stations import AID_REPORT, DISTRESS, StationKind, station_of

LOADED = {1: True, 2: False}
"""Codes of inland AIS for loaded and unloaded."""

SAFETY_TEXTS = (12, 14)
"""Types of safety messages: to one station, and to all."""

NOT_AVAILABLE = {"speed": 102.3, "course": 360.0, "heading": 511, "alt": 4095, "turn": -128, "status": 15}


def map_ais(message: Message, received: datetime) -> Iterator[MappedItem]:
    """Turn one AIS message (see the AIS codec) into the sender that it moves or describes; others are ignored."""
    mmsi, kind = int(message.get("mmsi") or 0), int(message.get("msg_type") or 0)
    station = station_of(mmsi, kind, message.get("status"))
    if station is None:
        yield Ignored("its sender's number (MMSI) is of no known kind", f"mmsi {mmsi}, type {kind}")
        return
    observed = utc(message.get("time") or received)
    attributes = {
        **(_motion(message, observed) if kind in station.moved_by else {}),
        **(_aid(message, observed) if kind == AID_REPORT else _particulars(message)),
        **_inland(message),
        **_safety_text(message, observed),
    }
    if not attributes:
        yield Ignored(f"type {kind} says nothing of its sender")
        return
    yield {
        "id": f"urn:ngsi-ld:{station.type}:mmsi:{mmsi:09d}",
        "type": station.type,
        "mmsi": mmsi,
        **_class(station, mmsi),
        **attributes,
        **(_alarm(message, observed) if station.is_beacon and kind in station.moved_by else {}),
    }


def _class(station: StationKind, mmsi: int) -> EntityFragment:
    """The class of a sender; beacons have no name of their own, and get one for the map."""
    found: EntityFragment = {"stationClass": station.station_class} if station.station_class else {}
    return {**found, "name": f"{station.station_class} {mmsi:09d}".strip()} if station.is_beacon else found


def _alarm(message: Message, observed: str) -> EntityFragment:
    """The status of a beacon: any but 14 is a test or none (15), which must replace 14."""
    active = message.get("status") == DISTRESS
    return {"navigationStatus": {"value": DISTRESS if active else 15, "observedAt": observed}}


def _safety_text(message: Message, observed: str) -> EntityFragment:
    """The text of a safety message to all (type 14) or to one station (type 12)."""
    text = _text(message.get("text"))
    if message.get("msg_type") not in SAFETY_TEXTS or not text:
        return {}
    safety_text: dict[str, Any] = {"value": text, "observedAt": observed}
    if message.get("dest_mmsi"):
        safety_text["addressedTo"] = int(message["dest_mmsi"])
    return {"safetyText": safety_text}


def _aid(message: Message, observed: str) -> EntityFragment:
    """Name and kind of an aid to navigation, whether it is only on charts, and whether it has drifted."""
    found: EntityFragment = {}
    name = _text(f"{message.get('name') or ''}{message.get('name_ext') or ''}")
    if name:
        found["name"] = name
    if message.get("aid_type"):
        found["aidType"] = int(message["aid_type"])
    if message.get("virtual_aid") is not None:
        found["virtualAid"] = bool(message["virtual_aid"])
    if message.get("off_position") is not None and message.get("second", 60) < 60:
        found["offPosition"] = {"value": bool(message["off_position"]), "observedAt": observed}
    return found


def _motion(message: Message, observed: str) -> EntityFragment:
    found: EntityFragment = {}
    longitude, latitude = message.get("lon"), message.get("lat")
    if longitude is not None and latitude is not None:
        place = point(round(longitude, 6), round(latitude, 6))
        found["location"] = {"type": "GeoProperty", "value": place, "observedAt": observed}
    for member, name, unit in (
        ("speed", "speedOverGround", "KNT"),
        ("course", "courseOverGround", "DD"),
        ("heading", "heading", "DD"),
        ("alt", "altitude", "MTR"),
    ):
        value = message.get(member)
        if value is not None and value != NOT_AVAILABLE[member]:
            found[name] = {"value": value, "unitCode": unit, "observedAt": observed}
    status = message.get("status")
    if status is not None and int(status) != NOT_AVAILABLE["status"]:
        found["navigationStatus"] = {"value": int(status), "observedAt": observed}
    return found


def _particulars(message: Message) -> EntityFragment:
    """Name, call sign, size and voyage from the static messages (types 5, 19 and 24)."""
    found: EntityFragment = {}
    for member, name in (("shipname", "name"), ("callsign", "callSign"), ("destination", "destinationPort")):
        text = _text(message.get(member))
        if text:
            found[name] = text
    if message.get("imo"):
        found["imo"] = int(message["imo"])
    if ship_type := int(message.get("ship_type") or 0):
        found["aisShipType"] = ship_type
        if 10 <= ship_type <= 99:
            found["vesselType"] = ship_type // 10
    length = _sum(message, "to_bow", "to_stern")
    beam = _sum(message, "to_port", "to_starboard")
    for name, value in (("length", length), ("beam", beam), ("draught", message.get("draught"))):
        if value:
            found[name] = {"value": value, "unitCode": "MTR"}
    return found


def _inland(message: Message) -> EntityFragment:
    """The European vessel number, exact size, blue cones and load of inland static data; persons on board."""
    found: EntityFragment = {}
    eni = _text(message.get("eni"))
    if eni and eni.strip("0"):
        found["eni"] = eni
    for member, name in (
        ("eri_ship_type", "eriShipType"),
        ("hazard", "hazardousCargo"),
    ):
        if message.get(member) is not None:
            found[name] = message[member]
    if message.get("loaded") in LOADED:
        found["loaded"] = LOADED[message["loaded"]]
    for member, name in (("inland_length", "length"), ("inland_beam", "beam"), ("inland_draught", "draught")):
        if message.get(member):
            found[name] = {"value": message[member], "unitCode": "MTR"}
    if message.get("persons_on_board") is not None:
        found["personsOnBoard"] = message["persons_on_board"]
    return found


def _text(value: Any) -> str:
    return str(value).replace("@", " ").strip() if value is not None else ""


def _sum(message: Message, *members: str) -> int:
    return sum(int(message.get(member) or 0) for member in members)
