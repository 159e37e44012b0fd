"""The contract of a store engine: entities by tenant, each change logged in the same transaction as the state it made.

The contract favours no engine: an edit is a pure decision about the present entity, so that an engine may lock, retry
or group edits. `tests/ports/test_store.py` tests every engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.change import Change
from rhinecloud.ngsild.entity import Entity, Instance, decode
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.statistics import StoreStatistics


class StoreFull(Unavailable):
    """The disk is full: nothing of the transaction was stored."""


class Put(msgspec.Struct, frozen=True):
    """Store `entity`; `changed`, `previous` and `late` as in `ngsild.change.Change`.

    They contain plain JSON and are not changed again: consumers in this process get the same objects.
    """

    entity: Entity
    changed: Sequence[str] = ()
    previous: dict[str, list[Instance]] = {}
    late: dict[str, list[Instance]] = {}


class Remove(msgspec.Struct, frozen=True):
    """Delete the entity; `entity` is its last state, for the log."""

    entity: Entity


Decision = Put | Remove | None
"""The result of an edit: None changes neither state nor log."""

Decide = Callable[[Entity | None], Decision]
"""A pure function of the entity as it is (None: there is none), called inside the transaction, perhaps more than
once. It may raise a RhineCloudError: then this edit alone fails, and `write` returns that error in its place."""


DecideJointly = Callable[[Mapping[str, Entity | None]], Mapping[str, Decision]]
"""The same for several entities: from each as it is, by id, to the decisions, by id. What is left out stays."""


class Edit(msgspec.Struct, frozen=True):
    """One decision about one entity, by one actor at one time (`at`: ISO 8601, UTC, when the city received it)."""

    tenant: str
    entity_id: str
    decide: Decide
    at: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A small document that is not an entity: a subscription, a hosted @context, a consumer's position, a dead
    letter.
    """

    kind: str
    tenant: str
    id: str
    body: bytes


class JointEdit(msgspec.Struct, frozen=True):
    """One decision about several entities: all of it is written in one transaction, or nothing.

    `decide` is given every entity of `entity_ids` as it is (None: there is none) and returns a decision for each that
    changes; it is called as `Edit.decide` is. `records` are put in the same transaction, provided that each of
    `expected` is as given, where an empty body stands for a record that is not there.
    """

    tenant: str
    entity_ids: Sequence[str]
    decide: DecideJointly
    at: str
    actor: str = ""
    records: Sequence[Record] = ()
    expected: Sequence[Record] = ()


class Written(msgspec.Struct, frozen=True):
    """The result of an edit: the change's sequence number (0: nothing changed) and the entity as it is now.

    `late`: the change is for history alone; the entity is as before.
    """

    seq: int
    entity: Entity | None
    created: bool = False
    late: bool = False


class Stored(msgspec.Struct, gc=False):
    """An entity as it is stored: `version` is the sequence number of its last change.

    `header` is for readers: what they have computed from this version, kept as long as it is in memory.
    """

    id: str
    version: int
    body: bytes
    header: Any = None

    def entity(self) -> Entity:
        """Return the decoded body."""
        return decode(self.body)


class LoggedChange(msgspec.Struct, frozen=True):
    """A row of the change log: `body` is `ngsild.change.Change` as JSON, complete with its `seq`.

    `change` is the same as an object, if this process has just written it.
    """

    seq: int
    body: bytes
    change: Change | None = None


class Commit(msgspec.Struct, frozen=True):
    """What became durable: `last` is the newest change's number, `changes` all that were logged, in order.

    Where `changes` is empty (a commit of another process, of which only the number is known), read the log.
    """

    last: int
    changes: Sequence[LoggedChange] = ()


RecordsListener = Callable[[str, str, str], None]


class Store(Protocol):
    """Current state, change log and records of one city. All methods may raise Unavailable; writes also StoreFull.

    `statistics` counts what the engine has done.
    """

    statistics: StoreStatistics

    async def open(self) -> None:
        """Open or create the store and bring its schema up to date."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, then release everything."""
        ...

    async def write(self, edits: Sequence[Edit]) -> list[Written | Exception]:
        """Apply each edit to the entity as it is; return one result for each, in order, when the commit is durable.

        An edit whose `decide` raises fails alone. Edits of one entity are applied in the order of the sequence.
        """
        ...

    async def write_jointly(self, edit: JointEdit) -> dict[str, Written]:
        """Apply one decision about several entities; return what became of each once the commit is durable.

        Raise what `decide` raises, Conflict where a record is not as expected, or Invalid for a decision about an
        entity that is not among `entity_ids`; then nothing was written.
        """
        ...

    async def get(self, tenant: str, entity_id: str) -> Stored | None:
        """Return one entity, None if there is none."""
        ...

    def version(self, tenant: str, entity_id: str) -> int | None:
        """Return the version of an entity as `get` would find it, or for '' the number of the newest change.

        Return None if there is no such entity, or the engine would have to wait.
        """
        ...

    async def get_many(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, Stored]:
        """Return those of `entity_ids` that exist."""
        ...

    async def query(self, tenant: str, query: EntityQuery) -> Page[Stored]:
        """Return the page of entities that match, in order of creation unless the query orders otherwise."""
        ...

    async def tenants(self) -> list[str]:
        """Return the tenants that have, or had, any data; '' is the default one."""
        ...

    async def count(self, tenant: str) -> int:
        """Count the entities of a tenant."""
        ...

    async def types(self, tenant: str) -> dict[str, int]:
        """Count the entities of a tenant by type IRI."""
        ...

    async def expired(self, now: float, limit: int = 1_000) -> list[tuple[str, str]]:
        """Return entities (tenant, id) that have expired, or an attribute of which has, at `now` in seconds
        since 1970.
        """
        ...

    async def changes(self, after: int, limit: int, max_bytes: int = 4_194_304) -> list[LoggedChange]:
        """Read the change log of all tenants in order, from the first change after `after`.

        Return at most `limit` rows, and no further one once `max_bytes` are reached.
        """
        ...

    def last_change(self) -> int:
        """Return the sequence number of the newest change, 0 if there is none."""
        ...

    async def newest(self) -> int:
        """Return the number of the newest durable change, by any process: while it is the same, all results are."""
        ...

    def on_commit(self, listener: Callable[[Commit], None]) -> None:
        """Call `listener(commit)` on the event loop after each commit that logged changes, in their order.

        The writers have their results by then. Numbers may be skipped, but never go back.
        """
        ...

    async def forget_changes(self, up_to: int) -> int:
        """Delete change rows up to and including `up_to`, which the stream has stored; return how many."""
        ...

    async def number_after(self, seq: int) -> None:
        """Number the next change after `seq`: numbers never go back, even when an older copy was restored."""
        ...

    async def put_records(self, records: Sequence[Record]) -> None:
        """Create or replace records, durably, in one transaction."""
        ...

    async def delete_record(self, kind: str, tenant: str, record_id: str) -> bool:
        """Delete a record. Return whether it was there."""
        ...

    async def get_record(self, kind: str, tenant: str, record_id: str) -> Record | None:
        """Return one record."""
        ...

    async def list_records(
        self, kind: str, tenant: str | None = None, *, after: str = "", limit: int = 1000
    ) -> list[Record]:
        """Return records of a kind in order of tenant and id; `tenant` None: of every tenant.

        `after` is the id after which the page begins, for one tenant.
        """
        ...

    async def tenants_of_records(self, kind: str) -> list[str]:
        """Return the tenants that have records of a kind, in their order."""
        ...

    async def count_records(self, kind: str, tenant: str | None = None) -> int:
        """Count records of a kind."""
        ...

    def on_records(self, listener: RecordsListener) -> None:
        """Call `listener(kind, tenant, id)` on the event loop after each record that was put or deleted.

        It is also called for records that another process changed, if the engine is shared by several processes. Three
        empty strings mean that any record may have changed: notifications may have been lost.
        """
        ...

    async def backup(self, target: str) -> None:
        """Write a consistent copy of the whole store to `target` while the city runs."""
        ...
