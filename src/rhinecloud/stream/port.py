"""The contract of the stream: frames of changes in commit order, durable consumers that acknowledge after doing.

A frame is one message that carries many changes, because one message a change would cap a consumer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rhinecloud.ngsild.change import Change, decode_changes


class Frame:
    """Changes `first` to `last` (the store's numbers); `body` is a JSON array of `Change`, of `size` bytes."""

    __slots__ = ("_changes", "_parts", "first", "last", "size")

    def __init__(self, first: int, last: int, body: bytes) -> None:
        self.first = first
        self.last = last
        self.size = len(body)
        self._parts: bytes | Sequence[bytes] = body
        self._changes: list[Change] | None = None

    @classmethod
    def join(cls, first: int, last: int, bodies: Sequence[bytes]) -> Frame:
        """Make a frame of encoded changes, one at least; they are put together when somebody asks for the body."""
        frame = cls(first, last, b"")
        frame.size = sum(map(len, bodies)) + len(bodies) + 1
        frame._parts = bodies
        return frame

    def __eq__(self, other: object) -> bool:
        """Tell whether both hold the same changes in the same words."""
        ours = (self.first, self.last, self.body)
        return isinstance(other, Frame) and ours == (other.first, other.last, other.body)

    def __hash__(self) -> int:
        return hash((self.first, self.last))

    @property
    def body(self) -> bytes:
        """Give the body as it travels."""
        if not isinstance(self._parts, bytes):
            self._parts = join(self._parts)
        return self._parts

    def changes(self) -> list[Change]:
        """Decode the changes, once for all who hold this frame: they are to be read, not changed."""
        if self._changes is None:
            self._changes = decode_changes(self.body)
        return self._changes

    def know(self, changes: list[Change]) -> None:
        """Take the changes from who has them decoded already."""
        self._changes = changes

    @property
    def is_decoded(self) -> bool:
        """Tell whether `changes` costs nothing."""
        return self._changes is not None

    def forget(self) -> None:
        """Drop what was decoded: objects by the thousand would burden the garbage collector."""
        self._changes = None


@dataclass(slots=True)
class ConsumerCounters:
    """How a consumer does: frames done, failures since the start, the newest change done, and what is wrong now."""

    frames: int = 0
    failures: int = 0
    position: int = 0
    error: str = ""


def join(bodies: Iterable[bytes]) -> bytes:
    """Make the body of a frame from the encoded changes."""
    return b"[" + b",".join(bodies) + b"]"


Handle = Callable[[Frame], Awaitable[None]]
"""Does the work of a consumer for one frame. It must be idempotent: after a crash it sees the last frames again."""


class Stream(Protocol):
    """A durable log of frames. All methods may raise Unavailable while the engine is away."""

    async def open(self) -> None:
        """Connect and make sure that the log exists."""
        ...

    async def close(self) -> None:
        """Stop consumers and disconnect."""
        ...

    async def publish(self, frame: Frame) -> None:
        """Append a frame; its `last` is its identity, so that a repeat is dropped."""
        ...

    def offer(self, frame: Frame) -> None:
        """Let those who follow in this process hear at once what is committed and will be published.

        Frames that are offered may be cut otherwise than those that are published; both are in order and whole.
        """
        ...

    async def last(self) -> int:
        """Ask the log for the sequence number of the newest change that it really holds, 0 when it is empty."""
        ...

    async def first(self) -> int:
        """Ask the log for the sequence number of the oldest change that it still holds, 0 when it is empty."""
        ...

    async def consume(self, name: str, handle: Handle) -> None:
        """Run the durable consumer `name` until cancelled: acknowledge each frame after `handle` returned.

        When `handle` raises, the frame is delivered again after a pause that grows; it is counted and logged.
        """
        ...

    def tail(self, after: int, *, hurried: bool = False) -> AsyncIterator[Frame]:
        """Follow the log without durability, from the frame that holds change `after + 1`; raises Gone when it is
        too old to be held still. Of those who follow in this process the hurried hear first."""
        ...


class Gone(Exception):
    """The change asked for is older than the oldest one held."""
