"""What a group of edits changes in each table, as the rows that `write_group` takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.entity_cache import CachedEntity, Key
from rhinecloud.store.place import expiry_of
from rhinecloud.store.postgres.names import NameNumbers, NameTable
from rhinecloud.store.postgres.shapes import Geometries, encode_shape, geometries_of
from rhinecloud.store.postgres.values import PostgresAttributeIndexes, encode_key

ANY = 0
"""The type number under which every entity is counted."""


@dataclass(slots=True)
class TouchedRow:
    """An entity in the group: its first state, and the one after the edits so far (`entity` None: deleted).

    `row` is -n for the group's n-th new entity, 0 if there is none.
    """

    before: CachedEntity | None
    first: Entity | None
    row: int
    entity: Entity | None
    offset: int = 0
    body: bytes = b""
    here: Geometries = field(default_factory=dict)
    there: Geometries = field(default_factory=dict)
    """The geometries of `first` and of `entity`, after `locate`."""

    def locate(self) -> None:
        """Set the geometries."""
        self.here, self.there = geometries_of(self.first), geometries_of(self.entity)


class GroupRows:
    """The rows that a group writes, by table; `tables` returns them in the order of `write_group`'s arguments."""

    def __init__(self, numbering: NameNumbers, values: PostgresAttributeIndexes) -> None:
        self._names = numbering
        self._values = values
        self.seen: list[tuple[int, str, int]] = []
        self._deleted: list[int] = []
        self._inserted: list[tuple[int, int, str, int, float | None, bytes]] = []
        self._updated: list[tuple[int, int, float | None, bytes]] = []
        self._unlinked: list[tuple[int, int, int]] = []
        self._linked: list[tuple[int, int, int]] = []
        self._counts: dict[tuple[int, int], int] = {}
        self._unplaced: list[tuple[int, int]] = []
        self._placed: list[tuple[int, int, int, bytes]] = []
        self._unvalued: list[tuple[int, int, bytes, int]] = []
        self._valued: list[tuple[int, int, bytes, int]] = []

    def add(self, key: Key, touched: TouchedRow) -> None:
        """Add what changes for an entity from its first to its last state."""
        tenant = self._number(self._names.tenants, key[0])
        held, first = touched.before, touched.first
        if held is not None and touched.row != held.row:
            self._deleted.append(held.row)
            self._index(tenant, held.row, first, None)
            self._move(tenant, held.row, touched.here, {})
            held, first, touched.here = None, None, {}
        after = touched.entity
        if after is None:
            return
        expires = expiry_of(after)
        if held is None:
            self._inserted.append((touched.row, tenant, key[1], touched.offset, expires, touched.body))
        else:
            self._updated.append((held.row, touched.offset, expires, touched.body))
        self._index(tenant, touched.row, first, after)
        if touched.here != touched.there:
            self._move(tenant, touched.row, touched.here, touched.there)

    def tables(self) -> dict[str, Sequence[Any]]:
        """Return the rows of each table, in the order of `write_group`."""
        return {
            "seen": self.seen,
            "deleted": self._deleted,
            "inserted": self._inserted,
            "updated": self._updated,
            "unlinked": self._unlinked,
            "linked": self._linked,
            "counted": [(*group, count) for group, count in sorted(self._counts.items()) if count],
            "unplaced": self._unplaced,
            "placed": self._placed,
            "unvalued": self._unvalued,
            "valued": self._valued,
        }

    def _index(self, tenant: int, row: int, before: Entity | None, after: Entity | None) -> None:
        """Update the indexes from one state of an entity to the next, where these differ."""
        types_before, types_after = before.type if before else [], after.type if after else []
        if types_before != types_after:
            for name in dict.fromkeys(types_before):
                if name not in types_after:
                    self._unlinked.append((tenant, self._count(tenant, name, -1), row))
            for name in dict.fromkeys(types_after):
                if name not in types_before:
                    self._linked.append((tenant, self._count(tenant, name, 1), row))
        if (before is None) != (after is None):
            self._counts[tenant, ANY] = self._counts.get((tenant, ANY), 0) + (1 if before is None else -1)
        for attribute, gone, come in self._values.moved(before, after):
            self._unvalued += [(attribute, tenant, encode_key(key), row) for key in gone]
            self._valued += [(attribute, tenant, encode_key(key), row) for key in come]

    def _move(self, tenant: int, row: int, here: Geometries, there: Geometries) -> None:
        for name in here.keys() | there.keys():
            if here.get(name) == there.get(name):
                continue
            number = self._number(self._names.attributes, name)
            if name in here:
                self._unplaced.append((row, number))
            shapes = (encode_shape(each) for each in there.get(name, ()))
            self._placed += [(row, tenant, number, shape) for shape in shapes if shape is not None]

    def _count(self, tenant: int, name: str, difference: int) -> int:
        number = self._number(self._names.types, name)
        self._counts[tenant, number] = self._counts.get((tenant, number), 0) + difference
        return number

    def _number(self, names: NameTable, name: str) -> int:
        number = names.get(name)
        assert number is not None, "every name of a group is entered before it is written"
        return number
