"""AIS for inland shipping: application messages with DAC 200.

Source: CCNR Vessel Tracking and Tracing Standard for Inland Navigation 2.0, annex E (FI 10 inland ship static and
voyage data, FI 24 water levels, FI 55 persons on board).
"""

from __future__ import annotations

from typing import Any

DAC = 200
STATIC = 10
WATER_LEVELS = 24
PERSONS = 55

STATIC_MEMBERS = frozenset({"vin", "shiptype", "length", "beam", "draught", "hazard", "loaded"})
"""pyais' names of the static data, which our names replace."""

UNKNOWN_CREW = 255
UNKNOWN_PASSENGERS = 8191
UNKNOWN_LEVEL_CM = -8192


def name_inland(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members that an inland message adds, from pyais' members; none for other messages."""
    if members.get("dac") != DAC:
        return {}
    if members.get("fid") == STATIC and members.get("shiptype") is not None:
        return _static(members)
    if members.get("fid") == WATER_LEVELS:
        return _levels(members)
    if members.get("fid") == PERSONS and isinstance(members.get("data"), bytes):
        return _persons(members["data"])
    return {}


def hidden_names(members: dict[str, Any]) -> frozenset[str]:
    """Return the names of pyais that ours replace in a message."""
    return STATIC_MEMBERS if members.get("dac") == DAC and members.get("fid") == STATIC else frozenset()


def _static(members: dict[str, Any]) -> dict[str, Any]:
    """Return the static data; unknown are 0 for sizes and draught, 5 for the blue cones, 0 for the load."""
    found: dict[str, Any] = {}
    for theirs, ours in (
        ("vin", "eni"),
        ("shiptype", "eri_ship_type"),
        ("length", "inland_length"),
        ("beam", "inland_beam"),
        ("draught", "inland_draught"),
    ):
        if members.get(theirs):
            found[ours] = members[theirs]
    if members.get("hazard") is not None and members["hazard"] != 5:
        found["hazard"] = members["hazard"]
    if members.get("loaded"):
        found["loaded"] = int(members["loaded"])
    return found


def _levels(members: dict[str, Any]) -> dict[str, Any]:
    pairs = ((members.get(f"gauge_id_{each}"), members.get(f"water_level_{each}")) for each in range(1, 5))
    gauges = [
        {"gauge": gauge, "level_cm": level}
        for gauge, level in pairs
        if gauge and level is not None and level != UNKNOWN_LEVEL_CM
    ]
    return {"gauges": gauges} if gauges else {}


def _persons(data: bytes) -> dict[str, Any]:
    """Return crew (8 bits), passengers (13 bits) and further personnel (8 bits); all ones are unknown."""
    if len(data) * 8 < 29:
        return {}
    bits = int.from_bytes(data[:4], "big")
    counts = {
        "crew": (bits >> 24) & 0xFF,
        "passengers": (bits >> 11) & 0x1FFF,
        "personnel": (bits >> 3) & 0xFF,
    }
    unknown = {"crew": UNKNOWN_CREW, "passengers": UNKNOWN_PASSENGERS, "personnel": UNKNOWN_CREW}
    known = {name: count for name, count in counts.items() if count != unknown[name]}
    return {**known, "persons_on_board": sum(known.values())} if known else {}
