"""The store on PostgreSQL: one round trip for reads, grouped writes, notifications of all processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.ngsild.stored import with_seq
from rhinecloud.store.entity_cache import EntityCache
from rhinecloud.store.port import (
    Commit,
    Edit,
    JointEdit,
    LoggedChange,
    Record,
    RecordsListener,
    Stored,
    Written,
)
from rhinecloud.store.postgres.backup import back_up
from rhinecloud.store.postgres.coalescing import CoalescedQueries
from rhinecloud.store.postgres.commits import CommitNotices
from rhinecloud.store.postgres.connection import Connection, DatabaseAddress, DatabasePool
from rhinecloud.store.postgres.indexing import PostgresIndexing
from rhinecloud.store.postgres.listener import NotificationListener
from rhinecloud.store.postgres.names import NameNumbers, fits
from rhinecloud.store.postgres.plan import plan_query
from rhinecloud.store.postgres.reader import BatchedReader, look_up
from rhinecloud.store.postgres.records import PostgresRecords
from rhinecloud.store.postgres.schema import migrate
from rhinecloud.store.postgres.search import count, run_query
from rhinecloud.store.postgres.values import PostgresAttributeIndexes
from rhinecloud.store.postgres.writer import PostgresWriter
from rhinecloud.store.terms import terms_of
from rhinecloud.store.transfer import UNFINISHED

WORTH = 10
"""How many documents a query must look at for each that it finds, for an index to be quicker."""
QUICK = 3
"""Connections that searches do not use, so that statements of microseconds do not wait for those of seconds."""
FORGET_AT_ONCE = 1_000
CHANGES_AT_ONCE = 1_000
_CHANGES = """
SELECT seq, body FROM (
  SELECT seq, body, sum(octet_length(body)) OVER (ORDER BY seq) - octet_length(body) AS before
  FROM change WHERE seq > $1 ORDER BY seq LIMIT $2
) AS c WHERE before < $3 ORDER BY seq
"""
_FORGET = """
WITH gone AS (
  DELETE FROM change WHERE seq IN (SELECT seq FROM change WHERE seq <= $1 ORDER BY seq LIMIT $2) RETURNING seq
) SELECT count(*) FROM gone
"""


class PostgresStore:
    """One city's state in a database; see `store.port.Store` for the contract of each method."""

    def __init__(
        self,
        address: DatabaseAddress,
        *,
        recent: int = 4_096,
        connections: int = 6,
        indexes: Sequence[str] = (),
    ) -> None:
        """Make the store; `indexes` are IRIs of attributes that always have an index."""
        self._address = address
        self._links = DatabasePool(address, QUICK)
        self._pages: CoalescedQueries[tuple[Page[Stored], int]] = CoalescedQueries()
        self._newest: CoalescedQueries[int] = CoalescedQueries()
        self._searches = DatabasePool(replace(address, plans_anew=True), connections)
        self._numbering = NameNumbers()
        self._values = PostgresAttributeIndexes()
        self._indexing = PostgresIndexing(address, self._values, indexes)
        self._commits = CommitNotices()
        self._records = PostgresRecords(self._links)
        self._reader = BatchedReader(self._links, self._numbering.tenants)
        self._writer = PostgresWriter(
            address, self._links, EntityCache(recent), self._numbering, self._values, self._commits
        )
        self.statistics = self._writer.statistics
        self._listener = NotificationListener(address, self._writer.name, self._commits)

    async def open(self) -> None:
        """Connect, bring the schema up to date, and start to listen. Raise Unavailable."""
        try:
            async with self._links.borrow() as connection:
                await migrate(connection)
                await _require_complete(connection)
                await self._numbering.load(connection)
                await self._values.load(connection)
                channel = await connection.fetchval("SELECT 'rhinecloud_' || current_schema()")
                await connection.execute("DELETE FROM writer WHERE at < now() - interval '30 days'")
            self._writer.channel = self._records.channel = channel
            await self._listener.open(channel)
            self._indexing.start()
        except BaseException:
            await self._links.close()
            raise

    async def close(self) -> None:
        """Finish what was accepted, and release everything."""
        await self._indexing.stop()
        await self._writer.close()
        await self._listener.close()
        await self._searches.close()
        await self._links.close()

    async def write(self, edits: Sequence[Edit]) -> list[Written | Exception]:
        """Apply edits; see the port."""
        return await self._writer.submit(edits) if edits else []

    async def write_jointly(self, edit: JointEdit) -> dict[str, Written]:
        """Apply one decision about several entities; see the port."""
        return await self._writer.submit_jointly(edit)

    async def get(self, tenant: str, entity_id: str) -> Stored | None:
        """Return one entity."""
        return await self._reader.get((tenant, entity_id))

    def version(self, tenant: str, entity_id: str) -> int | None:
        """Return None: another process may have written a moment ago, and asking takes as long as reading."""
        return None

    async def get_many(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, Stored]:
        """Return those that exist."""
        keys = [(tenant, entity_id) for entity_id in dict.fromkeys(entity_ids)]
        found = await self._links.run(partial(look_up, tenants=self._numbering.tenants, keys=keys))
        return {entity_id: held.stored for (_, entity_id), held in found.items()}

    async def query(self, tenant: str, query: EntityQuery) -> Page[Stored]:
        """Return a page; see the port."""

        number = await self._tenant_number(tenant, query)
        plan = None if number is None else plan_query(self._numbering, self._values, number, query)
        if number is None or plan is None:
            return Page([], query.offset, False, 0 if query.count else None)
        if plan.quick and not query.order:
            work = partial(self._links.run, partial(run_query, plan=plan, query=query))
            page, _ = await self._pages.run((tenant, query), work)
            return replace(page, items=page.items.copy())
        page, looked = await self._searches.run(partial(run_query, plan=plan, query=query))
        if plan.indexed:
            self._values.use(plan.indexed, plan.among, looked)
            return page
        if plan.filtered and not page.more:  # it looked at all of them
            looked = max(
                looked, await self._searches.run(partial(count, tenant=plan.among[0], kind=plan.among[1]))
            )
        if looked > WORTH * (len(page.items) + 1):
            wanted = {name for term in terms_of(query, lambda _: True) for name in term.attributes}
            self._indexing.missed(wanted, looked, await self.count(tenant))
        return page

    async def _tenant_number(self, tenant: str, query: EntityQuery) -> int | None:
        """Return a tenant's number; look up the names of the query that another process may have added."""
        names = self._numbering
        unknown = names.types.unknown(name for each in query.types for name in each)
        unknown += names.types.unknown(query.hidden)
        if unknown or names.tenants.get(tenant) is None:
            await self._links.run(
                partial(names.types.look_up, names=[each for each in unknown if fits(each)])
            )
            await self._links.run(partial(names.tenants.look_up, names=[tenant] if fits(tenant) else []))
        if query.geo is not None and names.attributes.unknown([query.geo.property]):
            mine = [query.geo.property] if fits(query.geo.property) else []
            await self._links.run(partial(names.attributes.look_up, names=mine))
        return names.tenants.get(tenant)

    async def tenants(self) -> list[str]:
        """Return the tenants."""
        rows = await self._links.rows("SELECT name FROM tenant ORDER BY name")
        return [name for (name,) in rows]

    async def count(self, tenant: str) -> int:
        """Count entities."""
        return (await self._count_by_type(tenant)).get("", 0)

    async def types(self, tenant: str) -> dict[str, int]:
        """Count entities by type."""
        return {name: number for name, number in (await self._count_by_type(tenant)).items() if name}

    async def _count_by_type(self, tenant: str) -> dict[str, int]:
        """Count entities by type; '' counts all."""
        if not fits(tenant):
            return {}
        rows = await self._links.rows(
            "SELECT coalesce(y.name, ''), c.count FROM census AS c JOIN tenant AS t ON t.id = c.tenant"
            " LEFT JOIN type AS y ON y.id = c.type WHERE t.name = $1 AND c.count > 0 ORDER BY c.type",
            tenant,
        )
        return dict(map(tuple, rows))

    async def expired(self, now: float, limit: int = 1_000) -> list[tuple[str, str]]:
        """Return entities that have expired."""
        rows = await self._links.rows(
            "SELECT t.name, e.id FROM entity AS e JOIN tenant AS t ON t.id = e.tenant"
                " WHERE e.expires <= $1 ORDER BY e.expires LIMIT $2",
                now, limit,
        )  # fmt: skip
        return [tuple(row) for row in rows]

    async def changes(self, after: int, limit: int, max_bytes: int = 4_194_304) -> list[LoggedChange]:
        """Read the change log."""
        found: list[LoggedChange] = []
        size = 0
        while len(found) < limit and size < max_bytes:
            last, most = found[-1].seq if found else after, min(limit - len(found), CHANGES_AT_ONCE)
            rows = await self._links.rows(_CHANGES, last, most, max_bytes - size)
            found += [LoggedChange(seq, with_seq(seq, body)) for seq, body in rows]
            if not rows:
                break
            size += sum(len(body) for _, body in rows)
        return found

    def last_change(self) -> int:
        """Return the newest sequence number that this process knows of."""
        return self._commits.last

    async def newest(self) -> int:
        """Read the newest change's number: another process may have committed a moment ago."""
        return int(await self._newest.run("", partial(self._links.value, "SELECT seq FROM counter")))

    def on_commit(self, listener: Callable[[Commit], None]) -> None:
        """Call `listener` after commits of this and of other processes."""
        self._commits.listeners.append(listener)

    def on_records(self, listener: RecordsListener) -> None:
        """Call `listener` after changes of records by this and by other processes."""
        self._commits.record_listeners.append(listener)

    async def forget_changes(self, up_to: int) -> int:
        """Delete change rows, a few at a time, so that writers do not wait."""
        gone, up_to = 0, min(up_to, self.last_change())
        while chunk := await self._links.value(_FORGET, up_to, FORGET_AT_ONCE):
            gone += chunk
        return gone

    async def number_after(self, seq: int) -> None:
        """Number the next change after `seq`."""
        last = await self._links.value("UPDATE counter SET seq = greatest(seq, $1) RETURNING seq", seq)
        self._commits.last = max(self._commits.last, last)

    async def put_records(self, records: Sequence[Record]) -> None:
        """Create or replace records."""
        await self._records.put(records)

    async def delete_record(self, kind: str, tenant: str, record_id: str) -> bool:
        """Delete a record."""
        return await self._records.delete(kind, tenant, record_id)

    async def get_record(self, kind: str, tenant: str, record_id: str) -> Record | None:
        """Return one record."""
        return await self._records.get(kind, tenant, record_id)

    async def list_records(
        self, kind: str, tenant: str | None = None, *, after: str = "", limit: int = 1000
    ) -> list[Record]:
        """Return records in order."""
        return await self._records.list(kind, tenant, after, limit)

    async def tenants_of_records(self, kind: str) -> list[str]:
        """Return the tenants that have records of a kind."""
        return await self._records.tenants(kind)

    async def count_records(self, kind: str, tenant: str | None = None) -> int:
        """Count records."""
        return await self._records.count(kind, tenant)

    async def backup(self, target: str) -> None:
        """Copy the store as of now into a new file of the SQLite engine. Raise Invalid if it exists."""
        await back_up(self._address, Path(target))


async def _require_complete(connection: Connection) -> None:
    if await connection.fetchval("SELECT 1 FROM mark WHERE name = $1", UNFINISHED):
        raise Unavailable("the database has an unfinished copy of a city; finish it with `rhinecloud copy`")
