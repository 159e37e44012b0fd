"""Records: small documents by kind, tenant and id; all processes are notified of each change."""

from __future__ import annotations

import builtins
from collections.abc import Sequence

from rhinecloud.kernel.errors import Invalid
from rhinecloud.store.port import Record
from rhinecloud.store.postgres.connection import Connection, DatabasePool
from rhinecloud.store.postgres.names import fits

_NOTIFY = "SELECT pg_notify($1, 'r' || json_build_array(kind, tenant, id)) FROM done"
_PUT = f"""
WITH done AS (
  INSERT INTO record (kind, tenant, id, body)
  SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[]) AS k (kind, tenant, id, body)
  ORDER BY 1, 2, 3
  ON CONFLICT (kind, tenant, id) DO UPDATE SET body = excluded.body
  RETURNING kind, tenant, id
) {_NOTIFY}
"""
_DELETE = f"""
WITH done AS (DELETE FROM record WHERE kind = $2 AND tenant = $3 AND id = $4 RETURNING kind, tenant, id) {_NOTIFY}
"""


class PostgresRecords:
    """The records of one database."""

    def __init__(self, links: DatabasePool) -> None:
        self._links = links
        self.channel = ""

    async def put(self, records: Sequence[Record]) -> None:
        """Create or replace records in one transaction; of several with the same key the last one is kept."""
        if columns := _columns(records):
            await self._links.rows(_PUT, self.channel, *columns)

    async def delete(self, kind: str, tenant: str, record_id: str) -> bool:
        """Delete a record. Return whether it was there."""
        if not all(map(fits, (kind, tenant, record_id))):
            return False
        gone = await self._links.rows(_DELETE, self.channel, kind, tenant, record_id)
        return bool(gone)

    async def get(self, kind: str, tenant: str, record_id: str) -> Record | None:
        """Return one record."""
        if not all(map(fits, (kind, tenant, record_id))):
            return None
        body = await self._links.value(
            "SELECT body FROM record WHERE kind = $1 AND tenant = $2 AND id = $3", kind, tenant, record_id
        )
        return None if body is None else Record(kind, tenant, record_id, body)

    async def list(self, kind: str, tenant: str | None, after: str, limit: int) -> list[Record]:
        """Return records in order of tenant and id."""
        if not all(map(fits, (kind, tenant or ""))):
            return []
        rows = await self._links.rows(
            "SELECT kind, tenant, id, body FROM record WHERE kind = $1 AND ($2::text IS NULL OR tenant = $2)"
            " AND id > $3 ORDER BY tenant, id LIMIT $4",
            kind,
            tenant,
            after.replace("\0", ""),
            limit,
        )
        return [Record(*row) for row in rows]

    async def tenants(self, kind: str) -> builtins.list[str]:
        """Return the tenants that have records of a kind."""
        rows = await self._links.rows(
            "SELECT DISTINCT tenant FROM record WHERE kind = $1 ORDER BY tenant", kind
        )
        return [name for (name,) in rows]

    async def count(self, kind: str, tenant: str | None) -> int:
        """Count records of a kind."""
        if not all(map(fits, (kind, tenant or ""))):
            return 0
        return int(
            await self._links.value(
                "SELECT count(*) FROM record WHERE kind = $1 AND ($2::text IS NULL OR tenant = $2)",
                kind,
                tenant,
            )
        )


async def put_records(connection: Connection, channel: str, records: Sequence[Record]) -> None:
    """Create or replace records within the open transaction."""
    if columns := _columns(records):
        await connection.execute(_PUT, channel, *columns)


async def body_of(connection: Connection, record: Record) -> bytes | None:
    """Return the present body of a record, None if there is none."""
    body: bytes | None = await connection.fetchval(
        "SELECT body FROM record WHERE kind = $1 AND tenant = $2 AND id = $3",
        record.kind,
        record.tenant,
        record.id,
    )
    return body


def _columns(records: Sequence[Record]) -> builtins.list[builtins.list[object]]:
    latest = {(each.kind, each.tenant, each.id): each.body for each in records}
    if not all(fits(text) for key in latest for text in key):
        raise Invalid(
            "must have at most 2,000 bytes, without NUL and without halves of characters", field="id"
        )
    columns: builtins.list[builtins.list[object]] = [list(column) for column in zip(*latest, strict=True)]
    return [*columns, list(latest.values())] if columns else []
