"""What a follower gets: some changes in their order, and of which tenant and types it wants them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from rhinecloud.ngsild.change import Change
from rhinecloud.ngsild.stored import name_bytes
from rhinecloud.stream.port import Frame


@dataclass(frozen=True)
class Selection:
    """Which changes a follower wants: of one tenant (None: all) and of some entity types, as IRIs (empty: all)."""

    tenant: str | None = None
    types: frozenset[str] = frozenset()

    @cached_property
    def is_everything(self) -> bool:
        """Return whether nothing is left out."""
        return self.tenant is None and not self.types

    def wants(self, change: Change) -> bool:
        """Return whether a change is among those selected."""
        if self.tenant is not None and change.tenant != self.tenant:
            return False
        return not self.types or not self.types.isdisjoint(change.entity.type)

    def may_be_in(self, frame: Frame) -> bool:
        """Return False where a look at the bytes shows that a frame holds none of the types."""
        return not self.types or frame.mentions(self._signs)

    @cached_property
    def _signs(self) -> tuple[bytes, ...]:
        return tuple(map(name_bytes, sorted(self.types)))


EVERYTHING = Selection()


class Batch:
    """The changes that follow `after`, up to `last`.

    `missed` counts changes that the stream no longer held: such a batch has no others. `frame` is what came from the
    stream; it may begin before `after`, and is decoded once for all who follow in this process.
    """

    __slots__ = ("_select", "after", "frame", "missed")

    def __init__(self, frame: Frame, after: int, select: Selection = EVERYTHING, missed: int = 0) -> None:
        self.frame = frame
        self.after = after
        self.missed = missed
        self._select = select

    @classmethod
    def of_gap(cls, after: int, last: int) -> Batch:
        """Return the batch that stands for changes which cannot be had any more."""
        return cls(Frame(after + 1, last, b"[]"), after, missed=last - after)

    @property
    def last(self) -> int:
        """The last change that the batch stands for, wanted or not."""
        return self.frame.last

    @property
    def is_wanted(self) -> bool:
        """Return whether the consumer must see the batch: it has changes of its selection, or there was a gap."""
        return bool(self.missed) or self._select.is_everything or bool(self.changes())

    def changes(self) -> list[Change]:
        """Return the changes, which must not be modified."""
        select = self._select
        if not select.may_be_in(self.frame):
            return []
        found = self.frame.changes()
        if self.frame.first <= self.after:
            found = [each for each in found if each.seq > self.after]
        return found if select.is_everything else [each for each in found if select.wants(each)]

    def mentions(self, signs: Iterable[bytes]) -> bool:
        """Return False where none of these bytes stands in the batch, without decoding it."""
        return self.frame.mentions(signs)


@dataclass(slots=True)
class FollowerCounters:
    """How a consumer does: the last change done; since the start batches, failures and changes that it missed because
    the stream no longer held them; and what is wrong now ('' for nothing)."""

    position: int = 0
    batches: int = 0
    failures: int = 0
    missed: int = 0
    error: str = ""

    def fail(self, error: BaseException) -> None:
        """Count a failure."""
        self.failures += 1
        self.error = f"{type(error).__name__}: {error}"
