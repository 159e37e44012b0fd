"""Which of the processes that share a database leads: one of them at a time, and another one when it is gone."""

from __future__ import annotations

from typing import Protocol


class Leadership(Protocol):
    """This process's part in it, from `open` to `close`."""

    @property
    def leads(self) -> bool:
        """Whether this process leads now, as far as it knows."""
        ...

    async def open(self) -> None:
        """Take part; `leads` tells at once whether from the start. Raise Unavailable."""
        ...

    async def close(self) -> None:
        """Lead no more, and take part no more."""
        ...

    async def until_leading(self) -> None:
        """Return as soon as this process leads."""
        ...

    async def until_following(self) -> None:
        """Return as soon as another process may lead."""
        ...
