"""One group of edits in one transaction: all are decided first, in Python, then written in few statements.

Nothing is written before it is decided, so an edit that fails needs no savepoint. The change row contains the bytes of
the entity row: an entity is encoded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from rhinecloud.kernel.errors import Invalid, RhineCloudError
from rhinecloud.ngsild.entity import Entity, decode, encode
from rhinecloud.ngsild.stored import encode_change_with
from rhinecloud.store.changelog import change_of
from rhinecloud.store.entity_cache import CachedEntity, EntityCache, Key
from rhinecloud.store.joint import check_expected, decide_jointly
from rhinecloud.store.place import box_of, expiry_of, geometries_of
from rhinecloud.store.port import Edit, JointEdit, LoggedChange, Put, Record, Remove, Stored, Written
from rhinecloud.store.sqlite.population import ANY, Group, Population
from rhinecloud.store.sqlite.values import Row, SqliteAttributeIndexes, write_rows

PUT_RECORDS = "INSERT OR REPLACE INTO record (kind, tenant, id, body) VALUES (?, ?, ?, ?)"

_encode_ids = msgspec.json.Encoder().encode

LOOK_UP = """
SELECT id, row, version, body FROM entity WHERE tenant = ? AND id IN (SELECT value FROM json_each(?))
"""


class TouchedEntity(msgspec.Struct, gc=False):
    """An entity in the group: its first state, and the one after the edits so far (`entity` None: deleted)."""

    before: CachedEntity | None
    first: Entity | None
    row: int
    version: int
    entity: Entity | None
    body: bytes = b""


class Transaction:
    """Decides the edits of one group against the state that the earlier ones made, and writes the result."""

    def __init__(
        self,
        cursor: apsw.Cursor,
        recent: EntityCache,
        population: Population,
        values: SqliteAttributeIndexes,
        last_seq: int,
        last_row: int,
    ) -> None:
        self.last_seq = last_seq
        self.last_row = last_row
        self.counts: dict[Group, int] = {}
        self.settled: dict[Key, CachedEntity | None] = {}
        self.entities: dict[Key, Entity] = {}
        """The settled entities, decoded."""
        self.logged: list[LoggedChange] = []
        self.cursor = cursor
        self._recent = recent
        self._population = population
        self._values = values
        self._gone: list[Row] = []
        self._come: list[Row] = []
        self._touched: dict[Key, TouchedEntity] = {}
        self._found: dict[Key, CachedEntity | None] = {}
        self._types: list[tuple[int, int, int]] = []
        self._places: list[tuple[int, float, float, float, float]] = []
        self._written = 0
        """How many of the logged changes are written."""

    def look_up(self, edits: Sequence[Edit]) -> None:
        """Read the entities of the next edits in one statement instead of one for each."""
        found: dict[Key, CachedEntity | None] = {}
        wanted: dict[str, list[str]] = {}
        for edit in edits:
            key = (edit.tenant, edit.entity_id)
            if key not in self.settled and key not in self._touched:
                held = found[key] = self._recent.get(key)
                if held is None:
                    wanted.setdefault(edit.tenant, []).append(edit.entity_id)
        for name, ids in wanted.items():
            rows: Any = self.cursor.execute(
                LOOK_UP, (self._population.tenant(name), _encode_ids(ids).decode())
            )
            for entity_id, row, version, body in rows.fetchall():
                found[name, entity_id] = CachedEntity(row, Stored(entity_id, version, body))
        self._found = found

    def decide(self, edit: Edit) -> Written | Exception:
        """Decide one edit and log it; an error is the result of this edit alone."""
        touched = self._touched_entity((edit.tenant, edit.entity_id))
        before = touched.entity
        try:
            decision = edit.decide(before)
            if decision is None or (before is None and isinstance(decision, Remove)):
                return Written(0, before)
            return self._log(edit, touched, decision)
        except RhineCloudError as error:
            return error
        except Exception as error:  # noqa: BLE001 - an error of one edit must not affect the others
            return error

    def decide_jointly(self, edit: JointEdit) -> dict[str, Written] | Exception:
        """Decide about several entities and log all of it, or return an error and log nothing."""
        touched = {each: self._touched_entity((edit.tenant, each)) for each in edit.entity_ids}
        try:
            for record in edit.expected:
                check_expected(record, self._body_of(record))
            parts = decide_jointly(edit, {each: it.entity for each, it in touched.items()})
        except Exception as error:  # noqa: BLE001 - an error of one edit must not affect the others
            return error
        answers = {each: Written(0, it.entity) for each, it in touched.items()}
        for part, decision in parts:
            answers[part.entity_id] = self._log(part, touched[part.entity_id], decision)
        put_records(self.cursor, edit.records)
        return answers

    def write(self) -> None:
        """Write the decisions since the last call, within the open transaction."""
        inserted, updated = [], []
        for key, touched in self._touched.items():
            held = touched.before
            if held is not None and touched.row != held.row:
                self._delete(key, held, touched.first)
                held = None
            entity, row = touched.entity, touched.row
            if entity is None or touched.version == (held.stored.version if held else -1):
                continue
            if held is None:
                tenant = self._population.enter_tenant(self.cursor, key[0])
                self._list(tenant, ANY, row)
                inserted.append((row, tenant, key[1], touched.version, touched.body))
                self._move(key, None, entity, row)
            else:
                updated.append((touched.version, touched.body, row))
                self._move(key, touched.first, entity, row)
            self.settled[key] = CachedEntity(row, Stored(key[1], touched.version, touched.body))
            self.entities[key] = entity
        if inserted:
            self.cursor.executemany(
                "INSERT INTO entity (row, tenant, id, version, body) VALUES (?, ?, ?, ?, ?)", inserted
            )
        if self._types:
            self.cursor.executemany(
                "INSERT INTO entity_type (tenant, type, row) VALUES (?, ?, ?)", self._types
            )
        if self._places:
            self.cursor.executemany(
                "INSERT INTO place (row, west, east, south, north) VALUES (?, ?, ?, ?, ?)", self._places
            )
        if updated:
            self.cursor.executemany("UPDATE entity SET version = ?, body = ? WHERE row = ?", updated)
        if self.waiting:
            rows = [(each.seq, each.body) for each in self.logged[self._written :]]
            self.cursor.executemany("INSERT INTO change (seq, body) VALUES (?, ?)", rows)
        write_rows(self.cursor, self._gone, self._come)
        self._population.write(self.cursor, self.counts)
        self._touched, self._written, self._gone, self._come = {}, len(self.logged), [], []
        self._types, self._places = [], []

    def restore(self, key: Key, row: int, version: int, body: bytes) -> None:
        """Add an entity from another store with its row and version, without a change."""
        self._touched[key] = TouchedEntity(None, None, row, version, decode(body), body)
        self.last_row = max(self.last_row, row)

    @property
    def waiting(self) -> bool:
        """Return whether a decision is not written yet."""
        return self._written < len(self.logged)

    def _touched_entity(self, key: Key) -> TouchedEntity:
        touched = self._touched.get(key)
        if touched is None:
            touched = self._touched[key] = self._touch(key)
        return touched

    def _body_of(self, record: Record) -> bytes | None:
        found: Any = self.cursor.execute(
            "SELECT body FROM record WHERE kind = ? AND tenant = ? AND id = ?",
            (record.kind, record.tenant, record.id),
        ).fetchall()
        return found[0][0] if found else None

    def _touch(self, key: Key) -> TouchedEntity:
        if key in self.settled:
            held = self.settled[key]
            if held is not None:
                entity = self.entities[key]
                return TouchedEntity(held, entity, held.row, held.stored.version, entity)
        elif key in self._found:
            held = self._found[key]
        else:
            held = self._recent.get(key) or self._read(key)
        if held is None:
            return TouchedEntity(None, None, 0, -1, None)
        entity = self._recent.entity(key, held.stored)
        return TouchedEntity(held, entity, held.row, held.stored.version, entity)

    def _read(self, key: Key) -> CachedEntity | None:
        tenant = self._population.tenant(key[0])
        found: Any = self.cursor.execute(
            "SELECT row, version, body FROM entity WHERE tenant = ? AND id = ?", (tenant, key[1])
        ).fetchall()
        if not found:
            return None
        row, version, body = found[0]
        return CachedEntity(row, Stored(key[1], version, body))

    def _log(self, edit: Edit, touched: TouchedEntity, decision: Put | Remove) -> Written:
        entity, created = decision.entity, touched.entity is None
        if entity.id != edit.entity_id:
            raise Invalid(f"an edit of {edit.entity_id} decided about {entity.id}", field="id")
        body, seq = encode(entity), self.last_seq + 1
        after = entity if isinstance(decision, Put) else None
        change = change_of(edit, decision, created=created, seq=seq)
        self.logged.append(LoggedChange(seq, encode_change_with(change, body), change))
        if created:
            self.last_row += 1
            touched.row = self.last_row
        elif after is None:
            touched.row = 0
        self.last_seq = touched.version = seq
        touched.entity, touched.body = after, body
        return Written(seq, after, created, change.is_late)

    def _delete(self, key: Key, held: CachedEntity, entity: Entity | None) -> None:
        self.cursor.execute("DELETE FROM entity WHERE row = ?", (held.row,))
        self._unlist(self._population.enter_tenant(self.cursor, key[0]), ANY, held.row)
        self._move(key, entity, None, held.row)
        self.settled[key] = None

    def _move(self, key: Key, before: Entity | None, after: Entity | None, row: int) -> None:
        """Update the indexes from one state of an entity to the next, where these differ."""
        types_before = before.type if before else []
        types_after = after.type if after else []
        if types_before != types_after:
            tenant = self._population.enter_tenant(self.cursor, key[0])
            for name in types_before:
                if name not in types_after:
                    self._unlist(tenant, self._population.enter_type(self.cursor, name), row)
            for name in types_after:
                if name not in types_before:
                    self._list(tenant, self._population.enter_type(self.cursor, name), row)
        if self._values.kept:
            tenant = self._population.enter_tenant(self.cursor, key[0])
            gone, come = self._values.moved(tenant, row, before, after)
            self._gone += gone
            self._come += come
        here, there = geometries_of(before), geometries_of(after)
        if here != there:
            self._place(row, box_of(there), was=bool(here))
        was, due = expiry_of(before), expiry_of(after)
        if was != due:
            self._expire(row, due)

    def _list(self, tenant: int, kind: int, row: int) -> None:
        self._types.append((tenant, kind, row))
        self.counts[tenant, kind] = self.counts.get((tenant, kind), 0) + 1

    def _unlist(self, tenant: int, kind: int, row: int) -> None:
        self.cursor.execute(
            "DELETE FROM entity_type WHERE tenant = ? AND type = ? AND row = ?", (tenant, kind, row)
        )
        self.counts[tenant, kind] = self.counts.get((tenant, kind), 0) - 1

    def _place(self, row: int, box: tuple[float, float, float, float] | None, *, was: bool) -> None:
        if was:
            self.cursor.execute("DELETE FROM place WHERE row = ?", (row,))
        if box is not None:
            self._places.append((row, *box))

    def _expire(self, row: int, due: float | None) -> None:
        if due is None:
            self.cursor.execute("DELETE FROM expiry WHERE row = ?", (row,))
        else:
            self.cursor.execute("INSERT OR REPLACE INTO expiry (row, at) VALUES (?, ?)", (row, due))


def put_records(cursor: apsw.Cursor, records: Sequence[Record]) -> None:
    """Create or replace records within the open transaction."""
    cursor.executemany(PUT_RECORDS, [(each.kind, each.tenant, each.id, each.body) for each in records])
