"""The contracts of a link: `Link` receives the bytes of one source, `Inlet` accepts them for the feed.

The contract of a codec, which turns the bytes into messages, is `rhinecloud.pack.codec`: packs bring codecs, too.
"""

from __future__ import annotations

from typing import Protocol

from rhinecloud.pack.codec import Parcel


class Inlet(Protocol):
    """The entrance of a feed, to which a link passes parcels."""

    def connected(self) -> None:
        """Record that the link is connected."""
        ...

    def touch(self) -> None:
        """Record that the source answered and has nothing new."""
        ...

    async def put(self, parcel: Parcel) -> None:
        """Add a parcel; wait while the queue is full, so that the link stops reading."""
        ...

    def offer(self, parcel: Parcel) -> bool:
        """Add a parcel and return True; return False, and count it as dropped, where the queue is full."""
        ...

    def push(self, parcel: Parcel) -> None:
        """Add a parcel even where the queue is full, because it was read already and must not be lost."""
        ...

    @property
    def full(self) -> bool:
        """Return whether the queue is full."""
        ...

    async def wait_for_space(self) -> None:
        """Wait until the queue is not full."""
        ...


class Link(Protocol):
    """Passes on parcels from one source."""

    async def run(self, inlet: Inlet) -> None:
        """Pass on parcels until the source ends (return) or breaks (raise LinkBroken), or until cancelled."""
        ...
