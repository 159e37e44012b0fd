"""The outbox relay: carries changes from the store's log to the stream, in order, and later forgets them.

After a start or a failure it asks the stream what it really holds and goes on from there, so that a crash at any moment
loses nothing; a frame that is published twice is dropped by its identity. JetStream acknowledges before it flushes to
disk: so rows are kept for a while after they were published.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.settings import setting
from rhinecloud.store.port import LoggedChange, Store
from rhinecloud.stream.port import Frame, Stream

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """Section `[relay]`: how changes travel from the store to the stream."""

    frame_changes: int = setting(500, "Most changes in one frame.")
    frame_bytes: int = setting(
        512 * 1024, "Most bytes in one frame, unless a single change is larger.", unit="bytes"
    )
    keep_changes: int = setting(10_000, "So many of the newest changes stay in the store's log in any case.")
    keep_s: float = setting(
        600.0,
        "How long published changes stay in the store's log, in case the stream loses its newest ones.",
        unit="s",
    )
    forget_every_s: float = setting(15.0, "Pause between two clean-ups of the store's log.", unit="s")


@dataclass(slots=True)
class RelayCounters:
    """What the relay has done since its start: frames and changes published, failures, and changes that were lost.

    `lost` counts changes that neither the stream nor the store's log held any more when the relay took up its work.
    """

    frames: int = 0
    changes: int = 0
    failures: int = 0
    lost: int = 0
    error: str = ""


class Relay:
    """Runs until cancelled; `lag` tells how many changes are committed and not published."""

    def __init__(self, store: Store, stream: Stream, settings: RelaySettings) -> None:
        self.counters = RelayCounters()
        self._store = store
        self._stream = stream
        self._settings = settings
        self._position = 0
        self._committed = asyncio.Event()
        self._published: deque[tuple[float, int]] = deque()
        store.on_commit(self._wake)

    @property
    def position(self) -> int:
        """Give the sequence number of the newest change that the stream has acknowledged."""
        return self._position

    @property
    def lag(self) -> int:
        """Count the changes that are committed and not published."""
        return max(0, self._store.last_change() - self._position)

    async def run(self) -> None:
        """Relay for ever; when the stream is away, wait with growing pauses and take up where it stands."""
        forgetting = asyncio.create_task(self._forget_for_ever())
        pause = FIRST_PAUSE_S
        try:
            while True:
                try:
                    await self._take_up()
                    pause = FIRST_PAUSE_S
                    await self._carry()
                except Unavailable as error:
                    self.counters.failures += 1
                    self.counters.error = str(error)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_S)
        finally:
            forgetting.cancel()

    def _wake(self, _last_seq: int) -> None:
        self._committed.set()

    async def _take_up(self) -> None:
        """Ask the stream what it holds, and see whether the log goes on from there without a gap."""
        held, newest = await self._stream.last(), self._store.last_change()
        if held > newest:
            _log.error(
                "the stream holds change %d, the store only %d: going on after the stream's", held, newest
            )
            await self._store.number_after(held)
            newest = held
        following = self._store.changes(held, 1)
        first = following[0].seq if following else newest + 1
        missing = first - held - 1
        if missing > 0:
            self.counters.lost += missing
            _log.error(
                "%d changes after %d are in neither stream nor log: consumers did not hear them",
                missing,
                held,
            )
        self._position = held
        self.counters.error = ""

    async def _carry(self) -> None:
        while True:
            self._committed.clear()
            settings = self._settings
            rows = self._store.changes(self._position, settings.frame_changes, settings.frame_bytes)
            if not rows:
                await self._committed.wait()
                continue
            frame = self._frame(rows)
            await self._stream.publish(frame)
            self._position = frame.last
            self.counters.frames += 1
            self.counters.changes += frame.last - frame.first + 1

    def _frame(self, rows: Sequence[LoggedChange]) -> Frame:
        """Join as many changes as fit; one at least."""
        size = 0
        bodies: list[bytes] = []
        for row in rows:
            size += len(row.body) + 1
            if bodies and size > self._settings.frame_bytes:
                break
            bodies.append(row.body)
        return Frame(rows[0].seq, rows[len(bodies) - 1].seq, b"[" + b",".join(bodies) + b"]")

    async def _forget_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._settings.forget_every_s)
            self._published.append((loop.time(), self._position))
            safe = 0
            while self._published and self._published[0][0] <= loop.time() - self._settings.keep_s:
                safe = self._published.popleft()[1]
            safe = min(safe, self._position - self._settings.keep_changes)
            if safe > 0:
                try:
                    await self._store.forget_changes(safe)
                except Unavailable as error:
                    _log.warning("published changes stay in the log for now: %s", error)
