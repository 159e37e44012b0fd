"""How far the notifier has come in the stream: the last frame before which nothing is left to do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from rhinecloud.subscriptions.delivery.pending import PendingItem
from rhinecloud.subscriptions.delivery.queue import DeliveryQueue


class FrameInProgress:
    """A frame in hand: done with when it is `told`, and each of its items was delivered, given up or written down."""

    __slots__ = ("items", "last", "open", "since", "told")

    def __init__(self, last: int, since: float) -> None:
        self.last = last
        self.since = since
        self.open = 0
        self.told = False
        self.items: list[tuple[DeliveryQueue, PendingItem]] = []

    @property
    def is_done(self) -> bool:
        """Tell whether nothing more is to be done about this frame."""
        return self.told and not self.open

    def add(self, lane: DeliveryQueue, item: PendingItem) -> None:
        """Wait for an item."""
        item.awaited = self
        self.open += 1
        self.items.append((lane, item))


class DeliveryProgress:
    """The frames in hand, in order. `position` is what a restart begins after."""

    def __init__(self, position: int) -> None:
        self._settled = position
        self._holds: deque[FrameInProgress] = deque()

    def __len__(self) -> int:
        self._advance()
        return len(self._holds)

    @property
    def position(self) -> int:
        """The last change up to which everything is done with."""
        self._advance()
        return self._settled

    def begin(self, last: int, now: float) -> FrameInProgress:
        """Take a frame in hand; say `told` of it when all its items were added."""
        hold = FrameInProgress(last, now)
        self._holds.append(hold)
        return hold

    def interrupt(self, seen: int) -> None:
        """Take a frame that was being told when something failed for one that ended at `seen`: the rest comes again."""
        for hold in self._holds:
            if not hold.told:
                hold.last, hold.told = seen, True

    def overdue(self, before: float) -> list[FrameInProgress]:
        """List the frames taken in hand before a moment that still wait for something."""
        return [hold for hold in self._holds if hold.since <= before and hold.told and hold.open]

    def position_without(self, holds: Iterable[FrameInProgress]) -> int:
        """Tell what `position` will be when these frames are done with, too."""
        done = {id(hold) for hold in holds}
        position = self._settled
        for hold in self._holds:
            if not hold.is_done and id(hold) not in done:
                break
            position = hold.last
        return position

    def _advance(self) -> None:
        while self._holds and self._holds[0].is_done:
            self._settled = self._holds.popleft().last
