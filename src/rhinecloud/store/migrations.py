"""Brings the data of an older version up to date when a city's store is opened, page by page.

How far a part's data is stands in a record that is put in the same transaction as the page's changes; so a process
may be killed at any moment, and the next one goes on where this one ended. Changes are ordinary ones, by the actor
`part:migration`: history, subscribers and screens learn of them as of all others.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from rhinecloud.kernel.actor import part
from rhinecloud.kernel.errors import Conflict, Unavailable
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.migration import EntityMigration, Migration, RecordMigration, check_numbers
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.port import Decision, JointEdit, Put, Record, Remove, Store

KIND = "migration"
ACTOR = part("migration").id
PAGE = 200
MOST_PARTS = 1_000

logger = logging.getLogger(__name__)

Migrations = Mapping[str, Sequence[Migration]]
"""The migrations of each part, by its name."""


class DataTooNew(Unavailable):
    """The data was written by a newer Rhine Cloud than this one."""


class DataTooOld(Unavailable):
    """The data is of an older version, and it is not for this process to bring it up to date."""


class DataVersion(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far the data of one part is: `number` of the last migration that is complete, `software` that ran it.

    While another one runs, `tenant` and `position` say where its next page begins: an offset in the order of creation
    for entities, the last id for records.
    """

    number: int = 0
    software: str = ""
    tenant: str = ""
    position: int | str = 0


class ChangedMeanwhile(Conflict):
    """Another process changed an entity between the look at its page and the transaction."""


async def data_versions(store: Store) -> dict[str, DataVersion]:
    """Return how far the data of each part is; a part that has never migrated anything is left out."""
    return versions_of(await store.list_records(KIND, "", limit=MOST_PARTS))


def versions_of(records: Sequence[Record]) -> dict[str, DataVersion]:
    """Return how far the data of each part is, as its record says."""
    return {each.id: msgspec.json.decode(each.body, type=DataVersion) for each in records}


async def require_current(store: Store, migrations: Migrations, software: str) -> None:
    """Raise DataTooNew or DataTooOld unless the data is of the version that this software works with.

    A store in which nothing was ever written is of every version.
    """
    found = await data_versions(store)
    check_not_newer(found, migrations, software)
    if not await store.newest():
        return
    for name, own in migrations.items():
        if found.get(name, DataVersion()).number < len(own):
            raise DataTooOld(
                f"the data of {name} is of an older version: the process that leads the city brings it up to date"
            )


def check_not_newer(found: Mapping[str, DataVersion], migrations: Migrations, software: str) -> None:
    """Raise DataTooNew where a part's data is ahead of its migrations here."""
    for name, own in migrations.items():
        check_numbers(name, own)
        version = found.get(name, DataVersion())
        if version.number > len(own):
            raise DataTooNew(
                f"the data of {name} has version {version.number}, written by Rhine Cloud {version.software};"
                f" this is Rhine Cloud {software}, which knows version {len(own)}: install {version.software},"
                " or restore a backup that was made before the upgrade"
            )


async def migrate_data(
    store: Store, migrations: Migrations, clock: Clock, software: str, *, page: int = PAGE
) -> None:
    """Run every migration that the store lacks, in each part's order; raise DataTooNew or Unavailable.

    Only one process may do so: the one that runs, or leads, the city.
    """
    found = await data_versions(store)
    check_not_newer(found, migrations, software)
    for name, own in migrations.items():
        run = _Run(store, name, clock, software, found.get(name), page)
        for migration in own[run.version.number :]:
            await run.migrate(migration)


class _Run:
    """The migrations of one part; `version` is how far they are, as the store's record says."""

    def __init__(
        self, store: Store, name: str, clock: Clock, software: str, found: DataVersion | None, page: int
    ) -> None:
        self.version = found or DataVersion()
        self._stored = b"" if found is None else msgspec.json.encode(found)
        self._store = store
        self._name = name
        self._clock = clock
        self._software = software
        self._page = page

    async def migrate(self, migration: Migration) -> None:
        """Run one migration to its end, from where it was interrupted."""
        if isinstance(migration, EntityMigration):
            count = await self._entities(migration)
        else:
            count = await self._records(migration)
        await self._advance(DataVersion(migration.number, self._software))
        logger.info(
            "data of %s: migration %d is complete (%s); %d rewritten",
            self._name,
            migration.number,
            migration.name,
            count,
        )

    async def _entities(self, migration: EntityMigration) -> int:
        count = 0
        for tenant in sorted(await self._store.tenants()):
            if tenant < self.version.tenant:
                continue
            offset = int(self.version.position) if tenant == self.version.tenant else 0
            more = True
            while more:
                query = EntityQuery(types=((migration.type,),), limit=self._page, offset=offset)
                page = await self._store.query(tenant, query)
                entities = [stored.entity() for stored in page.items]
                try:
                    count += await self._rewrite(migration, tenant, entities, offset)
                except ChangedMeanwhile:
                    continue
                offset, more = int(self.version.position), page.more
        return count

    async def _rewrite(
        self, migration: EntityMigration, tenant: str, entities: Sequence[Entity], offset: int
    ) -> int:
        """Write one page and where the next one begins; return how many entities were touched."""
        wanted: dict[str, Entity | None] = {}
        for entity in entities:
            wanted.update(migration.rewrite(entity))
        before = {entity.id: entity for entity in entities}
        after = [wanted.get(entity_id, entity) for entity_id, entity in before.items()]
        remaining = sum(each is not None and migration.type in each.type for each in after)
        now = format_time(self._clock())

        def decide(present: Mapping[str, Entity | None]) -> Mapping[str, Decision]:
            if any(present[entity_id] != entity for entity_id, entity in before.items()):
                raise ChangedMeanwhile(f"an entity of tenant {tenant!r} was changed during its migration")
            return {
                entity_id: _decision(entity_id, before.get(entity_id), present[entity_id], each, now)
                for entity_id, each in wanted.items()
            }

        version = replace(self.version, tenant=tenant, position=offset + remaining)
        await self._advance(version, JointEdit(tenant, list({**before, **wanted}), decide, now, ACTOR))
        return len(wanted)

    async def _records(self, migration: RecordMigration) -> int:
        count = 0
        for tenant in await self._store.tenants_of_records(migration.kind):
            if tenant < self.version.tenant:
                continue
            after = str(self.version.position or "") if tenant == self.version.tenant else ""
            while page := await self._store.list_records(
                migration.kind, tenant, after=after, limit=self._page
            ):
                rewritten = [replace_body(each, migration.rewrite(each.body)) for each in page]
                after = page[-1].id
                version = replace(self.version, tenant=tenant, position=after)
                await self._advance(version, records=rewritten, expected=page)
                count += sum(old != new for old, new in zip(page, rewritten, strict=True))
        return count

    async def _advance(
        self,
        version: DataVersion,
        edit: JointEdit | None = None,
        *,
        records: Sequence[Record] = (),
        expected: Sequence[Record] = (),
    ) -> None:
        """Write how far the data is, in one transaction with what brought it there."""
        stored = msgspec.json.encode(version)
        joint = edit or JointEdit("", (), lambda _: {}, format_time(self._clock()), ACTOR)
        await self._store.write_jointly(
            replace(
                joint,
                records=[*records, Record(KIND, "", self._name, stored)],
                expected=[*expected, Record(KIND, "", self._name, self._stored)],
            )
        )
        self.version, self._stored = version, stored


def replace_body(record: Record, body: bytes) -> Record:
    """Return a record with another body."""
    return Record(record.kind, record.tenant, record.id, body)


def _decision(
    entity_id: str, page: Entity | None, present: Entity | None, wanted: Entity | None, now: str
) -> Decision:
    """Return what puts or deletes an entity; raise Conflict for one that exists and is not of the page."""
    if page is None and present is not None:
        raise Conflict(f"a migration would overwrite {entity_id}, which exists already")
    if wanted is None:
        return Remove(present) if present else None
    if present is None:
        patched = patch.create(wanted, now)
        return Put(patched.entity, patched.changed, patched.previous)
    return None if wanted == present else _difference(present, wanted, now)


def _difference(before: Entity, after: Entity, now: str) -> Put:
    names = list(dict.fromkeys([*before.attrs, *after.attrs]))
    changed = [name for name in names if before.attrs.get(name) != after.attrs.get(name)]
    attrs: dict[str, list[Instance]] = {
        name: [_touched(each, now) for each in instances] if name in changed else instances
        for name, instances in after.attrs.items()
    }
    previous: dict[str, Any] = {name: before.attrs[name] for name in changed if name in before.attrs}
    return Put(replace(after, attrs=attrs, modified_at=now), changed, previous)


def _touched(instance: Instance, now: str) -> Instance:
    return replace(instance, created_at=instance.created_at or now, modified_at=now)
