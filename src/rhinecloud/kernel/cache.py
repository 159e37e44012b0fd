"""The one cache: bounded by weight, so that no sequence of requests can fill the memory or empty the cache at once.

It has two generations. New entries are added to the young one; when that is full it becomes the old one and the old one
is dropped, so what was used since the last change of generations is always kept. `functools.lru_cache` bounds the
number of entries only: a thousand keys of a megabyte take a gigabyte.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

LONGEST = 512
"""Characters or bytes of a key that is kept, where a cache does not say otherwise."""

_ABSENT: Any = object()


class BoundedCache(dict[Key, Value]):
    """A cache that computes missing values, or is filled from outside; the dictionary is its young generation.

    `cache[key]` is the call of a cache that computes; `find` and `keep` are for one that is filled from outside. The
    entries of both generations weigh at most `most`; `weigh(key, value)` is an entry's weight. Without it each entry
    weighs 1, and one whose key is longer than `longest` is not kept. Nor is an entry heavier than `largest`, by default
    a 50th of `most` where weights are given. Errors are not kept.

    Threads may share a cache: two that miss one key at a time may both compute it.

    `misses` counts the answers that were not found, `hits` those that `find` found.
    """

    __slots__ = ("_compute", "_half", "_largest", "_left", "_longest", "_old", "_weigh", "hits", "misses")

    def __init__(
        self,
        compute: Callable[[Key], Value] | None = None,
        most: int = 1_000,
        longest: int = LONGEST,
        *,
        weigh: Callable[[Key, Value], int] | None = None,
        largest: int | None = None,
    ) -> None:
        super().__init__()
        self._compute = compute
        self._weigh = weigh
        self._longest = longest
        self._half = self._left = most // 2
        self._largest = min(self._half, most // 50 if largest is None else largest) if weigh else 1
        self._old: dict[Key, Value] = {}
        self.hits = 0
        self.misses = 0

    def __missing__(self, key: Key) -> Value:
        """Return the value of a key that is not in the young generation."""
        value: Any = self._old.pop(key, _ABSENT)
        if value is _ABSENT:
            if self._compute is None:
                raise KeyError(key)
            self.misses += 1
            value = self._compute(key)
        self.keep(key, value)
        return cast(Value, value)

    def find(self, key: Key) -> Value | None:
        """Return the value of a key, None where it is not kept."""
        value = self.get(key)
        if value is None:
            value = self._old.pop(key, None)
            if value is None:
                self.misses += 1
                return None
            self.keep(key, value)
        self.hits += 1
        return value

    def keep(self, key: Key, value: Value) -> None:
        """Keep a value, unless it is too heavy or its key too long."""
        weight = self._weight(key, value)
        if weight > self._largest:
            self.drop(key)
            return
        self._release(key, self.get(key, _ABSENT))
        if weight > self._left:
            self._old = dict(self)
            super().clear()
            self._left = self._half
        self._left -= weight
        self[key] = value

    def drop(self, key: Key) -> None:
        """Forget one entry."""
        self._release(key, self.pop(key, _ABSENT))
        self._old.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self._old.clear()
        self._left = self._half

    @property
    def held(self) -> int:
        """How many entries both generations hold."""
        return len(self) + len(self._old)

    def _release(self, key: Key, value: Any) -> None:
        if value is not _ABSENT:
            self._left += self._weight(key, value)

    def _weight(self, key: Any, value: Value) -> int:
        if self._weigh is not None:
            return self._weigh(key, value)
        return 1 if not isinstance(key, str | bytes) or len(key) <= self._longest else 2
