"""Reads what clients send (normalized, concise or simplified, compact names) into the stored form of an entity.

An entity must be complete; a fragment (clause 5.4) may lack members. Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.1,
4.18, 4.22, 5.2.4, 5.4 and 5.5.4; `instances` reads one attribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import NULL, Entity, Instance
from rhinecloud.ngsild.fast_parsing import PlainAttribute, read_sent
from rhinecloud.ngsild.instances import ABSENT, NOT_ATTRIBUTES, PROOF, InstanceReader, within
from rhinecloud.ngsild.values import check_scope, check_uri

__all__ = ["ABSENT", "parse_attribute", "parse_entity", "parse_fragment"]

LONGEST_ID = 2_048
"""Characters of an entity's id: it is part of URLs, which must not be longer."""

_OWN = frozenset(("scope", "expiresAt"))
_PLACES = frozenset(("location", "observationSpace", "operationSpace"))
_NOT_READ = frozenset(("id", "type", "@context", "createdAt", "modifiedAt", "deletedAt"))
_WORDS = _OWN | NOT_ATTRIBUTES | {PROOF}
_SPECIAL = _WORDS | _PLACES


def parse_entity(data: Any, context: Context, *, now: str = "", simplified: bool = False) -> Entity:
    """Read a complete entity; `now` becomes `createdAt` and `modifiedAt` of it and its attributes where it is given.

    Raise Invalid naming the field. `@context` in `data` is skipped: `context` is what it was compiled to.
    """
    return _read_entity(data, InstanceReader(context, now, simplified=simplified), fragment=False)


def parse_fragment(
    data: Any,
    context: Context,
    *,
    now: str = "",
    nulls: bool = True,
    partial: bool = False,
    simplified: bool = False,
) -> Entity:
    """Read an entity fragment (clause 5.4): id and type may be missing.

    `nulls` says whether NGSI-LD null is allowed: not if attributes are appended (clause 5.5.4). `partial` is for a
    merge (clause 5.5.12): an instance may lack its value, a bare value its type, and null is allowed inside values.
    `simplified` says that the sender named that form, so that objects are values (clause 4.5.4). Raise Invalid.
    """
    reader = InstanceReader(
        context, now, nulls=nulls, deep_nulls=nulls and partial, partial=partial, simplified=simplified
    )
    return _read_entity(data, reader, fragment=True)


def parse_attribute(
    data: Any, context: Context, *, now: str = "", partial: bool = False, name: str = ""
) -> list[Instance]:
    """Read the instances of one attribute; `partial` reads an attribute fragment (clauses 5.6.4 and 5.5.8).

    `name` is the attribute's name as it was sent, for the errors. Raise Invalid.
    """
    reader = InstanceReader(context, now, nulls=partial, partial=partial)
    if isinstance(data, dict) and "@context" in data:
        data = {key: member for key, member in data.items() if key != "@context"}
    try:
        return reader.fragments(data) if partial else reader.attribute(data, 0)
    except Invalid as error:
        raise (within(name, error) if name else error) from None


def _read_entity(data: Any, reader: InstanceReader, *, fragment: bool) -> Entity:
    if not isinstance(data, dict):
        raise Invalid("an entity must be a JSON object")
    aliases = reader.context.aliases
    if aliases or "@id" in data or "@type" in data:
        data = _with_plain_keywords(data, aliases)
    now = reader.now
    attrs: dict[str, list[Instance]] = {}
    found = Entity(
        id=_read_id(data, fragment),
        type=_read_types(data, reader, fragment),
        created_at=now,
        modified_at=now,
        attrs=attrs,
    )
    expand, in_one_go = reader.name, not reader.simplified
    for name, member in data.items():
        if name in _NOT_READ:
            continue
        try:
            if in_one_go and type(member) is PlainAttribute and name not in _WORDS:
                plain = read_sent(member, now)
                if plain is not None and (plain.type == "GeoProperty" or name not in _PLACES):
                    iri = expand(name)
                    if iri not in attrs:
                        attrs[iri] = [plain]
                        continue
            if name in _SPECIAL:
                _read_special(found, name, member, reader)
            else:
                reader.put(attrs, name, reader.attribute(member, 0))
        except Invalid as error:
            raise within(str(name), error) from None
    return found


def _read_id(data: Mapping[str, Any], fragment: bool) -> str:
    if fragment and "id" not in data:
        return ""
    try:
        found = check_uri(data.get("id"))
    except Invalid as error:
        raise within("id", error) from None
    if len(found) > LONGEST_ID:
        raise Invalid(f"must have at most {LONGEST_ID} characters, not {len(found)}", field="id")
    return found


def _read_types(data: Mapping[str, Any], reader: InstanceReader, fragment: bool) -> list[str]:
    if fragment and "type" not in data:
        return []
    value = data.get("type")
    names: list[Any] = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(each, str) and each for each in names):
        raise Invalid("must be the name of a type or a non-empty array of names", field="type")
    if NULL in names:
        raise Invalid("must not be removed", field="type")
    try:
        if len(names) == 1:
            return [reader.name(names[0])]
        return list(dict.fromkeys(reader.name(each) for each in names))
    except Invalid as error:
        raise within("type", error) from None


def _read_special(found: Entity, name: str, member: Any, reader: InstanceReader) -> None:
    if type(member) is PlainAttribute:
        member = member.members()
    if name in _OWN:
        _read_own(found, name, member, reader)
        return
    reader.add(found.attrs, name, member, 0, NOT_ATTRIBUTES)
    if name in _PLACES:
        _check_place(found.attrs[reader.name(name)])


def _read_own(found: Entity, name: str, member: Any, reader: InstanceReader) -> None:
    if name == "expiresAt":
        found.expires_at = reader.moment(member)
    elif reader.nulls and member in (NULL, [NULL]):
        found.scope = [NULL]
    else:
        texts = member if isinstance(member, list) else [member]
        found.scope = list(dict.fromkeys(check_scope(each) for each in texts))


def _check_place(instances: list[Instance]) -> None:
    """Check that what the core defines as a GeoProperty is one (clauses 4.7.1 and 5.2.4)."""
    for each in instances:
        if each.type != "GeoProperty" and each.value not in (ABSENT, NULL):
            raise Invalid("must be a GeoProperty: a GeoJSON geometry")


def _with_plain_keywords(data: dict[str, Any], aliases: Mapping[str, str]) -> dict[str, Any]:
    """Return an entity in which every alias of `@id` and `@type` is spelt `id` and `type` (clause 4.4)."""
    plain: dict[str, Any] = {}
    for name, member in data.items():
        keyword = name if name in ("@id", "@type") else aliases.get(name, "")
        target = keyword[1:] if keyword else name
        if target in plain:
            raise Invalid("must be given only once", field=target)
        plain[target] = member
    return plain
