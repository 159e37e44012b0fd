"""What operators see of all subscriptions together, counted over the few of which there is something to say.

It is asked for each second, and there may be ten thousand subscriptions of few owners.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rhinecloud.subscriptions.delivery.queue import DeliveryQueue
from rhinecloud.subscriptions.rights import SubscriptionOwner


@dataclass(slots=True)
class NotifierState:
    """What operators see: the place in the stream and how far behind it is; how much waits and was given up; how many
    subscriptions' last attempt failed; how many changes the stream had lost, and how many an error of ours hid; how
    many records of the store could not be read at the start; how many subscriptions have no owner who may hear."""

    position: int = 0
    lag: int = 0
    frames_in_hand: int = 0
    waiting: int = 0
    dropped: int = 0
    failing: int = 0
    missed: int = 0
    failed: int = 0
    unreadable: int = 0
    barred: int = 0


class DeliveryStats:
    """Which lanes may have something waiting, failing or given up, and how many lanes each owner has."""

    def __init__(self) -> None:
        self._restless: set[DeliveryQueue] = set()
        self._owners: Counter[SubscriptionOwner] = Counter()

    def come(self, lane: DeliveryQueue) -> None:
        """Count a lane that was given its way."""
        self._restless.add(lane)
        self._owners[lane.way.reader] += 1

    def go(self, lane: DeliveryQueue) -> None:
        """Count a lane no more, which still has the way with which it came."""
        self._restless.discard(lane)
        self._owners[lane.way.reader] -= 1
        if not self._owners[lane.way.reader]:
            del self._owners[lane.way.reader]

    def stir(self, lanes: Iterable[DeliveryQueue]) -> None:
        """Note lanes into which something was put."""
        self._restless.update(lanes)

    def count(self, state: NotifierState) -> None:
        """Count what waits, fails and was given up, and ask for each owner once."""
        for lane in tuple(self._restless):
            waiting, failing, dropped = lane.waiting, lane.counters.status == "failed", lane.counters.dropped
            state.waiting += waiting
            state.dropped += dropped
            state.failing += failing
            if not (waiting or failing or dropped):
                self._restless.discard(lane)
        state.barred = sum(number for owner, number in self._owners.items() if owner.present() is None)
