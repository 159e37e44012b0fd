"""The outbox relay: publishes changes from the store's log to the stream, in order, and later deletes them.

Followers in this process get a change as soon as it is committed (`Stream.offer`); for all others it is published, in
fewer and larger frames under load. After a start or a failure the relay asks the stream what it holds and goes on from
there, so a crash at any time loses nothing. JetStream acknowledges before it flushes to disk: so rows are kept for a
while after they were published.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rhinecloud.changes.outbox import Outbox
from rhinecloud.changes.published import Published
from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.settings import setting
from rhinecloud.store.port import Commit, LoggedChange, Store
from rhinecloud.stream.port import Frame, Stream

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
PACE_S, PACE_A_CHANGE_S, LONGEST_PACE_S = 0.01, 0.001, 0.05
"""Shortest time between two frames, longer after a frame with more changes: a frame costs far more than a change in it,
and urgent followers are in this process."""

SMALL_CHANGES = 64
"""Commits with at most this many changes are offered within the turn of the loop in which they are committed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """Section `[relay]`: how changes travel from the store to the stream."""

    frame_changes: int = setting(500, "Most changes in one frame.")
    frame_bytes: int = setting(
        512 * 1024, "Most bytes in one frame, unless a single change is larger.", unit="bytes"
    )
    keep_changes: int = setting(10_000, "Newest changes that always stay in the store's log.")
    keep_s: float = setting(
        600.0,
        "How long published changes stay in the store's log, in case the stream loses its newest ones.",
        unit="s",
    )
    keep_megabytes: int = setting(
        256,
        "Under load published changes are deleted from the store's log sooner, once there is more than this; the "
        "newest half minute stays.",
        unit="MB",
    )
    forget_every_s: float = setting(15.0, "Pause between two deletions from the store's log.", unit="s")


@dataclass(slots=True)
class RelayCounters:
    """What the relay has done since its start: frames, changes and bytes published, failures, changes that were lost.

    `lost` counts changes that neither the stream nor the store's log held any more when the relay started.
    """

    frames: int = 0
    changes: int = 0
    bytes: int = 0
    failures: int = 0
    lost: int = 0
    error: str = ""


class Relay:
    """Runs until cancelled; `lag` is the number of changes that are committed and not published."""

    def __init__(self, store: Store, stream: Stream, settings: RelaySettings) -> None:
        self.counters = RelayCounters()
        self._store = store
        self._stream = stream
        self._settings = settings
        self._position = 0
        self._offered = 0
        self._offering: asyncio.Task[None] | None = None
        self._fresh: deque[Commit] = deque()
        """Commits that were not offered yet."""
        self._committed = asyncio.Event()
        self._outbox = Outbox()
        self._published = Published(settings.keep_s, settings.keep_megabytes << 20)
        self._loop: asyncio.AbstractEventLoop | None = None
        store.on_commit(self._on_commit)

    @property
    def position(self) -> int:
        """The sequence number of the newest change that the stream has acknowledged."""
        return self._position

    @property
    def lag(self) -> int:
        """The number of changes that are committed and not published."""
        return max(0, self._store.last_change() - self._position)

    async def run(self) -> None:
        """Publish until cancelled; when the stream is away, wait with growing pauses and go on where it ends."""
        deleting = asyncio.create_task(self._delete_published())
        self._offered = self._store.last_change()
        self._loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_S
        try:
            while True:
                try:
                    await self._resume()
                    pause = FIRST_PAUSE_S
                    await self._publish_all()
                except Unavailable as error:
                    self.counters.failures += 1
                    self.counters.error = str(error)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_S)
        finally:
            deleting.cancel()

    def _on_commit(self, commit: Commit) -> None:
        """Offer a commit to the followers in this process, then publish it: they are more urgent than others."""
        self._hand_over(commit)
        self._committed.set()

    def _hand_over(self, commit: Commit) -> None:
        if self._loop is None:
            return
        self._outbox.add(commit)
        self._fresh.append(commit)
        if self._offering is None or self._offering.done():
            if len(self._fresh) == 1 and self._follows(commit) and len(commit.changes) <= SMALL_CHANGES:
                self._offer(self._fresh.pop().changes)
            else:
                self._offering = self._loop.create_task(self._offer_all(), name="relay: offer")

    def _follows(self, commit: Commit) -> bool:
        return bool(commit.changes) and commit.changes[0].seq == self._offered + 1

    def _offer(self, rows: Sequence[LoggedChange]) -> None:
        self._stream.offer(_frame(rows))
        self._offered = rows[-1].seq

    async def _offer_all(self) -> None:
        """Offer one frame per turn of the loop, so that a large commit does not delay other tasks."""
        most = (self._settings.frame_changes, self._settings.frame_bytes)
        while self._fresh:
            commit = self._fresh.popleft()
            if self._follows(commit):
                for rows in _cut(commit.changes, *most):
                    self._offer(rows)
                    await asyncio.sleep(0)
            with contextlib.suppress(Unavailable):  # then followers read it from the stream
                while self._offered < commit.last and (
                    logged := await self._store.changes(self._offered, *most)
                ):
                    self._offer(logged)

    async def _resume(self) -> None:
        """Ask the stream what it holds, and check whether the log goes on from there without a gap."""
        held, newest = await self._stream.last(), self._store.last_change()
        if held > newest:
            _log.error(
                "the stream holds change %d, the store only %d: going on after the stream's", held, newest
            )
            await self._store.number_after(held)
            newest = self._offered = held
        following = await self._store.changes(held, 1)
        first = following[0].seq if following else newest + 1
        missing = first - held - 1
        if missing > 0:
            self.counters.lost += missing
            _log.error(
                "%d changes after %d are in neither stream nor log: consumers did not get them",
                missing,
                held,
            )
        self._position = held
        self.counters.error = ""

    async def _publish_all(self) -> None:
        loop = asyncio.get_running_loop()
        due = 0.0
        while True:
            self._committed.clear()
            if not self.lag:
                await self._committed.wait()
            if self.lag < self._settings.frame_changes and due > loop.time():
                await asyncio.sleep(due - loop.time())
            frame = await self._next_frame(self._position)
            if frame is None:
                await self._committed.wait()
                continue
            await self._stream.publish(frame)
            self._position = frame.last
            size = frame.last - frame.first + 1
            due = loop.time() + min(max(PACE_S, size * PACE_A_CHANGE_S), LONGEST_PACE_S)
            self.counters.frames += 1
            self.counters.changes += size
            self.counters.bytes += frame.size

    async def _next_frame(self, after: int) -> Frame | None:
        """Return a frame of as many changes as fit, at least one; None when there is none after `after`."""
        most = (self._settings.frame_changes, self._settings.frame_bytes)
        bodies = self._outbox.take(after, *most)
        if bodies:
            return Frame.join(after + 1, after + len(bodies), bodies)
        rows = await self._store.changes(after, *most)
        return _frame(rows) if rows else None

    async def _delete_published(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._settings.forget_every_s)
            self._published.note(loop.time(), self._position, self.counters.bytes)
            safe = min(self._published.safe(loop.time()), self._position - self._settings.keep_changes)
            if safe > 0:
                try:
                    await self._store.forget_changes(safe)
                except Unavailable as error:
                    _log.warning("published changes stay in the log for now: %s", error)


def _cut(changes: Sequence[LoggedChange], most: int, most_bytes: int) -> Iterator[list[LoggedChange]]:
    rows: list[LoggedChange] = []
    size = 0
    for each in changes:
        rows.append(each)
        size += len(each.body)
        if len(rows) >= most or size >= most_bytes:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _frame(rows: Sequence[LoggedChange]) -> Frame:
    frame = Frame.join(rows[0].seq, rows[-1].seq, [row.body for row in rows])
    known = [row.change for row in rows if row.change is not None]
    if len(known) == len(rows):
        frame.know(known)
    return frame
