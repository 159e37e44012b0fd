"""The contracts of a connector: `Codec` turns bytes into messages, `Link` brings the bytes.

`decode` is pure apart from what a codec remembers between two parcels (the first half of a message, a header row).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rhinecloud.connectors.model import DecodeFault, Parcel
from rhinecloud.pack.model import Message


class Framing(StrEnum):
    """What one unit of a recording is."""

    LINE = "line"
    FILE = "file"


class Codec(Protocol):
    """Reads one protocol. A message is a dict of plain JSON values whose members the codec's docstring lists."""

    framing: Framing
    time_members: frozenset[str]
    """Names of members, at any depth, that hold a moment: ISO 8601 text or POSIX seconds."""

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault]:
        """Give the messages of a parcel one by one, and a Fault for each part that cannot be read.

        Raises DecodeError, at the first step, where nothing of the parcel can be read.
        """
        ...

    def recorded_at(self, unit: bytes) -> datetime | None:
        """Give the moment that a line or file of a recording names for itself, None where it names none."""
        ...


class Inlet(Protocol):
    """The door through which a link hands over; the feed stands behind it."""

    def connected(self) -> None:
        """Say that the link stands."""
        ...

    def touch(self) -> None:
        """Say that the source answered and has nothing new."""
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

    async def room(self) -> None:
        """Wait until the queue is not full."""
        ...


class Link(Protocol):
    """Brings parcels from one source."""

    async def run(self, inlet: Inlet) -> None:
        """Hand over parcels until the source ends (return) or breaks (raise LinkBroken); cancelled when it shall
        stop.
        """
        ...
