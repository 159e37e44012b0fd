"""The last changes of the city, kept so that a browser which lost its line misses nothing.

Frames are kept as they came and are read only when somebody looks: a city without screens pays nothing for them.
"""

from __future__ import annotations

from collections import deque

from rhinecloud.live.rendered_change import RenderedChange
from rhinecloud.ngsild.context import Context
from rhinecloud.stream.port import Frame


class _Kept:
    __slots__ = ("frame", "pictures")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.pictures: list[RenderedChange] | None = None


class FrameBuffer:
    """Frames in order; `last` is the newest change seen, `floor` the one before the oldest that is still held."""

    def __init__(self, size: int, context: Context, position: int, *, most_bytes: int = 16 << 20) -> None:
        self.last = position
        self.floor = position
        self._size = size
        self._most_bytes = most_bytes
        self._context = context
        self._kept: deque[_Kept] = deque()
        self._count = 0
        self._bytes = 0

    def restart(self, position: int) -> None:
        """Forget everything: the stream goes on elsewhere."""
        self._kept.clear()
        self._count = self._bytes = 0
        self.last = self.floor = position

    def add(self, frame: Frame) -> None:
        """Keep a frame; old ones go where there are too many."""
        self._kept.append(_Kept(frame))
        self._count += frame.last - frame.first + 1
        self._bytes += frame.size
        self.last = max(self.last, frame.last)
        while (self._count > self._size or self._bytes > self._most_bytes) and len(self._kept) > 1:
            gone = self._kept.popleft().frame
            self._count -= gone.last - gone.first + 1
            self._bytes -= gone.size
            self.floor = gone.last

    def newest(self) -> list[RenderedChange]:
        """Give the pictures of the frame that came last."""
        return self._pictures(self._kept[-1]) if self._kept else []

    def since(self, after: int) -> list[RenderedChange]:
        """Give the pictures of the changes after `after`, which must not lie before `floor`."""
        found: list[RenderedChange] = []
        for kept in self._kept:
            if kept.frame.last > after:
                found += [each for each in self._pictures(kept) if each.seq > after]
        return found

    def read(self, frame: Frame) -> list[RenderedChange]:
        """Make the pictures of a frame that is not kept."""
        return [RenderedChange(each, self._context) for each in frame.changes()]

    def _pictures(self, kept: _Kept) -> list[RenderedChange]:
        if kept.pictures is None:
            kept.pictures = self.read(kept.frame)
        return kept.pictures
