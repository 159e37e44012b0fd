"""Vessels that sail up and down a waterway and report in AIS sentences, tagged as simulated.

Each sentence has an NMEA 4.10 tag block with the source `sim` and the time, so that it cannot be taken for real.
Source: ITU-R M.1371-5 (types 1 and 5); inland static data, DAC 200 FI 10; IEC 61162-450 (tag blocks).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor

from pyais.encode import encode_msg
from pyais.messages import MessageType1, MessageType5, MessageType8Dac200Fid10

from rhinecloud.simulator.track import Track

METRES_A_KNOT_HOUR = 1852.0
FIRST_WORDS = (
    "Rhenus",
    "Ruhr",
    "Lippe",
    "Emscher",
    "Niers",
    "Mosel",
    "Neckar",
    "Main",
    "Lahn",
    "Sieg",
    "Wupper",
    "Erft",
)
LAST_WORDS = ("Stern", "Treue", "Gruss", "Freiheit", "Glück", "Anker", "Welle", "Wind", "Licht", "Heimat")


@dataclass(slots=True)
class Vessel:
    """One vessel; `speed_kn` is over ground, `downstream` its direction, `distance_m` its place on the waterway."""

    mmsi: int
    name: str
    length_m: int
    beam_m: int
    draught_m: float
    downstream: bool
    speed_kn: float
    distance_m: float
    offset_m: float
    cones: int


class VesselFleet:
    """All simulated vessels; `move` moves them, `report` and `describe` return their sentences."""

    def __init__(self, count: int, waterway: Track, chance: random.Random) -> None:
        self._waterway = waterway
        self._chance = chance
        self.vessels = [self._launch(index) for index in range(count)]

    def _launch(self, index: int) -> Vessel:
        downstream = self._chance.random() < 0.5
        length = self._chance.choice((67, 80, 85, 86, 105, 110, 110, 135, 186))
        name = f"{self._chance.choice(FIRST_WORDS)} {self._chance.choice(LAST_WORDS)} {index + 1}"
        return Vessel(
            mmsi=211_900_000 + index,
            name=name.upper().replace("Ü", "UE"),
            length_m=length,
            beam_m=11 if length > 80 else 8,
            draught_m=round(self._chance.uniform(1.4, 3.2), 1),
            downstream=downstream,
            speed_kn=self._chance.uniform(8.5, 11.5) if downstream else self._chance.uniform(4.5, 6.5),
            distance_m=self._chance.uniform(0, self._waterway.length_m),
            offset_m=self._chance.uniform(25, 85),
            cones=self._chance.choice((0, 0, 0, 0, 0, 1, 1, 2)),
        )

    def move(self, seconds: float) -> None:
        """Move every vessel; each turns at the ends of the waterway."""
        for vessel in self.vessels:
            travelled = vessel.speed_kn * METRES_A_KNOT_HOUR / 3600 * seconds
            vessel.distance_m += travelled if vessel.downstream else -travelled
            if not 0 <= vessel.distance_m <= self._waterway.length_m:
                vessel.distance_m = min(max(vessel.distance_m, 0.0), self._waterway.length_m)
                vessel.downstream = not vessel.downstream

    def report(self, vessel: Vessel, unix_time: int) -> Iterator[bytes]:
        """Yield the sentences of a vessel's position report."""
        fix = self._waterway.at(vessel.distance_m, offset_m=vessel.offset_m, backwards=not vessel.downstream)
        message = MessageType1.create(
            mmsi=vessel.mmsi,
            lon=fix.longitude,
            lat=fix.latitude,
            speed=round(vessel.speed_kn + self._chance.uniform(-0.3, 0.3), 1),
            course=round(fix.bearing, 1) % 360,
            heading=round(fix.bearing) % 360,
            status=0,
            turn=0,
            second=unix_time % 60,
        )
        yield from tagged(encode_msg(message, talker_id="AI", sentence_type="VDM"), unix_time)

    def describe(self, vessel: Vessel, unix_time: int) -> Iterator[bytes]:
        """Yield the sentences of a vessel's static messages: name and size, and the inland data."""
        static = MessageType5.create(
            mmsi=vessel.mmsi,
            shipname=vessel.name[:20],
            callsign=f"DS{vessel.mmsi % 100_000:05d}",
            ship_type=79,
            to_bow=vessel.length_m - 10,
            to_stern=10,
            to_port=vessel.beam_m // 2,
            to_starboard=vessel.beam_m - vessel.beam_m // 2,
            draught=vessel.draught_m,
            destination="DUISBURG" if vessel.downstream else "KOELN",
        )
        inland = MessageType8Dac200Fid10.create(
            mmsi=vessel.mmsi,
            dac=200,
            fid=10,
            vin=f"{2_300_000 + vessel.mmsi % 100_000:08d}",
            length=vessel.length_m,
            beam=vessel.beam_m,
            shiptype=8010,
            hazard=vessel.cones,
            draught=vessel.draught_m,
            loaded=1,
        )
        for message in (static, inland):
            yield from tagged(encode_msg(message, talker_id="AI", sentence_type="VDM"), unix_time)


def tagged(sentences: list[str], unix_time: int) -> Iterator[bytes]:
    """Yield each sentence with a tag block of source and time before it."""
    block = f"s:sim,c:{unix_time}"
    checksum = reduce(xor, block.encode())
    for sentence in sentences:
        yield f"\\{block}*{checksum:02X}\\{sentence}\r\n".encode()
