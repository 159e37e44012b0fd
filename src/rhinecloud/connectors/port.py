"""The contracts of a link: `Link` brings the bytes of one source, `Inlet` takes them for the feed.

The contract of a codec, which turns the bytes into messages, is `rhinecloud.pack.codec`: packs bring codecs, too.
"""

from __future__ import annotations

from typing import Protocol

from rhinecloud.pack.codec import Parcel


class Inlet(Protocol):
    """Through this a link hands parcels over to its feed."""

    def connected(self) -> None:
        """Report that the link is open."""
        ...

    def touch(self) -> None:
        """Report that the source answered and has nothing new."""
        ...

    async def put(self, parcel: Parcel) -> None:
        """Hand over; waits while the queue is full, so that the link stops reading."""
        ...

    def offer(self, parcel: Parcel) -> bool:
        """Hand over at once, or count it as dropped and return False where the queue is full."""
        ...

    def push(self, parcel: Parcel) -> None:
        """Hand over at once although the queue is full: for what has been read already and must not be lost."""
        ...

    @property
    def full(self) -> bool:
        """Whether the queue is full."""
        ...

    async def wait_for_space(self) -> None:
        """Wait until the queue is not full."""
        ...


class Link(Protocol):
    """Brings parcels from one source."""

    async def run(self, inlet: Inlet) -> None:
        """Hand over parcels until the source ends (return) or breaks (raise LinkBroken); cancelled when it shall
        stop.
        """
        ...
