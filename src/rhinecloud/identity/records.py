"""Where identity keeps what it knows, as a Protocol: it must not know the store, which is its sibling."""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

from rhinecloud.kernel.errors import Unavailable

T = TypeVar("T")


class RecordStore(Protocol):
    """Small documents by kind and id. `put` and `delete` return when the change is durable."""

    async def list(self, kind: str) -> list[tuple[str, bytes]]:
        """Give id and body of every record of a kind."""
        ...

    async def put(self, kind: str, record_id: str, body: bytes) -> None:
        """Create or replace a record."""
        ...

    async def delete(self, kind: str, record_id: str) -> bool:
        """Delete a record; tell whether it was there."""
        ...


async def read_records(
    records: RecordStore, kind: str, decoder: msgspec.json.Decoder[T]
) -> list[tuple[str, T]]:
    """Give id and content of every record of a kind; raises Unavailable naming the one that cannot be read.

    Who may do what is not guessed: to go on without an account or a token would hide the loss.
    """
    found = []
    for record_id, body in await records.list(kind):
        try:
            found.append((record_id, decoder.decode(body)))
        except msgspec.DecodeError as error:
            raise Unavailable(f"the {kind} {record_id[:60]!r} in the store is broken: {error}") from None
    return found
