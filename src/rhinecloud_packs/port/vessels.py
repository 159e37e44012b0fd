"""What an AIS message says about a vessel: Smart Data Models' `Vessel` (dataModel.MarineTransport).

Units: speed in knots (KNT), course and heading in degrees (DD), lengths and draught in metres (MTR). AIS' own codes for
"not available" leave the attribute out. Source: ITU-R M.1371-5, annex 8; inland: CCNR Vessel Tracking and Tracing
Standard 2.0, annex E (DAC 200, FI 10 and FI 55).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rhinecloud.pack import EntityFragment, Ignored, MappedItem, Message, point, utc

LOADED = {1: True, 2: False}
"""Codes of inland AIS for loaded and unloaded."""

NOT_AVAILABLE = {"speed": 102.3, "course": 360.0, "heading": 511, "turn": -128, "status": 15}


def map_ais(message: Message, received: datetime) -> Iterator[MappedItem]:
    """Turn one AIS message (see the AIS codec) into the vessel that it moves or describes; others are ignored."""
    mmsi = message.get("mmsi")
    if not mmsi or not _is_vessel(int(mmsi)):
        yield Ignored("its sender is no vessel", f"mmsi {mmsi}, type {message.get('msg_type')}")
        return
    observed = utc(message.get("time") or received)
    attributes = {**_motion(message, observed), **_particulars(message), **_inland(message)}
    if attributes:
        yield {
            "id": f"urn:ngsi-ld:Vessel:mmsi:{int(mmsi):09d}",
            "type": "Vessel",
            "mmsi": int(mmsi),
            **attributes,
        }
    else:
        yield Ignored(f"type {message.get('msg_type')} says nothing of its vessel")


def _is_vessel(mmsi: int) -> bool:
    """Ships' numbers begin with 2 to 7; 00… are coast stations, 99… aids to navigation (ITU-R M.585)."""
    return 200_000_000 <= mmsi <= 799_999_999


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
