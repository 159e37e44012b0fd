"""What sends an AIS message: a vessel, a distress beacon, an aircraft, an aid to navigation, a station on the shore.

The kind of message decides first, because only base stations report by type 4, whatever their number (MMSI) says.
Sources: ITU-R M.1371-5, annex 8 (messages); ITU-R M.585-9, annexes 1 and 2 (numbers); IEC 61097-14 (beacons).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

POSITION_REPORTS = frozenset({1, 2, 3, 18, 19, 27})
"""Types of messages that tell where a mobile station is; others may quote a position."""
BASE_STATION_REPORT, AIRCRAFT_REPORT, AID_REPORT = 4, 9, 21
DISTRESS = 14
"""The navigational status of a distress beacon that is active; in a test it is 15."""


@dataclass(frozen=True, slots=True)
class StationKind:
    """The entity type of a sender, the types of messages that move it, and its class where its type has several."""

    type: str
    moved_by: frozenset[int] = POSITION_REPORTS
    station_class: str = ""

    @property
    def is_beacon(self) -> bool:
        """Return whether it is a distress beacon."""
        return self.type == "DistressBeacon"


VESSEL = StationKind("Vessel")
BASE_STATION = StationKind("AisBaseStation", frozenset({BASE_STATION_REPORT}))
AIRCRAFT = StationKind("SearchAndRescueAircraft", POSITION_REPORTS | {AIRCRAFT_REPORT})
AID = StationKind("AidToNavigation", frozenset({AID_REPORT}))
UNKNOWN_BEACON = StationKind("DistressBeacon")

_BY_MESSAGE = {BASE_STATION_REPORT: BASE_STATION, AIRCRAFT_REPORT: AIRCRAFT, AID_REPORT: AID}
_BY_NUMBER = (
    (re.compile(r"[2-7]\d{8}"), VESSEL),
    (re.compile(r"970\d{6}"), StationKind("DistressBeacon", station_class="AIS-SART")),
    (re.compile(r"972\d{6}"), StationKind("DistressBeacon", station_class="MOB")),
    (re.compile(r"974\d{6}"), StationKind("DistressBeacon", station_class="EPIRB-AIS")),
    (re.compile(r"98[2-7]\d{6}"), StationKind("Vessel", station_class="associatedCraft")),
    (re.compile(r"99[2-7]\d{6}"), AID),
    (re.compile(r"111[2-7]\d{5}"), AIRCRAFT),
    (re.compile(r"00[2-7]\d{6}"), BASE_STATION),
    (re.compile(r"8[2-7]\d{7}"), StationKind("HandheldRadio")),
)


def station_of(mmsi: int, message_type: int, status: int | None) -> StationKind | None:
    """Return the kind of a sender, None where its number is of no known kind.

    A call for help counts whatever the number: a beacon may have a wrong one.
    """
    if message_type in _BY_MESSAGE:
        return _BY_MESSAGE[message_type]
    number = f"{mmsi:09d}"
    found = next((kind for pattern, kind in _BY_NUMBER if pattern.fullmatch(number)), None)
    return found or (UNKNOWN_BEACON if status == DISTRESS else None)
