"""The contract of the stream: frames of changes in commit order, and durable consumers.

A frame is one message that carries many changes, because one message per change would limit a consumer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
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
        """Return a frame of encoded changes, at least one; they are joined when the body is first asked for."""
        frame = cls(first, last, b"")
        frame.size = sum(map(len, bodies)) + len(bodies) + 1
        frame._parts = bodies
        return frame

    def __eq__(self, other: object) -> bool:
        """Return whether both hold the same changes in the same bytes."""
        ours = (self.first, self.last, self.body)
        return isinstance(other, Frame) and ours == (other.first, other.last, other.body)

    def __hash__(self) -> int:
        return hash((self.first, self.last))

    @property
    def body(self) -> bytes:
        """Return the JSON array of the changes."""
        if not isinstance(self._parts, bytes):
            self._parts = join(self._parts)
        return self._parts

    def changes(self) -> list[Change]:
        """Return the decoded changes, which must not be modified: they are decoded once for all consumers."""
        if self._changes is None:
            self._changes = decode_changes(self.body)
        return self._changes

    def know(self, changes: list[Change]) -> None:
        """Set the decoded changes, where they are at hand."""
        self._changes = changes

    @property
    def is_decoded(self) -> bool:
        """Return whether `changes` costs nothing."""
        return self._changes is not None

    def mentions(self, signs: Iterable[bytes]) -> bool:
        """Return whether one of these byte strings, such as the IRI of an entity type, is in the body."""
        body = self.body
        return any(sign in body for sign in signs)

    def forget(self) -> None:
        """Drop the decoded changes, because thousands of objects slow the garbage collector down."""
        self._changes = None


def join(bodies: Iterable[bytes]) -> bytes:
    """Return the body of a frame with these encoded changes."""
    return b"[" + b",".join(bodies) + b"]"


Handle = Callable[[Frame], Awaitable[None]]
"""Does the work of a consumer for one frame. It must be idempotent: after a crash it gets the last frame again."""


class Stream(Protocol):
    """A durable log of frames. All methods may raise Unavailable while the engine is away."""

    async def open(self) -> None:
        """Connect, and create the log where it does not exist."""
        ...

    async def close(self) -> None:
        """Stop consumers and disconnect."""
        ...

    async def publish(self, frame: Frame) -> None:
        """Append a frame; its `last` is its identity, so that a repeat is dropped."""
        ...

    def offer(self, frame: Frame) -> None:
        """Pass a frame that is committed and will be published to the followers in this process.

        Offered frames may be divided differently than published ones; both are complete and in order.
        """
        ...

    async def last(self) -> int:
        """Return the sequence number of the newest change that the log holds on disk, 0 when it is empty."""
        ...

    async def first(self) -> int:
        """Return the sequence number of the oldest change that the log still holds, 0 when it is empty."""
        ...

    async def consume(self, name: str, handle: Handle) -> None:
        """Run a member of the durable consumer `name` until cancelled: acknowledge each frame after `handle` returned.

        Several processes may consume under one name: one frame at a time is sent to one of them. When `handle` raises,
        or its process dies, the frame is sent again before the next one, after a pause that grows.
        """
        ...

    def tail(self, after: int, *, urgent: bool = False) -> AsyncGenerator[Frame, None]:
        """Yield frames from the one that holds change `after + 1`, until cancelled. Urgent followers are served first.

        Raise Gone where the changes that follow are not held.
        """
        ...


class Gone(Exception):
    """The changes that follow are not in the stream; `first` is the next one that is."""

    def __init__(self, after: int, first: int) -> None:
        super().__init__(f"changes {after + 1} to {first - 1} are not in the stream")
        self.first = first
