"""The contract of a store engine: entities by tenant, each change logged in the same transaction as the state it made.

Nothing here smells of an engine: an edit is a pure decision over the present entity, so that an engine may lock,
retry or group as it likes. `tests/ports/test_store.py` is the one suite for every engine.
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
    """The disk has no room: nothing of the transaction was kept."""


class Put(msgspec.Struct, frozen=True):
    """Keep `entity`; `changed` and `previous` as in `ngsild.change.Change`.

    What they hold is plain JSON and is not touched again: consumers in this process are given these very objects.
    """

    entity: Entity
    changed: Sequence[str] = ()
    previous: dict[str, list[Instance]] = {}


class Remove(msgspec.Struct, frozen=True):
    """Delete the entity; `entity` is the state to log as its last one."""

    entity: Entity


Decision = Put | Remove | None
"""What an edit decides: None leaves state and log untouched."""

Decide = Callable[[Entity | None], Decision]
"""A pure function of the entity as it is (None: there is none), called inside the transaction, perhaps more than
once. It may raise a RhineCloudError: then this edit alone fails, and `write` returns that error in its place."""


DecideJointly = Callable[[Mapping[str, Entity | None]], Mapping[str, Decision]]
"""The same for several entities: from each as it is, by id, to the decisions, by id. What is left out stays."""


class Edit(msgspec.Struct, frozen=True):
    """One decision about one entity, by one actor at one moment (`at`: ISO 8601, UTC, when the city learnt it)."""

    tenant: str
    entity_id: str
    decide: Decide
    at: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A small document that is not an entity: a subscription, a hosted @context, a consumer's mark, a dead letter."""

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
    """What became of an edit: the change's sequence number (0: nothing changed) and the entity as it is now."""

    seq: int
    entity: Entity | None
    created: bool = False


class Stored(msgspec.Struct, gc=False):
    """An entity as it lies in the store: `version` is the sequence number of its last change.

    `header` is for readers: what they have computed from this version, kept as long as it is in memory.
    """

    id: str
    version: int
    body: bytes
    header: Any = None

    def entity(self) -> Entity:
        """Decode the body."""
        return decode(self.body)


class LoggedChange(msgspec.Struct, frozen=True):
    """A row of the change log: `body` is `ngsild.change.Change` as JSON, complete with its `seq`.

    `change` is the same as an object where it is at hand, because this process has just written it.
    """

    seq: int
    body: bytes
    change: Change | None = None


class Commit(msgspec.Struct, frozen=True):
    """What became durable: `last` is the newest change's number, `changes` all that were logged, in order.

    Where `changes` is empty (an engine that hears only of the number, a commit of another process), read the log.
    """

    last: int
    changes: Sequence[LoggedChange] = ()


RecordsListener = Callable[[str, str, str], None]


class Store(Protocol):
    """Current state, change log and records of one city. All methods may raise Unavailable; writes also StoreFull.

    `effort` tells what the engine has done.
    """

    effort: StoreStatistics

    async def open(self) -> None:
        """Open or create the store and bring its schema up to date."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, then release everything."""
        ...

    async def write(self, edits: Sequence[Edit]) -> list[Written | Exception]:
        """Apply each edit to the entity as it is; return after the commit is durable, one answer an edit, in order.

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
        """Return one entity, None where there is none."""
        ...

    def version(self, tenant: str, entity_id: str) -> int | None:
        """Return the version of an entity as `get` would find it, or for '' the number of the newest change.

        None where there is no such entity, or the engine would have to wait.
        """
        ...

    async def get_many(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, Stored]:
        """Return those of `entity_ids` that exist."""
        ...

    async def query(self, tenant: str, query: EntityQuery) -> Page[Stored]:
        """Return the page of entities that match, in order of creation unless the query orders otherwise."""
        ...

    async def tenants(self) -> list[str]:
        """List the tenants that hold, or held, anything; '' is the default one."""
        ...

    async def count(self, tenant: str) -> int:
        """Count the entities of a tenant."""
        ...

    async def types(self, tenant: str) -> dict[str, int]:
        """Count the entities of a tenant by type IRI."""
        ...

    async def expired(self, now: float, limit: int = 1_000) -> list[tuple[str, str]]:
        """List entities (tenant, id) that expired, or hold an attribute that did, by `now` in seconds since 1970."""
        ...

    async def changes(self, after: int, limit: int, max_bytes: int = 4_194_304) -> list[LoggedChange]:
        """Read the change log of all tenants in order, from the first change after `after`.

        Gives at most `limit` rows, and no further one once `max_bytes` are reached.
        """
        ...

    def last_change(self) -> int:
        """Return the sequence number of the newest change, 0 when there is none."""
        ...

    async def newest(self) -> int:
        """Return the number of the newest durable change, whoever made it: as long as it stays, all answers do."""
        ...

    def on_commit(self, listener: Callable[[Commit], None]) -> None:
        """Call `listener(commit)` on the event loop after each commit that logged changes, in their order.

        Those who wrote have been answered by then. Numbers may be passed over, but never go back.
        """
        ...

    async def forget_changes(self, up_to: int) -> int:
        """Drop change rows up to and including `up_to`, which the stream holds safely; return how many went."""
        ...

    async def number_after(self, seq: int) -> None:
        """Let the next change be numbered after `seq`: numbers never go back, even when an older copy was put back."""
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
        """List records of a kind in order of tenant and id; `tenant` None: of every tenant.

        `after` is the last id seen; paging goes through one tenant.
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

        Of records that another process changed it is told too, where the engine is one that several processes write.
        Three empty texts say that any record may have changed: for a while nothing was heard of the others.
        """
        ...

    async def backup(self, target: str) -> None:
        """Write a consistent copy of the whole store to `target` while the city runs."""
        ...
