"""A PostgreSQL database as the source or target of a copy between engines, or a snapshot of it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Sequence

import asyncpg

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.ngsild.entity import decode
from rhinecloud.ngsild.stored import with_seq
from rhinecloud.store.port import LoggedChange, Record
from rhinecloud.store.postgres.connection import (
    LOST,
    Connection,
    DatabaseAddress,
    DatabaseConnection,
    DatabasePool,
    explain,
)
from rhinecloud.store.postgres.group_rows import GroupRows, TouchedRow
from rhinecloud.store.postgres.names import NameNumbers
from rhinecloud.store.postgres.schema import migrate
from rhinecloud.store.postgres.values import PostgresAttributeIndexes
from rhinecloud.store.transfer import (
    START,
    UNFINISHED,
    TransferContents,
    TransferPosition,
    TransferRow,
    must_be_empty,
)

ROWS = 500
ALONE = "SELECT pg_try_advisory_lock(hashtextextended('rhinecloud in use ' || current_schema(), 0))"
_SEQ = re.compile(rb'\{"seq":\d+,')


class PostgresTransfer:
    """A database that is copied as a whole; see `store.transfer.TransferableStore`.

    With `alone` no city may run on it. Without, a snapshot is read from when it was opened.
    """

    def __init__(self, address: DatabaseAddress, *, alone: bool = True) -> None:
        self._link = DatabaseConnection(address)
        self._links = DatabasePool(address, 1)
        self._alone = alone
        self._numbering = NameNumbers()
        self._connection: Connection | None = None

    async def open(self) -> None:
        """Connect. Raise Unavailable if that fails, or a city runs on the database."""
        try:
            connection = self._connection = await self._link.get()
            if self._alone:
                await migrate(connection)
                if not await connection.fetchval(ALONE):
                    raise Unavailable("a city runs on this database")  # noqa: TRY301
            else:
                await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            await self._numbering.load(connection)
        except (*LOST, asyncpg.PostgresError) as error:
            await self.close()
            raise explain(error) from error
        except Unavailable:
            await self.close()
            raise

    async def close(self) -> None:
        """Release it."""
        await self._links.close()
        await self._link.close()

    async def contents(self) -> TransferContents:
        """Return the counts."""
        row = await self._row(
            "SELECT (SELECT count(*) FROM entity), (SELECT count(*) FROM change), (SELECT count(*) FROM record),"
            " (SELECT seq FROM counter)"
        )
        return TransferContents(*row)

    async def read_entities(self, after: int) -> AsyncIterator[Sequence[TransferRow]]:
        """Yield the entities in order."""
        while rows := await self._rows(
            "SELECT e.row, t.name, e.id, e.version, e.body FROM entity AS e JOIN tenant AS t ON t.id = e.tenant"
            " WHERE e.row > $1 ORDER BY e.row LIMIT $2",
            after,
            ROWS,
        ):
            yield [TransferRow(*row) for row in rows]
            after = rows[-1][0]

    async def read_changes(self, after: int) -> AsyncIterator[Sequence[LoggedChange]]:
        """Yield the changes in order."""
        while rows := await self._rows(
            "SELECT seq, body FROM change WHERE seq > $1 ORDER BY seq LIMIT $2", after, ROWS
        ):
            yield [LoggedChange(seq, with_seq(seq, body)) for seq, body in rows]
            after = rows[-1][0]

    async def read_records(self, after: tuple[str, str, str]) -> AsyncIterator[Sequence[Record]]:
        """Yield the records in order."""
        while rows := await self._rows(
            "SELECT kind, tenant, id, body FROM record WHERE (kind, tenant, id) > ($1, $2, $3)"
            " ORDER BY kind, tenant, id LIMIT $4",
            *after,
            ROWS,
        ):
            yield [Record(*row) for row in rows]
            after = tuple(rows[-1])[:3]

    async def begin(self) -> TransferPosition:
        """Mark the database as unfinished; return how far the copy is."""
        mark = await self._rows("SELECT FROM mark WHERE name = $1", UNFINISHED)
        must_be_empty(await self.contents(), unfinished=bool(mark))
        await self._do("INSERT INTO mark (name, value) VALUES ($1, '') ON CONFLICT DO NOTHING", UNFINISHED)
        row, change = await self._row(
            "SELECT (SELECT coalesce(max(row), 0) FROM entity), (SELECT coalesce(max(seq), 0) FROM change)"
        )
        last = await self._rows(
            "SELECT kind, tenant, id FROM record ORDER BY kind DESC, tenant DESC, id DESC LIMIT 1"
        )
        return TransferPosition(row, change, (last[0][0], last[0][1], last[0][2]) if last else START.record)

    async def put_entities(self, rows: Sequence[TransferRow]) -> None:
        """Write entities."""
        touched = [
            ((row.tenant, row.id), TouchedRow(None, None, row.row, decode(row.body), row.version, row.body))
            for row in rows
        ]
        for _, each in touched:
            each.locate()
        await self._numbering.enter(
            self._links,
            {row.tenant for row in rows},
            {name for _, each in touched if each.entity is not None for name in each.entity.type},
            {name for _, each in touched for name in each.there},
        )
        rows_by_table = GroupRows(self._numbering, PostgresAttributeIndexes())
        for key, each in touched:
            rows_by_table.add(key, each)
        tables = rows_by_table.tables()
        async with self._connected() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO entity (row, tenant, id, version, expires, body)"
                " SELECT * FROM unnest($1::inserted_entity[])",
                tables["inserted"],
            )
            await connection.execute(
                "INSERT INTO entity_type (tenant, type, row) SELECT * FROM unnest($1::type_link[])",
                tables["linked"],
            )
            await connection.execute(
                "INSERT INTO place (row, tenant, attribute, shape) SELECT row, tenant, attribute,"
                " ST_GeomFromWKB(shape, 4326) FROM unnest($1::placed_shape[])",
                tables["placed"],
            )

    async def put_changes(self, changes: Sequence[LoggedChange]) -> None:
        """Write changes."""
        bodies = [_SEQ.sub(b"{", each.body, count=1) for each in changes]
        await self._do(
            "INSERT INTO change (seq, body) SELECT * FROM unnest($1::bigint[], $2::bytea[])",
            [each.seq for each in changes],
            bodies,
        )

    async def put_records(self, records: Sequence[Record]) -> None:
        """Write records."""
        await self._do(
            "INSERT INTO record (kind, tenant, id, body)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])",
            [each.kind for each in records],
            [each.tenant for each in records],
            [each.id for each in records],
            [each.body for each in records],
        )

    async def finish(self, last_change: int) -> None:
        """Count the entities, continue the numbers after `last_change`, and remove the mark."""
        async with self._connected() as connection:
            async with connection.transaction():
                await connection.execute("DELETE FROM census")
                await connection.execute(
                    "INSERT INTO census (tenant, type, count) SELECT tenant, 0, count(*) FROM entity GROUP BY tenant"
                    " UNION ALL SELECT tenant, type, count(*) FROM entity_type GROUP BY tenant, type"
                )
                await connection.execute(
                    "UPDATE counter SET seq = greatest(seq, $1),"
                    " rows = greatest(rows, (SELECT coalesce(max(row), 0) FROM entity))",
                    last_change,
                )
                await connection.execute("DELETE FROM mark WHERE name = $1", UNFINISHED)
            await connection.execute("ANALYZE")

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        """Provide the one connection. Raise Unavailable."""
        assert self._connection is not None
        try:
            yield self._connection
        except (*LOST, asyncpg.PostgresError) as error:
            raise explain(error) from error

    async def _rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        async with self._connected() as connection:
            return list(await connection.fetch(query, *arguments))

    async def _row(self, query: str) -> asyncpg.Record:
        return (await self._rows(query))[0]

    async def _do(self, query: str, *arguments: object) -> None:
        async with self._connected() as connection:
            await connection.execute(query, *arguments)
