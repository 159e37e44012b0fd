"""A cache whose memory is bounded by count and by bytes, for answers to what comes from outside.

`functools.lru_cache` bounds the count alone: a caller that sends a thousand keys of a megabyte makes it keep a
gigabyte.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key", str, bytes)
Answer = TypeVar("Answer")

LONGEST = 512
"""Characters or bytes of a key that is kept, where a cache does not say otherwise."""


class BoundedCache(dict[Key, Answer], Generic[Key, Answer]):
    """A dictionary that computes a missing answer, and empties itself when it is full.

    `cache[key]` is the call. An answer for a key longer than `longest` is computed each time and not kept; an
    exception is not kept either.
    """

    __slots__ = ("_compute", "_longest", "_most")

    _compute: Callable[[Key], Answer]

    def __init__(self, compute: Callable[[Key], Answer], most: int, longest: int = LONGEST) -> None:
        super().__init__()
        self._compute = compute
        self._most = most
        self._longest = longest

    def __missing__(self, key: Key) -> Answer:
        """Return the answer for a key that is not kept."""
        answer = self._compute(key)
        if len(key) <= self._longest:
            if len(self) >= self._most:
                self.clear()
            self[key] = answer
        return answer
