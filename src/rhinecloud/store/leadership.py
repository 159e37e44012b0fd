"""Leadership among the processes that share a database: one leads at a time, another one when it has ended."""

from __future__ import annotations

from typing import Protocol


class Leadership(Protocol):
    """Whether this process leads, from `open` to `close`."""

    @property
    def leads(self) -> bool:
        """Whether this process leads now, as far as it knows."""
        ...

    async def open(self) -> None:
        """Take part; `leads` is valid from then on. Raise Unavailable."""
        ...

    async def close(self) -> None:
        """Release the leadership and stop taking part."""
        ...

    async def until_leading(self) -> None:
        """Return as soon as this process leads."""
        ...

    async def until_following(self) -> None:
        """Return as soon as another process may lead."""
        ...
