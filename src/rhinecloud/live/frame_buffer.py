"""The newest changes, buffered so that a browser which reconnects misses nothing.

Frames are decoded only when a browser needs them: without browsers they cost nothing.
"""

from __future__ import annotations

from collections import deque

from rhinecloud.live.rendered_change import RenderedChange
from rhinecloud.ngsild.context import Context
from rhinecloud.stream.port import Frame


class _BufferedFrame:
    __slots__ = ("changes", "frame")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.changes: list[RenderedChange] | None = None


class FrameBuffer:
    """Frames in order; `last` is the newest change, `before_oldest` the one before the oldest that is held."""

    def __init__(self, size: int, context: Context, position: int, *, most_bytes: int = 16 << 20) -> None:
        self.last = position
        self.before_oldest = position
        self._size = size
        self._most_bytes = most_bytes
        self._context = context
        self._frames: deque[_BufferedFrame] = deque()
        self._count = 0
        self._bytes = 0

    def restart(self, position: int) -> None:
        """Drop everything and go on after `position`."""
        self._frames.clear()
        self._count = self._bytes = 0
        self.last = self.before_oldest = position

    def add(self, frame: Frame) -> None:
        """Add a frame; the oldest are dropped where there are too many."""
        self._frames.append(_BufferedFrame(frame))
        self._count += frame.last - frame.first + 1
        self._bytes += frame.size
        self.last = max(self.last, frame.last)
        while (self._count > self._size or self._bytes > self._most_bytes) and len(self._frames) > 1:
            gone = self._frames.popleft().frame
            self._count -= gone.last - gone.first + 1
            self._bytes -= gone.size
            self.before_oldest = gone.last

    def newest(self) -> list[RenderedChange]:
        """Return the changes of the newest frame."""
        return self._changes_of(self._frames[-1]) if self._frames else []

    def since(self, after: int) -> list[RenderedChange]:
        """Return the changes after `after`, which must not be less than `before_oldest`."""
        found: list[RenderedChange] = []
        for buffered in self._frames:
            if buffered.frame.last > after:
                found += [each for each in self._changes_of(buffered) if each.seq > after]
        return found

    def read(self, frame: Frame) -> list[RenderedChange]:
        """Return the changes of any frame, without those that are late: the present state is as before."""
        return [RenderedChange(each, self._context) for each in frame.changes() if not each.is_late]

    def _changes_of(self, buffered: _BufferedFrame) -> list[RenderedChange]:
        if buffered.changes is None:
            buffered.changes = self.read(buffered.frame)
        return buffered.changes
