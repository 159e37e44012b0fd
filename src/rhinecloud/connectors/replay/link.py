"""Plays a recording as if it came now: with its own pauses, quicker, or at a set rate.

No message passes for one that was measured just now: it has the time that its recording names for it, or it is marked
as simulated.

A unit that names its moment is due when as much time has passed since the first one, divided by `speed`. Units
without a moment come with the one before them; where no unit of the recording has any, `rate_per_s` paces them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from rhinecloud.connectors.health import Monotonic
from rhinecloud.connectors.model import LinkBroken
from rhinecloud.connectors.port import Inlet
from rhinecloud.connectors.replay.recording import FeedRecording, Unit
from rhinecloud.kernel.time import Clock
from rhinecloud.pack.codec import Parcel

LOOK_AHEAD = 1_000
"""Units among which a moment must occur, else the recording counts as one without times."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How to play: `speed` 0 is as quick as possible, and so is a `rate_per_s` of 0 where there are no times.

    `redate` moves all times to the present; else what has no time of its own gets that of the unit before it. Where the
    recording names none so far it is `made_at`, and without that the present.
    """

    speed: float
    rate_per_s: float
    loop: bool
    redate: bool
    made_at: datetime | None = None


class ReplayLink:
    """Plays one recording once, or for ever."""

    def __init__(self, recording: FeedRecording, pace: Pace, clock: Clock, monotonic: Monotonic) -> None:
        self._recording = recording
        self._pace = pace
        self._clock = clock
        self._monotonic = monotonic

    async def run(self, inlet: Inlet) -> None:
        """Play to the end; with `loop`, begin again for ever."""
        inlet.connected()
        while True:
            played = await self._play(inlet)
            if not played:
                raise LinkBroken("the recording is empty")
            if not self._pace.loop:
                return
            await asyncio.sleep(1.0)

    async def _play(self, inlet: Inlet) -> int:
        units = self._recording.units()
        ahead = await asyncio.to_thread(lambda: list(islice(units, LOOK_AHEAD)))
        timed = any(unit.moment for unit in ahead)
        schedule = _Schedule(self._pace, self._monotonic(), timed=timed)
        count = 0
        for unit in _chain(ahead, units):
            await self._wait(schedule.due(unit), count)
            await inlet.put(self._parcel(unit, schedule.moment))
            count += 1
        return count

    async def _wait(self, due: float, count: int) -> None:
        pause = due - self._monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        elif count % 100 == 0:
            await asyncio.sleep(0)

    def _parcel(self, unit: Unit, moment: datetime | None) -> Parcel:
        now = self._clock()
        if moment is None:
            made_at = None if self._pace.redate else self._pace.made_at
            return Parcel(unit.body, made_at or now, origin=unit.origin, undated=True)
        if self._pace.redate:
            return Parcel(unit.body, now, origin=unit.origin, shift=now - moment)
        return Parcel(unit.body, moment, origin=unit.origin)


class _Schedule:
    """When each unit is due, on the monotonic clock."""

    def __init__(self, pace: Pace, began: float, *, timed: bool) -> None:
        self._pace = pace
        self._began = began
        self._timed = timed
        self._first: datetime | None = None
        self._due = began
        self._count = 0
        self.moment: datetime | None = None
        """The recording's time at the unit that was asked about last."""

    def due(self, unit: Unit) -> float:
        """Return the moment for a unit; never earlier than that of the one before."""
        if unit.moment is not None:
            self.moment = unit.moment
            self._first = self._first or unit.moment
        if self._pace.speed <= 0:
            return self._began
        if self._timed:
            if unit.moment is not None and self._first is not None:
                passed_s = (unit.moment - self._first).total_seconds() / self._pace.speed
                self._due = max(self._due, self._began + passed_s)
        elif self._pace.rate_per_s > 0:
            self._due = self._began + self._count / (self._pace.rate_per_s * self._pace.speed)
            self._count += 1
        return self._due


def _chain(ahead: list[Unit], units: Iterator[Unit]) -> Iterator[Unit]:
    yield from ahead
    yield from units
