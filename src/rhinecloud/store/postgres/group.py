"""One group of edits on its way into one transaction: decided in Python, then written by one call of `write_group`.

Nothing here talks to the database. Numbers are counted from the group's beginning; the database says where that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.change import Change, Kind
from rhinecloud.ngsild.entity import Entity, Instance, encode
from rhinecloud.store.place import expiry_of
from rhinecloud.store.port import Edit, LoggedChange, Put, Remove, Stored, Written
from rhinecloud.store.postgres.names import Names, Numbering, fits
from rhinecloud.store.postgres.shapes import Geometries, encode_shape, geometries_of
from rhinecloud.store.postgres.values import Values, encode_key
from rhinecloud.store.recent import Held, Key, Recent

ANY = 0
"""The type number under which every entity is counted."""


class _Row(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True):
    """`ngsild.change.Change` without its number, and with an entity that is encoded already."""

    tenant: str = ""
    kind: Kind
    at: str
    actor: str = ""
    entity: msgspec.Raw
    changed: Sequence[str] = ()
    previous: dict[str, list[Instance]] = {}


_encode_row = msgspec.json.Encoder().encode


def numbered(seq: int, body: bytes) -> bytes:
    """Put the member `seq` in front of a change's row."""
    return b'{"seq":%d,' % seq + body[1:]


class Decided(NamedTuple):
    """The answer to an edit that changed something; `offset` counts the group's changes from 1."""

    offset: int
    entity: Entity | None
    created: bool


@dataclass(slots=True)
class Touched:
    """An entity within the group: how it was at first, and how it is after the edits so far (`entity` None: gone).

    `row` is below zero for the group's n-th new entity, 0 where there is none.
    """

    before: Held | None
    first: Entity | None
    row: int
    entity: Entity | None
    offset: int = 0
    body: bytes = b""
    here: Geometries = field(default_factory=dict)
    there: Geometries = field(default_factory=dict)
    """The geometries of `first` and of `entity`, once they are located."""

    def locate(self) -> None:
        """Find the geometries."""
        self.here, self.there = geometries_of(self.first), geometries_of(self.entity)


class Group:
    """Decides edits against the state that the earlier ones made; `known` says how the entities are."""

    def __init__(self, known: Mapping[Key, Held | None], recent: Recent) -> None:
        self._known = known
        self._recent = recent
        self._touched: dict[Key, Touched] = {}
        self._changes: list[tuple[Change, bytes]] = []
        self._rows = 0
        self._seen: list[Key] = []

    @property
    def changed(self) -> bool:
        """Tell whether anything was decided that must be written."""
        return bool(self._changes)

    def decide(self, edit: Edit) -> Written | Decided | Exception:
        """Decide one edit; an error is the answer of this edit alone."""
        key = (edit.tenant, edit.entity_id)
        touched = self._touched.get(key)
        if touched is None:
            touched = self._touched[key] = self._touch(key)
        before = touched.entity
        try:
            decision = edit.decide(before)
            if decision is None or (before is None and isinstance(decision, Remove)):
                return Written(0, before)
            return self._log(edit, touched, decision)
        except Exception as error:  # noqa: BLE001 - the caller's own fault goes back to the caller, not to its neighbours
            return error

    def names(self) -> tuple[set[str], set[str], set[str]]:
        """Give the tenants, types and attributes that the group's result names."""
        tenants: set[str] = set()
        types: set[str] = set()
        attributes: set[str] = set()
        for (tenant, _), touched in self._touched.items():
            if touched.offset:
                tenants.add(tenant)
                touched.locate()
                attributes.update(touched.here, touched.there)
                for state in (touched.first, touched.entity):
                    if state is not None:
                        types.update(state.type)
        return tenants, types, attributes

    def arguments(self, numbering: Numbering, values: Values) -> list[Any]:
        """Give what `write_group` asks for, from `edition` on."""
        sheet = Sheet(numbering, values)
        self._seen.clear()
        for key, touched in self._touched.items():
            held = touched.before
            if fits(key[1]):
                tenant = numbering.tenants.get(key[0]) or 0
                sheet.seen.append((tenant, key[1], held.stored.version if held else 0))
                self._seen.append(key)
            if touched.offset:
                sheet.enter(key, touched)
        columns = sheet.columns()
        columns["new"].insert(0, self._rows)  # how many were created, those included that went again
        return [values.edition, *chain.from_iterable(columns.values()), [body for _, body in self._changes]]

    def forget(self, stale: Sequence[int]) -> None:
        """Remember no more what `write_group` found to be different by now."""
        for place in stale:
            self._recent.drop(self._seen[place - 1])

    def settle(self, seq: int, rows: int) -> list[LoggedChange]:
        """Remember the entities as they are now, and give the changes, with the numbers that the database gave."""
        for key, touched in self._touched.items():
            if touched.offset == 0:
                continue
            if touched.entity is None:
                self._recent.drop(key)
            else:
                row = touched.row if touched.row > 0 else rows - touched.row
                held = Held(row, Stored(key[1], seq + touched.offset, touched.body))
                self._recent.put(key, held, touched.entity)
        logged = []
        for number, (change, body) in enumerate(self._changes, seq + 1):
            change.seq = number
            logged.append(LoggedChange(number, numbered(number, body), change))
        return logged

    def _touch(self, key: Key) -> Touched:
        held = self._known.get(key)
        if held is None:
            return Touched(None, None, 0, None)
        entity = self._recent.entity(key, held.stored)
        return Touched(held, entity, held.row, entity)

    def _log(self, edit: Edit, touched: Touched, decision: Put | Remove) -> Decided:
        entity, created = decision.entity, touched.entity is None
        _check(edit, entity)
        body = encode(entity)
        change = Change(
            tenant=edit.tenant, kind=Kind.CREATED if created else Kind.UPDATED,
            at=edit.at, actor=edit.actor, entity=entity,
        )  # fmt: skip
        if isinstance(decision, Put):
            change.changed, change.previous = list(decision.changed), decision.previous
            after: Entity | None = entity
        else:
            change.kind, after = Kind.DELETED, None
        self._changes.append((change, _encode(change, body)))
        if created:
            self._rows += 1
            touched.row = -self._rows
        elif after is None:
            touched.row = 0
        touched.offset, touched.entity, touched.body = len(self._changes), after, body
        return Decided(touched.offset, after, created)


class Sheet:
    """The rows that a group writes, by table; `columns` gives them as the arrays of `write_group`."""

    def __init__(self, numbering: Numbering, values: Values) -> None:
        self._names = numbering
        self._values = values
        self.seen: list[tuple[int, str, int]] = []
        self._gone: list[tuple[int]] = []
        self._new: list[tuple[int, int, str, int, float | None, bytes]] = []
        self._old: list[tuple[int, int, float | None, bytes]] = []
        self._unlinked: list[tuple[int, int, int]] = []
        self._linked: list[tuple[int, int, int]] = []
        self._counts: dict[tuple[int, int], int] = {}
        self._unplaced: list[tuple[int, int]] = []
        self._placed: list[tuple[int, int, int, bytes]] = []
        self._unvalued: list[tuple[int, int, bytes, int]] = []
        self._valued: list[tuple[int, int, bytes, int]] = []

    def enter(self, key: Key, touched: Touched) -> None:
        """Enter how an entity was and how it is now."""
        tenant = self._number(self._names.tenants, key[0])
        held, first = touched.before, touched.first
        if held is not None and touched.row != held.row:
            self._gone.append((held.row,))
            self._index(tenant, held.row, first, None)
            self._move(tenant, held.row, touched.here, {})
            held, first, touched.here = None, None, {}
        after = touched.entity
        if after is None:
            return
        expires = expiry_of(after, touched.body)
        if held is None:
            self._new.append((touched.row, tenant, key[1], touched.offset, expires, touched.body))
        else:
            self._old.append((held.row, touched.offset, expires, touched.body))
        self._index(tenant, touched.row, first, after)
        if touched.here != touched.there:
            self._move(tenant, touched.row, touched.here, touched.there)

    def columns(self) -> dict[str, list[Any]]:
        """Give each table's rows as arrays, column by column, in the order of `write_group`; None for no rows."""
        counts = [(*group, count) for group, count in sorted(self._counts.items()) if count]
        tables: dict[str, tuple[int, Sequence[Sequence[Any]]]] = {
            "seen": (3, self.seen),
            "gone": (1, self._gone),
            "new": (6, self._new),
            "old": (4, self._old),
            "unlinked": (3, self._unlinked),
            "linked": (3, self._linked),
            "counted": (3, counts),
            "unplaced": (2, self._unplaced),
            "placed": (4, self._placed),
            "unvalued": (4, self._unvalued),
            "valued": (4, self._valued),
        }
        return {
            name: [list(column) for column in zip(*rows, strict=True)] or [None] * width
            for name, (width, rows) in tables.items()
        }

    def _index(self, tenant: int, row: int, before: Entity | None, after: Entity | None) -> None:
        """Bring the indexes from one state of an entity to the next, touching only those that differ."""
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

    def _number(self, names: Names, name: str) -> int:
        number = names.get(name)
        assert number is not None, "every name of a group is entered before it is written"
        return number


def _check(edit: Edit, entity: Entity) -> None:
    if entity.id != edit.entity_id:
        raise Invalid(f"an edit of {edit.entity_id} decided about {entity.id}", field="id")
    if not (fits(entity.id) and fits(edit.tenant)):
        raise Invalid("is longer than 2,000 bytes, or holds what PostgreSQL does not take", field="id")
    if not all(map(fits, entity.type)):
        raise Invalid("is longer than 2,000 bytes, or holds what PostgreSQL does not take", field="type")


def _encode(change: Change, body: bytes) -> bytes:
    """Write a change whose entity is encoded already."""
    return _encode_row(
        _Row(
            tenant=change.tenant,
            kind=change.kind,
            at=change.at,
            actor=change.actor,
            entity=msgspec.Raw(body),
            changed=change.changed,
            previous=change.previous,
        )
    )
