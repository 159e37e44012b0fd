"""Plays a recording with its own pauses, faster, or at a set rate.

No message looks as if it was measured now: it has its time in the recording, or it is marked as simulated.

A unit with a time is due when the same time has passed since the first one, divided by `speed`. Units without a time
follow the one before; where no unit of the recording has a time, `rate_per_s` is their rate.
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
"""Units of which one must have a time, else the recording counts as one without times."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How to play: a `speed` of 0 is as fast as possible, and so is a `rate_per_s` of 0 where there are no times.

    `redate` shifts all times to the present; else a unit without a time gets that of the unit before, or `made_at`, or
    the present.
    """

    speed: float
    rate_per_s: float
    loop: bool
    redate: bool
    made_at: datetime | None = None


class ReplayLink:
    """Plays one recording once or repeatedly."""

    def __init__(self, recording: FeedRecording, pace: Pace, clock: Clock, monotonic: Monotonic) -> None:
        self._recording = recording
        self._pace = pace
        self._clock = clock
        self._monotonic = monotonic

    async def run(self, inlet: Inlet) -> None:
        """Play to the end; with `loop`, repeat until cancelled. Raise LinkBroken where the recording is empty."""
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
            return Parcel(unit.body, made_at or now, origin=unit.origin, undated=True, retained=unit.retained)
        if self._pace.redate:
            return Parcel(unit.body, now, origin=unit.origin, shift=now - moment, retained=unit.retained)
        return Parcel(unit.body, moment, origin=unit.origin, retained=unit.retained)


class _Schedule:
    """Computes when each unit is due, on the monotonic clock."""

    def __init__(self, pace: Pace, began: float, *, timed: bool) -> None:
        self._pace = pace
        self._began = began
        self._timed = timed
        self._first: datetime | None = None
        self._due = began
        self._count = 0
        self.moment: datetime | None = None
        """The recording's time at the last unit."""

    def due(self, unit: Unit) -> float:
        """Return when a unit is due, not earlier than the one before."""
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
