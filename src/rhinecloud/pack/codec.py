"""The contract of a codec: how the bytes of a protocol become messages, for the core's protocols and those of packs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from rhinecloud.kernel.errors import Invalid

Message = MappingType[str, Any]
"""One decoded message of a feed as plain values; each codec's docstring lists its members."""


class DecodeError(Invalid):
    """Bytes that a codec cannot read: the one error that `Codec.decode` raises."""


@dataclass(slots=True)
class Parcel:
    """What a link hands over at once: bytes as they came, when, and from where.

    `origin` is the MQTT topic, the URL or the file. The other fields belong to the feed. `settle`, where there is one,
    is called when everything in the parcel is kept: only then may the link acknowledge it. `shift` is added to the
    times within the messages, where a recording is played as if it happened now. `undated` tells that it comes from a
    recording that names no time for it: what it says is marked, for nobody knows when it was measured.
    """

    body: bytes
    received: datetime
    origin: str = ""
    settle: Callable[[], None] | None = None
    shift: timedelta | None = None
    undated: bool = False
    retained: bool = False
    """Whether an MQTT server kept it and sends it at a subscription, however old it is."""


@dataclass(frozen=True, slots=True)
class DecodeFault:
    """What could not be used, and why: bytes that no message could be made of, or (`decoded`) a message as JSON that no
    mapping understood or that the broker refused. `recorded` is that message as its recording has it, where its times
    were moved: by that it is known again when the recording is played again."""

    raw: bytes
    reason: str
    decoded: bool = False
    origin: str = ""
    recorded: bytes = b""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A part of a message that cannot be used, which a mapping yields beside the entities of the other parts.

    `place` is its path or name in the message (`sensors.3.pm10`), `reason` what must be. All of one message become one
    dead letter; its other parts are processed.
    """

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message, or a part of one, that is left out on purpose; it is counted by reason and becomes no dead letter.

    `reason` must be one of few texts: what differs from message to message belongs into `sample`, of which the newest
    is shown. Without a sample the message itself is shown.
    """

    reason: str
    sample: str = ""


class Framing(StrEnum):
    """What one unit of a recording is."""

    LINE = "line"
    FILE = "file"


class Codec(Protocol):
    """Reads one protocol. A message is a dict of plain JSON values whose members the codec's docstring lists.

    `decode` is pure apart from what a codec remembers between two parcels (the first half of a message, a header row);
    each feed has a codec of its own.
    """

    framing: Framing
    time_members: frozenset[str]
    """Names of members, at any depth, that hold a moment: ISO 8601 text or POSIX seconds."""

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault | Ignored]:
        """Yield the messages of a parcel one by one, a DecodeFault for each part that cannot be read, and Ignored for
        each part that is left out on purpose.

        Raises DecodeError, at the first step, where nothing of the parcel can be read.
        """
        ...

    def recorded_at(self, unit: bytes) -> datetime | None:
        """Return the moment that a line or file of a recording names for itself, None where it names none."""
        ...


@runtime_checkable
class BufferingCodec(Protocol):
    """What a codec has, too, that keeps incomplete messages between two parcels."""

    def finish(self) -> Iterator[DecodeFault]:
        """Yield what is incomplete when its source has ended, such as a recording, and forget it."""
        ...
