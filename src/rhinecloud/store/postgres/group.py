"""One group of edits in one transaction: decided in Python, then written by one call of `write_group`.

This module does not use the database. Numbers are relative to the first of the group, which the database returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.change import Change
from rhinecloud.ngsild.entity import Entity, encode
from rhinecloud.ngsild.stored import encode_change_with, with_seq
from rhinecloud.store.changelog import change_of
from rhinecloud.store.entity_cache import CachedEntity, EntityCache, Key
from rhinecloud.store.joint import decide_jointly
from rhinecloud.store.port import Edit, JointEdit, LoggedChange, Put, Record, Remove, Stored, Written
from rhinecloud.store.postgres.group_rows import GroupRows, TouchedRow
from rhinecloud.store.postgres.names import NameNumbers, fits
from rhinecloud.store.postgres.values import PostgresAttributeIndexes


class DecidedEdit(NamedTuple):
    """The result of an edit that changed something; `offset` counts the group's changes from 1."""

    offset: int
    entity: Entity | None
    created: bool
    late: bool


class EditGroup:
    """Decides edits against the state that the earlier ones made; `known` has the present entities."""

    def __init__(self, known: Mapping[Key, CachedEntity | None], recent: EntityCache) -> None:
        self._known = known
        self._recent = recent
        self._touched: dict[Key, TouchedRow] = {}
        self._changes: list[tuple[Change, bytes]] = []
        self._rows = 0
        self.records: Sequence[Record] = ()
        self.expected: Sequence[Record] = ()
        """Records that a joint edit writes in the same transaction, and those that must be as given."""
        self._seen: list[Key] = []

    @property
    def changed(self) -> bool:
        """Return whether the group has any change."""
        return bool(self._changes)

    @property
    def has_records(self) -> bool:
        """Return whether the group writes or compares records."""
        return bool(self.records or self.expected)

    def decide(self, edit: Edit) -> Written | DecidedEdit | Exception:
        """Decide one edit; an error is the result of this edit alone."""
        touched = self._touched_row((edit.tenant, edit.entity_id))
        before = touched.entity
        try:
            decision = edit.decide(before)
            if decision is None or (before is None and isinstance(decision, Remove)):
                return Written(0, before)
            return self._log(edit, touched, decision)
        except Exception as error:  # noqa: BLE001 - an error of one edit must not affect the others
            return error

    def decide_jointly(self, edit: JointEdit) -> dict[str, Written | DecidedEdit] | Exception:
        """Decide about several entities and log all of it, or return an error and log nothing."""
        touched = {each: self._touched_row((edit.tenant, each)) for each in edit.entity_ids}
        try:
            parts = decide_jointly(edit, {each: it.entity for each, it in touched.items()})
            for part, decision in parts:
                _check(part, decision.entity)
        except Exception as error:  # noqa: BLE001 - an error of one edit must not affect the others
            return error
        answers: dict[str, Written | DecidedEdit] = {
            each: Written(0, it.entity) for each, it in touched.items()
        }
        for part, decision in parts:
            answers[part.entity_id] = self._log(part, touched[part.entity_id], decision)
        self.records, self.expected = edit.records, edit.expected
        return answers

    def names(self) -> tuple[set[str], set[str], set[str]]:
        """Return the names of tenants, types and attributes in the group's result."""
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

    def arguments(self, numbering: NameNumbers, values: PostgresAttributeIndexes) -> list[Any]:
        """Return the arguments of `write_group`, from `edition` on."""
        rows = GroupRows(numbering, values)
        self._seen.clear()
        for key, touched in self._touched.items():
            held = touched.before
            if fits(key[1]):
                tenant = numbering.tenants.get(key[0]) or 0
                rows.seen.append((tenant, key[1], held.stored.version if held else 0))
                self._seen.append(key)
            if touched.offset:
                rows.add(key, touched)
        tables = rows.tables()
        created = self._rows  # including those that were deleted again
        changes = [body for _, body in self._changes]
        return [values.edition, tables.pop("seen"), tables.pop("deleted"), created, *tables.values(), changes]

    def forget(self, stale: Sequence[int]) -> None:
        """Forget the cached entities that `write_group` found to be stale."""
        for place in stale:
            self._recent.drop(self._seen[place - 1])

    def settle(self, seq: int, rows: int) -> list[LoggedChange]:
        """Cache the entities as they are now; return the changes with the numbers of the database."""
        for key, touched in self._touched.items():
            if touched.offset == 0:
                continue
            if touched.entity is None:
                self._recent.drop(key)
            else:
                row = touched.row if touched.row > 0 else rows - touched.row
                held = CachedEntity(row, Stored(key[1], seq + touched.offset, touched.body))
                self._recent.put(key, held, touched.entity)
        logged = []
        for number, (change, body) in enumerate(self._changes, seq + 1):
            change.seq = number
            logged.append(LoggedChange(number, with_seq(number, body), change))
        return logged

    def _touched_row(self, key: Key) -> TouchedRow:
        touched = self._touched.get(key)
        if touched is None:
            touched = self._touched[key] = self._touch(key)
        return touched

    def _touch(self, key: Key) -> TouchedRow:
        held = self._known.get(key)
        if held is None:
            return TouchedRow(None, None, 0, None)
        entity = self._recent.entity(key, held.stored)
        return TouchedRow(held, entity, held.row, entity)

    def _log(self, edit: Edit, touched: TouchedRow, decision: Put | Remove) -> DecidedEdit:
        entity, created = decision.entity, touched.entity is None
        _check(edit, entity)
        body = encode(entity)
        after = entity if isinstance(decision, Put) else None
        change = change_of(edit, decision, created=created)
        self._changes.append((change, encode_change_with(change, body)))
        if created:
            self._rows += 1
            touched.row = -self._rows
        elif after is None:
            touched.row = 0
        touched.offset, touched.entity, touched.body = len(self._changes), after, body
        return DecidedEdit(touched.offset, after, created, change.is_late)


def _check(edit: Edit, entity: Entity) -> None:
    if entity.id != edit.entity_id:
        raise Invalid(f"an edit of {edit.entity_id} decided about {entity.id}", field="id")
    if not (fits(entity.id) and fits(edit.tenant)):
        raise Invalid(
            "must have at most 2,000 bytes, without NUL and without halves of characters", field="id"
        )
    if not all(map(fits, entity.type)):
        raise Invalid(
            "must have at most 2,000 bytes, without NUL and without halves of characters", field="type"
        )
