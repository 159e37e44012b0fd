"""The keys of an attribute index: a short one for each value of an entity that a query may compare.

Keys have the order of values in NGSI-LD: numbers, strings, others; SQLite orders its own types in the same way. A long
string is cut, a large integer rounded: both keep their order, so that a range of keys never misses a match.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rhinecloud.ngsild.entity import Entity, Instance

SCOPE = "https://uri.etsi.org/ngsi-ld/scope"
"""The name of the index of scopes (ETSI GS CIM 009 v1.9.1, clause 4.18)."""

TEXT_LENGTH = 64
"""Characters of a string that are its key."""

EXACT_BELOW = 2.0**53
"""Smaller integers are exact as floating point numbers."""

Key = float | str | bytes

NO_VALUE = b""
"""The key of a value without an order, such as an object: the attribute exists."""

SEVERAL = b"\x02"
"""A further key of an entity with several keys, or with a list: two bounds of a query may hold of two of its values."""

_TRUTHS = {False: b"\x00", True: b"\x01"}


def keys_of(entity: Entity | None, name: str) -> set[Key]:
    """Return the keys of all instances of the attribute with IRI `name`, or of the scopes."""
    if entity is None:
        return set()
    if name == SCOPE:
        return {key_of_scope(scope) for scope in entity.scope}
    return keys_of_instances(entity.attrs.get(name, ()))


def keys_of_instances(instances: list[Instance] | tuple[()]) -> set[Key]:
    """Return the keys of some instances: `NO_VALUE` for one without any, `SEVERAL` besides for several, and lists."""
    keys: set[Key] = set()
    for instance in instances:
        before = len(keys)
        for value in _values(instance):
            key = key_of(value)
            if key is not None:
                keys.add(key)
        if len(keys) == before:
            keys.add(NO_VALUE)
    if len(keys) > 1 or any(type(each.value) is list for each in instances):
        keys.add(SEVERAL)
    return keys


def key_of(value: Any) -> Key | None:
    """Return the key of one value, None if it has none."""
    kind = type(value)
    if kind is float or kind is int:
        return key_of_number(value)
    if kind is str:
        return str(value[:TEXT_LENGTH])
    if kind is bool:
        return _TRUTHS[value]
    if kind is dict and "@value" in value:
        return key_of(value["@value"])
    return None


def key_of_number(value: float) -> float:
    """Return the key of a number of any size."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def key_of_scope(scope: str) -> str:
    """Return the key of a scope, with or without the slash before it."""
    return ("/" + scope.strip("/"))[:TEXT_LENGTH]


def _values(instance: Instance) -> Iterator[Any]:
    """Yield what a query compares: the items of a list, the texts of all languages, or the value itself."""
    value = instance.value
    if instance.type == "LanguageProperty" and isinstance(value, dict):
        for text in value.values():
            yield from text if isinstance(text, list) else (text,)
    elif isinstance(value, list):
        yield from value
    else:
        yield value


def keeps_keys(before: Entity, after: Entity, name: str) -> bool:
    """Return True only if an attribute's keys are the same before and after, without computing them.

    Equal values may have different keys: `true` and 1.
    """
    if name == SCOPE:
        return before.scope == after.scope
    old, new = before.attrs.get(name), after.attrs.get(name)
    if old is None or new is None or old is new:
        return old is new
    return old == new and all(map(_is_alike, old, new))


def _is_alike(one: Instance, other: Instance) -> bool:
    return type(one.value) is type(other.value) and not isinstance(one.value, list | dict)
