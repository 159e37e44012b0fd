"""The storage of identity, as a Protocol, because the store is a part of the same layer."""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

from rhinecloud.kernel.errors import Unavailable

T = TypeVar("T")


class RecordStore(Protocol):
    """Small documents by kind and id. `put` and `delete` return when the change is durable."""

    async def list(self, kind: str) -> list[tuple[str, bytes]]:
        """Return the id and body of every record of a kind."""
        ...

    async def put(self, kind: str, record_id: str, body: bytes) -> None:
        """Create or replace a record."""
        ...

    async def delete(self, kind: str, record_id: str) -> bool:
        """Delete a record, and return whether it existed."""
        ...


async def read_records(
    records: RecordStore, kind: str, decoder: msgspec.json.Decoder[T]
) -> list[tuple[str, T]]:
    """Return the id and content of every record of a kind; raise Unavailable for one that cannot be decoded.

    To continue without an account or a token would hide the loss.
    """
    found = []
    for record_id, body in await records.list(kind):
        try:
            found.append((record_id, decoder.decode(body)))
        except msgspec.DecodeError as error:
            raise Unavailable(f"the {kind} {record_id[:60]!r} in the store is broken: {error}") from None
    return found
