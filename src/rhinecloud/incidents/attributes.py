"""Attributes of the entities that incidents are made of: reading their values, and writing only what differs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from rhinecloud.ngsild import patch
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.store.port import Decision, Put

Expand = Callable[[str], str]
"""Returns the IRI of a term."""


class AttributeReader:
    """Reads an entity's values by their terms; an absent one, or one of another kind, has its default."""

    def __init__(self, entity: Entity, expand: Expand) -> None:
        self._entity = entity
        self._expand = expand

    def value(self, name: str) -> Any:
        """Return the plain value of an attribute, None where there is none; a DateTime is its text."""
        instance = self._entity.first(self._expand(name))
        found = instance.value if instance else None
        return found["@value"] if isinstance(found, dict) and "@value" in found else found

    def texts(self, names: Mapping[str, str]) -> dict[str, str]:
        """Return texts by field, '' for what is absent."""
        return {field: str(self.value(name) or "") for field, name in names.items()}

    def flags(self, names: Mapping[str, str]) -> dict[str, bool]:
        """Return flags by field."""
        return {field: self.value(name) is True for field, name in names.items()}

    def listed(self, name: str) -> tuple[str, ...]:
        """Return one or several texts; NGSI-LD knows no difference between one and a list of one."""
        value = self.value(name)
        if isinstance(value, str):
            return (value,)
        return tuple(str(each) for each in value) if isinstance(value, list) else ()

    def converted(self, name: str, kind: Any, otherwise: Any) -> Any:
        """Return a JSON value as `kind`, else `otherwise`."""
        value = self.value(name)
        if value is None:
            return otherwise
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError:
            return otherwise


def member(kind: Any, text: str, otherwise: Any = None) -> Any:
    """Return the member of an enumeration with this value, else `otherwise`."""
    return kind(text) if text in list(kind) else otherwise


def filled(of: Any, names: Mapping[str, str], make: Callable[[Any], Instance]) -> dict[str, Instance]:
    """Return an instance for each field of `of` that is not empty, by its term."""
    return {name: make(value) for field, name in names.items() if (value := getattr(of, field))}


def text(value: Any) -> Instance:
    """Return a Property with a text."""
    return Instance(value=str(value))


def date_time(value: str) -> Instance:
    """Return a Property with a DateTime."""
    return Instance(value={"@type": "DateTime", "@value": value})


def relationship(value: Any) -> Instance:
    """Return a Relationship."""
    return Instance(type="Relationship", value=value)


def by_language(value: Mapping[str, str]) -> Instance:
    """Return a LanguageProperty."""
    return Instance(type="LanguageProperty", value=dict(value))


def write_attributes(entity: Entity | None, wanted: Entity, own: Collection[str], now: str) -> Decision:
    """Decide what makes an entity be as `wanted`, as far as its `own` attributes (IRIs) go; others stay."""
    if entity is None:
        patched = patch.create(wanted, now)
        return Put(patched.entity, patched.changed, patched.previous)
    moved = {iri: each for iri, each in wanted.attrs.items() if not _same(entity.first(iri), each[0])}
    patched = patch.append(entity, Entity(id=entity.id, type=[], attrs=moved), now)
    changed, previous, after = list(patched.changed), dict(patched.previous), patched.entity
    for iri in set(own) - set(wanted.attrs):
        if iri in after.attrs:
            patched = patch.delete_attribute(after, iri, now, delete_all=True)
            after = patched.entity
            changed += patched.changed
            previous |= patched.previous
    return Put(after, changed, previous) if changed else None


def _same(present: Instance | None, wanted: Instance) -> bool:
    return present is not None and (present.type, present.value) == (wanted.type, wanted.value)
