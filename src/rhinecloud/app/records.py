"""An adapter from the store's records to those of identity, which must not depend on the store."""

from __future__ import annotations

from rhinecloud.store.port import Record, Store

PAGE = 1000


class StoreRecords:
    """Implements identity's record store with a store; the records belong to no tenant."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, kind: str) -> list[tuple[str, bytes]]:
        """Return the id and body of every record of a kind."""
        found: list[tuple[str, bytes]] = []
        after = ""
        while page := await self._store.list_records(kind, "", after=after, limit=PAGE):
            found += [(record.id, record.body) for record in page]
            after = page[-1].id
        return found

    async def put(self, kind: str, record_id: str, body: bytes) -> None:
        """Create or replace a record."""
        await self._store.put_records([Record(kind=kind, tenant="", id=record_id, body=body)])

    async def delete(self, kind: str, record_id: str) -> bool:
        """Delete a record, and return whether it existed."""
        return await self._store.delete_record(kind, "", record_id)
