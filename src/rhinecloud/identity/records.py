"""Where identity keeps what it knows, as a Protocol: it must not know the store, which is its sibling."""

from __future__ import annotations

from typing import Protocol


class Records(Protocol):
    """Small documents by kind and id. `put` and `delete` return when the change is durable."""

    def list(self, kind: str) -> list[tuple[str, bytes]]:
        """Give id and body of every record of a kind."""
        ...

    async def put(self, kind: str, record_id: str, body: bytes) -> None:
        """Create or replace a record."""
        ...

    async def delete(self, kind: str, record_id: str) -> bool:
        """Delete a record; tell whether it was there."""
        ...
