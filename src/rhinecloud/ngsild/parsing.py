"""From what users send (normalized, concise or simplified, compact names) to the stored form.

An entity is checked whole; a fragment (clause 5.4) may lack members, and NGSI-LD null in it asks for removal. In a fragment's
instances `value` is `ABSENT` where none was given and `NULL` where it is to go; `type` is '' where none could be told from
the form. Source: ETSI GS CIM 009 v1.9.1, clauses 4.5, 4.6, 4.7, 5.2.4 to 5.2.8, 5.2.32 to 5.2.38, 5.4 and 5.5.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import NULL, VALUE_MEMBER, Entity, Instance
from rhinecloud.ngsild.values import (
    check_geometry,
    check_json,
    check_language_map,
    check_moment,
    check_raw_json,
    check_scope,
    check_uri,
    is_geometry,
)

ABSENT = msgspec.UNSET
"""The value of a fragment's instance that says nothing about the value."""

MAX_DEPTH = 16
"""How deep properties of properties may nest."""

_TYPE_OF_MEMBER = {
    "value": "Property",
    "object": "Relationship",
    "languageMap": "LanguageProperty",
    "vocab": "VocabProperty",
    "json": "JsonProperty",
    "valueList": "ListProperty",
    "objectList": "ListRelationship",
}
_METADATA = frozenset({"observedAt", "unitCode", "datasetId", "valueType", "objectType", "expiresAt"})
_OUTPUT_ONLY = frozenset(
    [
        "createdAt",
        "modifiedAt",
        "deletedAt",
        "instanceId",
        "lang",
        "previousValue",
        "previousObject",
        "previousLanguageMap",
        "previousVocab",
        "previousJson",
        "previousValueList",
        "previousObjectList",
    ]
)
_PROHIBITED = frozenset(("entity", "entityList", "@context"))
_SEALED = frozenset(("entityIdSealed", "entityTypeSealed"))
_NOT_ATTRIBUTES = (
    frozenset(_TYPE_OF_MEMBER) | _METADATA - {"expiresAt"} | _PROHIBITED - {"@context"} | _SEALED
)


def parse_entity(data: Any, context: Context, *, now: str = "") -> Entity:
    """Read a whole entity; `now` becomes `createdAt` and `modifiedAt` of it and its attributes where it is given.

    Raises Invalid naming the field. `@context` in `data` is skipped: `context` is what it was compiled to.
    """
    return _Parser(context, now).entity(data)


def parse_fragment(
    data: Any, context: Context, *, now: str = "", nulls: bool = True, partial: bool = False
) -> Entity:
    """Read an entity fragment (clause 5.4): id and type may be missing.

    `nulls` says whether NGSI-LD null is allowed: not where attributes are appended (clause 5.5.4). `partial` says whether an
    instance may lack its value and a bare value its type: only where they are merged (clause 5.5.12). Raises Invalid.
    """
    return _Parser(context, now, fragment=True, partial=partial, nulls=nulls).entity(data)


def parse_attribute(
    data: Any, context: Context, *, now: str = "", partial: bool = False, name: str = ""
) -> list[Instance]:
    """Read the instances of one attribute; `partial` reads an attribute fragment (clauses 5.6.4 and 5.5.8).

    `name` is the attribute's name as it was sent, for the errors. Raises Invalid.
    """
    parser = _Parser(context, now, fragment=partial, partial=partial, nulls=partial)
    try:
        if partial and isinstance(data, dict):
            members = {key: member for key, member in data.items() if key != "@context"}
            return [parser.instance(members, 0)]
        if isinstance(data, dict) and "@context" in data:
            data = {key: member for key, member in data.items() if key != "@context"}
        return parser.attribute(data, 0)
    except Invalid as error:
        raise (within(name, error) if name else error) from None


def within(name: str, error: Invalid) -> Invalid:
    """Give the error with `name` set before its field, as it climbs from the value to the whole."""
    field = f"{name}.{error.field}" if error.field else name
    return type(error)(error.reason, field=field)


class _Parser:
    __slots__ = ("context", "fragment", "name", "now", "nulls", "partial")

    def __init__(
        self,
        context: Context,
        now: str,
        *,
        fragment: bool = False,
        partial: bool = False,
        nulls: bool = False,
    ) -> None:
        self.context = context
        self.name: Callable[[str], str] = context.name
        self.now = now
        self.fragment = fragment
        self.partial = partial
        self.nulls = nulls

    def entity(self, data: Any) -> Entity:
        if not isinstance(data, dict):
            raise Invalid("an entity is a JSON object")
        if self.context.aliases or "@id" in data or "@type" in data:
            data = _with_plain_keywords(data, self.context.aliases)
        now = self.now
        found = Entity(id=self._id(data), type=self._types(data.get("type")), created_at=now, modified_at=now)
        attrs = found.attrs
        for name, member in data.items():
            if name in _ENTITY_MEMBERS:
                if name in _OWN_MEMBERS:
                    self._own_member(found, name, member)
                continue
            try:
                if name in _NOT_ATTRIBUTES:
                    raise Invalid("is a word of NGSI-LD and cannot name an attribute")
                iri = self.name(name)
                if iri in attrs:
                    raise Invalid(f"is there twice: another member also means {iri}")
                attrs[iri] = self.attribute(member, 0)
            except Invalid as error:
                raise within(name, error) from None
        return found

    def _id(self, data: Mapping[str, Any]) -> str:
        value = data.get("id")
        if value is None and self.fragment and "id" not in data:
            return ""
        try:
            return check_uri(value)
        except Invalid as error:
            raise within("id", error) from None

    def _types(self, value: Any) -> list[str]:
        if value is None and self.fragment:
            return []
        names = value if isinstance(value, list) else [value]
        if not names or not all(isinstance(each, str) and each for each in names):
            raise Invalid("is a type's name or a filled list of them", field="type")
        try:
            if len(names) == 1:
                return [self.name(names[0])]
            return list(dict.fromkeys(self.name(each) for each in names))
        except Invalid as error:
            raise within("type", error) from None

    def _own_member(self, found: Entity, name: str, member: Any) -> None:
        try:
            if name == "scope":
                found.scope = self._scopes(member)
            else:
                found.expires_at = self._moment(member)
        except Invalid as error:
            raise within(name, error) from None

    def _scopes(self, member: Any) -> list[str]:
        if self.nulls and member in (NULL, [NULL]):
            return [NULL]
        texts = member if isinstance(member, list) else [member]
        return list(dict.fromkeys(check_scope(each) for each in texts))

    def _moment(self, member: Any) -> str:
        return NULL if member == NULL and self.nulls else check_moment(member)

    def attribute(self, data: Any, depth: int) -> list[Instance]:
        kind = type(data)
        if kind is dict:
            return [self._from_object(data, depth)] if "dataset" not in data else self._datasets(data, depth)
        if kind is list and data and all(type(each) is dict and _is_wrapped(each) for each in data):
            return self._instances(data, depth)
        return [self._bare(data)]

    def _instances(self, data: list[dict[str, Any]], depth: int) -> list[Instance]:
        found: list[Instance] = []
        seen: set[str] = set()
        for place, each in enumerate(data):
            try:
                instance = self.instance(each, depth)
                if instance.dataset_id in seen:
                    raise Invalid(
                        f"{instance.dataset_id or 'the default instance'} is there twice", field="datasetId"
                    )
            except Invalid as error:
                raise within(str(place), error) from None
            seen.add(instance.dataset_id)
            found.append(instance)
        return found

    def _datasets(self, data: dict[str, Any], depth: int) -> list[Instance]:
        """Read the simplified form of several instances (clause 4.5.4)."""
        table = data["dataset"]
        if len(data) > 1 or not isinstance(table, dict) or not table:
            return [self._from_object({"value": data}, depth)]
        found = []
        for dataset_id, member in table.items():
            instance = self.attribute(member, depth)[0]
            instance.dataset_id = "" if dataset_id == "@none" else check_uri(dataset_id)
            found.append(instance)
        return found

    def _from_object(self, data: dict[str, Any], depth: int) -> Instance:
        kind = data.get("type", data.get("@type"))
        if kind is None:
            for member in _TYPE_OF_MEMBER:
                if member in data:
                    return self.instance(data, depth)
            if self.partial and self._is_partial(data):
                return self.instance(data, depth)
            return self._bare(data)
        if kind in VALUE_MEMBER:
            return self.instance(data, depth)
        if is_geometry(data):
            return self._bare(data)
        if "@value" in data or "@id" in data:
            return self._bare(data)
        raise Invalid(f"{kind!r} is not a type of attribute; known: {', '.join(VALUE_MEMBER)}", field="type")

    def _is_partial(self, data: dict[str, Any]) -> bool:
        """Tell a fragment's instance without a value from a compound value: it holds metadata or sub-attributes."""
        return bool(data) and any(
            name in _METADATA
            or member == NULL
            or (type(member) is dict and member.get("type") in VALUE_MEMBER)
            for name, member in data.items()
        )

    def _bare(self, value: Any) -> Instance:
        """Read a value without any wrapping: the concise and the simplified form."""
        now = self.now
        if value == NULL and self.nulls:
            return Instance(type="", value=NULL)
        if is_geometry(value):
            geometry = check_geometry(value)
            return Instance(type="GeoProperty", value=geometry, created_at=now, modified_at=now)
        check_json(value, nulls=self.nulls)
        kind = "" if self.partial else "Property"
        return Instance(type=kind, value=value, created_at=now, modified_at=now)

    def instance(self, data: dict[str, Any], depth: int) -> Instance:
        """Read one instance that is an object with members of its own."""
        if depth > MAX_DEPTH:
            raise Invalid(f"attributes of attributes nest more than {MAX_DEPTH} deep")
        now = self.now
        kind = data.get("type") or data.get("@type") or ""
        found = Instance(type=kind, value=ABSENT, created_at=now, modified_at=now)
        for name, member in data.items():
            try:
                if name in _TYPE_OF_MEMBER:
                    self._value(found, name, member)
                elif name in _METADATA:
                    self._metadata(found, name, member)
                elif name == "type" or name == "@type":
                    if kind not in VALUE_MEMBER:
                        raise Invalid(
                            f"{member!r} is not a type of attribute; known: {', '.join(VALUE_MEMBER)}"
                        )
                elif name in _PROHIBITED:
                    raise Invalid("is not allowed inside an attribute")
                elif name not in _OUTPUT_ONLY:
                    found.attrs[self.name(name)] = self.attribute(member, depth + 1)
            except Invalid as error:
                raise within(name, error) from None
        if found.value is ABSENT and not self.partial:
            member = VALUE_MEMBER.get(kind, "value")
            raise Invalid(f"a {kind or 'Property'} has the member {member}", field=member)
        return found

    def _value(self, found: Instance, name: str, member: Any) -> None:
        kind = found.type
        if found.value is not ABSENT:
            raise Invalid("is a second value of one attribute")
        if not kind:
            kind = found.type = _TYPE_OF_MEMBER[name]
            if name == "value" and is_geometry(member):
                kind = found.type = "GeoProperty"
        if VALUE_MEMBER[kind] != name:
            raise Invalid(f"does not belong to a {kind}")
        if self.nulls and _is_null(member):
            found.value = NULL
        elif kind == "Property":
            check_json(member, nulls=self.nulls)
            found.value = member
        else:
            found.value = _READERS[kind](self, member)

    def _metadata(self, found: Instance, name: str, member: Any) -> None:
        if name == "observedAt":
            found.observed_at = self._moment(member)
        elif name == "unitCode":
            if not isinstance(member, str) or not member or (member == NULL and not self.nulls):
                raise Invalid(f"{member!r} is not a unit's common code (UN/CEFACT Recommendation 20)")
            if found.type not in ("", "Property", "ListProperty"):
                raise Invalid(f"does not belong to a {found.type}")
            found.unit_code = member
        elif name == "datasetId":
            if member != "@none":
                if member == NULL:
                    raise Invalid("cannot be removed")
                found.dataset_id = check_uri(member)
        elif name == "expiresAt":
            found.expires_at = self._moment(member)
        elif name == "valueType":
            found.value_type = NULL if member == NULL and self.nulls else self.name(member)
        else:
            names = member if isinstance(member, list) else [member]
            found.object_type = [each if each == NULL and self.nulls else self.name(each) for each in names]

    def relationship(self, member: Any) -> Any:
        if isinstance(member, list):
            if not member:
                raise Invalid("is an empty list")
            return [check_uri(self._target(each)) for each in member]
        return check_uri(self._target(member))

    def _target(self, value: Any) -> Any:
        if value == NULL:
            raise Invalid("NGSI-LD null is allowed only in fragments that update or merge")
        return value

    def vocab(self, member: Any) -> Any:
        names = member if isinstance(member, list) else [member]
        if not all(isinstance(each, str) and each and each != NULL for each in names):
            raise Invalid("is a text or texts")
        expand = self.context.expand
        return [expand(each) for each in names] if isinstance(member, list) else expand(member)

    def value_list(self, member: Any) -> Any:
        if not isinstance(member, list):
            raise Invalid("is not an array")
        check_json(member, nulls=False)
        return member

    def object_list(self, member: Any) -> Any:
        if not isinstance(member, list):
            raise Invalid("is not an array")
        targets = [each.get("object") if isinstance(each, dict) else each for each in member]
        return [check_uri(self._target(each)) for each in targets]

    def language_map(self, member: Any) -> Any:
        check_language_map(member)
        if not self.nulls and NULL in member.values():
            raise Invalid("NGSI-LD null is allowed only in fragments that update or merge")
        return member

    def json(self, member: Any) -> Any:
        if member == NULL:
            raise Invalid("NGSI-LD null is allowed only in fragments that update or merge")
        check_raw_json(member)
        return member

    def geometry(self, member: Any) -> Any:
        return check_geometry(self._target(member))


_READERS: Mapping[str, Callable[[_Parser, Any], Any]] = {
    "GeoProperty": _Parser.geometry,
    "Relationship": _Parser.relationship,
    "LanguageProperty": _Parser.language_map,
    "VocabProperty": _Parser.vocab,
    "JsonProperty": _Parser.json,
    "ListProperty": _Parser.value_list,
    "ListRelationship": _Parser.object_list,
}

_OWN_MEMBERS = frozenset(("scope", "expiresAt"))
_ENTITY_MEMBERS = _OWN_MEMBERS | {"id", "type", "@context", "createdAt", "modifiedAt", "deletedAt"}


def _is_wrapped(data: dict[str, Any]) -> bool:
    """Tell an attribute instance from a mere JSON object in an array."""
    return data.get("type", data.get("@type")) in VALUE_MEMBER or any(
        name in data for name in _TYPE_OF_MEMBER
    )


def _is_null(member: Any) -> bool:
    return member == NULL or member in ([NULL], {"@none": NULL}, [{"object": NULL}])


def _with_plain_keywords(data: dict[str, Any], aliases: Mapping[str, str]) -> dict[str, Any]:
    """Give an entity in which every alias of `@id` and `@type` is spelt `id` and `type` (clause 4.4)."""
    plain: dict[str, Any] = {}
    for name, member in data.items():
        keyword = name if name in ("@id", "@type") else aliases.get(name, "")
        target = keyword[1:] if keyword else name
        if target in plain:
            raise Invalid("is there twice", field=target)
        plain[target] = member
    return plain
