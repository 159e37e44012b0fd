"""What operators see of all subscriptions together, counted over those that have something to report.

The figures are read each second, and there may be ten thousand subscriptions of few owners.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rhinecloud.subscriptions.delivery.queue import DeliveryQueue
from rhinecloud.subscriptions.rights import SubscriptionOwner


@dataclass(slots=True)
class NotifierState:
    """What operators see: `position` and `lag` in the stream; items that are `waiting` and `dropped`; subscriptions
    whose last attempt failed (`failing`) or whose owner may not subscribe any more (`ownerless`); changes that the
    stream no longer held (`missed`) or that could not be processed (`failed`); records that could not be read."""

    position: int = 0
    lag: int = 0
    frames_in_progress: int = 0
    waiting: int = 0
    dropped: int = 0
    failing: int = 0
    missed: int = 0
    failed: int = 0
    unreadable: int = 0
    ownerless: int = 0


class DeliveryStats:
    """The queues that may have something waiting, failing or dropped, and the number of queues of each owner."""

    def __init__(self) -> None:
        self._active: set[DeliveryQueue] = set()
        self._owners: Counter[SubscriptionOwner] = Counter()

    def add(self, queue: DeliveryQueue) -> None:
        """Add a queue that has got its route."""
        self._active.add(queue)
        self._owners[queue.route.owner] += 1

    def remove(self, queue: DeliveryQueue) -> None:
        """Remove a queue, which must still have the route with which it was added."""
        self._active.discard(queue)
        self._owners[queue.route.owner] -= 1
        if not self._owners[queue.route.owner]:
            del self._owners[queue.route.owner]

    def note_activity(self, queues: Iterable[DeliveryQueue]) -> None:
        """Note queues that have got items."""
        self._active.update(queues)

    def count(self, state: NotifierState) -> None:
        """Add up what waits, fails and was dropped, and the subscriptions without an owner."""
        for queue in tuple(self._active):
            waiting, failing, dropped = (
                queue.waiting,
                queue.counters.status == "failed",
                queue.counters.dropped,
            )
            state.waiting += waiting
            state.dropped += dropped
            state.failing += failing
            if not (waiting or failing or dropped):
                self._active.discard(queue)
        state.ownerless = sum(number for owner, number in self._owners.items() if owner.present() is None)
