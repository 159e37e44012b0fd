"""How far the notifier is in the stream: the end of the last frame before which none is in progress."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from rhinecloud.subscriptions.delivery.items import FrameInProgress


class DeliveryProgress:
    """The frames in progress, in order. `position` is what a restart begins after."""

    def __init__(self, position: int) -> None:
        self._position = position
        self._frames: deque[FrameInProgress] = deque()

    def __len__(self) -> int:
        self._advance()
        return len(self._frames)

    @property
    def position(self) -> int:
        """The last change up to which everything is settled."""
        self._advance()
        return self._position

    def begin(self, last: int, now: float) -> FrameInProgress:
        """Return a new frame that ends with the change `last`; set `is_queued` when all its items were added."""
        frame = FrameInProgress(last, now)
        self._frames.append(frame)
        return frame

    def interrupt(self, read: int) -> None:
        """Let a frame that failed half-way end at the change `read`: the rest is read again."""
        for frame in self._frames:
            if not frame.is_queued:
                frame.last, frame.is_queued = read, True

    def overdue(self, before: float) -> list[FrameInProgress]:
        """Return the frames from before a time that have unsettled items."""
        return [each for each in self._frames if each.since <= before and each.is_queued and each.unsettled]

    def position_without(self, frames: Iterable[FrameInProgress]) -> int:
        """Return what `position` will be when these frames are done, too."""
        done = {id(frame) for frame in frames}
        position = self._position
        for frame in self._frames:
            if not frame.is_done and id(frame) not in done:
                break
            position = frame.last
        return position

    def _advance(self) -> None:
        while self._frames and self._frames[0].is_done:
            self._position = self._frames.popleft().last
