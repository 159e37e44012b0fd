"""Reads the instances of one attribute from any of its representations.

In a fragment's instances `value` is `ABSENT` where none was given and `NULL` where it is removed; `type` is '' where
the representation does not tell it. Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.2 to 4.5.5, 4.5.18 to 4.5.24, 4.7,
5.2.5 to 5.2.8 and 5.2.32 to 5.2.38.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import NULL, VALUE_MEMBER, Instance
from rhinecloud.ngsild.fast_parsing import PlainAttribute, read_plain, read_sent
from rhinecloud.ngsild.typed_values import READERS, read_vocab
from rhinecloud.ngsild.values import check_geometry, check_json, check_moment, check_uri, is_geometry

ABSENT = msgspec.UNSET
"""The value of a fragment's instance that has none."""

MAX_DEPTH = 16
"""How deep attributes of attributes may nest."""

SEALED_ID = "https://uri.etsi.org/ngsi-ld/entityIdSealed"
SEALED_TYPE = "https://uri.etsi.org/ngsi-ld/entityTypeSealed"

_TYPE_OF_MEMBER = {
    "value": "Property",
    "object": "Relationship",
    "languageMap": "LanguageProperty",
    "vocab": "VocabProperty",
    "json": "JsonProperty",
    "valueList": "ListProperty",
    "objectList": "ListRelationship",
}
_METADATA = frozenset(("observedAt", "unitCode", "datasetId", "valueType", "objectType", "expiresAt"))
_OUTPUT_ONLY = frozenset(
    (
        *("createdAt", "modifiedAt", "deletedAt", "instanceId", "lang", "previousValue", "previousObject"),
        *("previousLanguageMap", "previousVocab", "previousJson", "previousValueList", "previousObjectList"),
    )
)
_SIMPLE_WORDS = frozenset(("languageMap", "vocab", "json", "dataset"))
"""The members that tell the type of an attribute in simplified form (clause 4.5.4)."""
_SEALED = frozenset(("entityIdSealed", "entityTypeSealed"))
_PROHIBITED = frozenset(("entity", "entityList", "@context")) | _SEALED
PROOF = "ngsildproof"
NOT_ATTRIBUTES = (_METADATA - {"expiresAt"}) | _SEALED | {"instanceId", "@context"}
"""Terms of the core @context that are never reified and so cannot name an attribute of an entity (clause 4.5.1)."""

_LANG_STRING = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"


def within(name: str, error: Invalid) -> Invalid:
    """Return the error with `name` before its field: called at each level from the value to the entity."""
    field = f"{name}.{error.field}" if error.field else name
    return type(error)(error.reason, field=field)


class InstanceReader:
    """Reads attributes with one context at one time.

    `nulls` allows NGSI-LD null instead of members, `deep_nulls` inside values too; `partial` allows instances
    without a value; `simplified` reads objects as values.
    """

    __slots__ = ("context", "deep_nulls", "name", "now", "nulls", "partial", "simplified")

    def __init__(
        self,
        context: Context,
        now: str,
        *,
        nulls: bool = False,
        deep_nulls: bool = False,
        partial: bool = False,
        simplified: bool = False,
    ) -> None:
        self.context = context
        self.name: Callable[[str], str] = context.name
        self.now = now
        self.nulls = nulls
        self.deep_nulls = deep_nulls
        self.partial = partial
        self.simplified = simplified

    def add(
        self,
        attrs: dict[str, list[Instance]],
        name: str,
        member: Any,
        depth: int,
        prohibited: frozenset[str] = _PROHIBITED,
    ) -> None:
        """Read the attribute `name` and add it to `attrs`. Raise Invalid without the attribute's name."""
        if name in prohibited:
            raise Invalid("is a term of NGSI-LD and must not name an attribute")
        proof = name == PROOF
        self.put(attrs, name, [self._proof(member, depth)] if proof else self.attribute(member, depth))

    def put(self, attrs: dict[str, list[Instance]], name: str, instances: list[Instance]) -> None:
        """Add the instances of the attribute `name` to `attrs`. Raise Invalid."""
        iri = self.name(name)
        if iri in attrs:
            raise Invalid(f"must be given only once; another member also means {iri}")
        attrs[iri] = instances

    def attribute(self, data: Any, depth: int) -> list[Instance]:
        """Read an attribute from an object, an array of instances, or a bare value."""
        kind = type(data)
        if kind is PlainAttribute:
            plain = None if self.simplified else read_sent(data, self.now)
            if plain is not None:
                return [plain]
            data, kind = data.members(), dict
        if self.simplified and not (kind is dict and len(data) == 1 and not _SIMPLE_WORDS.isdisjoint(data)):
            return [self._bare(data)]
        if kind is dict:
            plain = read_plain(data, self.now) if depth <= MAX_DEPTH else None
            if plain is not None:
                return [plain]
            return [self._from_object(data, depth)] if "dataset" not in data else self._datasets(data, depth)
        if kind is list and data and all(type(each) is dict and is_wrapped(each) for each in data):
            return self._several(data, depth)
        return [self._bare(data)]

    def fragments(self, data: Any) -> list[Instance]:
        """Read a fragment: an object of members to change, or an array of those (clause 5.4); raise Invalid."""
        if isinstance(data, dict):
            return [self._bare(data) if is_geometry(data) else self.instance(data, 0)]
        if isinstance(data, list) and data and all(isinstance(each, dict) for each in data):
            return self._several(data, 0)
        raise Invalid("must be an object")

    def _several(self, data: list[dict[str, Any]], depth: int) -> list[Instance]:
        found: dict[str, Instance] = {}
        for place, each in enumerate(data):
            try:
                instance = self.instance(each, depth)
            except Invalid as error:
                raise within(str(place), error) from None
            dataset = instance.dataset_id
            if dataset in found:
                raise Invalid(
                    f"{dataset or 'the default instance'} must be given only once", field=f"{place}.datasetId"
                )
            found[dataset] = instance
        return list(found.values())

    def _datasets(self, data: dict[str, Any], depth: int) -> list[Instance]:
        """Read the simplified form of several instances (clause 4.5.4)."""
        table = data["dataset"]
        if len(data) > 1 or not isinstance(table, dict) or not table:
            raise Invalid(
                "must be an object of datasetIds and values, without other members", field="dataset"
            )
        found = []
        for dataset_id, member in table.items():
            instance = self.attribute(member, depth)[0]
            instance.dataset_id = "" if dataset_id == "@none" else check_uri(dataset_id)
            found.append(instance)
        return found

    def _from_object(self, data: dict[str, Any], depth: int) -> Instance:
        kind = data.get("type", data.get("@type"))
        if kind is None:
            wrapped = is_wrapped(data) or (self.partial and _is_partial(data))
            return self.instance(data, depth) if wrapped else self._bare(data)
        if isinstance(kind, str) and kind in VALUE_MEMBER:
            return self.instance(data, depth)
        if is_geometry(data) or "@value" in data:
            return self._bare(data)
        raise _unknown_type(kind)

    def _bare(self, value: Any) -> Instance:
        """Read a value without type and metadata: the concise and the simplified form."""
        now = self.now
        if self.nulls and value == NULL:
            return Instance(type="", value=NULL)
        if is_geometry(value):
            return Instance(type="GeoProperty", value=check_geometry(value), created_at=now, modified_at=now)
        check_json(value, nulls=self.deep_nulls)
        kind = "" if self.partial else "Property"
        return Instance(type=kind, value=value, created_at=now, modified_at=now)

    def instance(self, data: dict[str, Any], depth: int) -> Instance:
        """Read one instance that is an object with members; raise Invalid."""
        if depth > MAX_DEPTH:
            raise Invalid(f"attributes of attributes must not nest more than {MAX_DEPTH} deep")
        now = self.now
        kind = data.get("type") or data.get("@type") or ""
        if kind and (not isinstance(kind, str) or kind not in VALUE_MEMBER):
            raise _unknown_type(kind)
        found = Instance(type=kind, value=ABSENT, created_at=now, modified_at=now)
        for name, member in data.items():
            try:
                if name in _TYPE_OF_MEMBER:
                    self._value(found, name, member)
                elif name in _METADATA:
                    self._metadata(found, name, member)
                elif name not in ("type", "@type") and name not in _OUTPUT_ONLY:
                    self.add(found.attrs, name, member, depth + 1)
            except Invalid as error:
                raise within(str(name), error) from None
        if found.value is ABSENT and not self.partial:
            member = VALUE_MEMBER.get(kind, "value")
            raise Invalid(f"must be given for a {kind or 'Property'}", field=member)
        check_fit(found)
        return found

    def _value(self, found: Instance, name: str, member: Any) -> None:
        kind = found.type
        if found.value is not ABSENT:
            raise Invalid("must not be a second value of the attribute")
        if not kind:
            kind = "GeoProperty" if name == "value" and is_geometry(member) else _TYPE_OF_MEMBER[name]
            found.type = kind
        if VALUE_MEMBER[kind] != name:
            raise Invalid(f"must not be given for a {kind}")
        if self.nulls and _is_null(member):
            found.value = NULL
        elif kind == "Property":
            check_json(member, nulls=self.deep_nulls)
            found.value = member
        else:
            found.value = READERS[kind](member, self.context, self.deep_nulls)

    def _metadata(self, found: Instance, name: str, member: Any) -> None:
        if name == "observedAt":
            found.observed_at = self.moment(member)
        elif name == "unitCode":
            if not isinstance(member, str) or not member or (member == NULL and not self.nulls):
                raise Invalid(
                    f"must be the common code of a unit (UN/CEFACT Recommendation 20), not {member!r}"
                )
            found.unit_code = member
        elif name == "datasetId":
            if member == NULL:
                raise Invalid("must not be removed")
            found.dataset_id = "" if member == "@none" else check_uri(member)
        elif name == "expiresAt":
            found.expires_at = self.moment(member)
        elif name == "valueType":
            found.value_type = self._type_name(member)
        else:
            found.object_type = [
                self._type_name(each) for each in (member if isinstance(member, list) else [member])
            ]

    def moment(self, member: Any) -> str:
        """Return a DateTime, or NGSI-LD null if that is allowed."""
        return NULL if self.nulls and member == NULL else check_moment(member)

    def _type_name(self, member: Any) -> str:
        if not isinstance(member, str):
            raise Invalid(f"must be the name of a type, not {member!r}")
        return NULL if self.nulls and member == NULL else self.name(member)

    def _proof(self, data: Any, depth: int) -> Instance:
        """Read a signature with the entity id and types that it seals, which are not reified (clause 4.5.2.2)."""
        if not isinstance(data, dict):
            raise Invalid("must be a Property")
        found = self._from_object(
            {name: member for name, member in data.items() if name not in _SEALED}, depth
        )
        if not isinstance(found.value, dict) and found.value not in (NULL, ABSENT):
            raise Invalid("must be the data integrity structure of the proof, an object", field="value")
        if "entityIdSealed" in data:
            found.attrs[SEALED_ID] = [Instance(value=check_uri(data["entityIdSealed"]))]
        if "entityTypeSealed" in data:
            found.attrs[SEALED_TYPE] = [
                Instance(value=read_vocab(data["entityTypeSealed"], self.context, False))
            ]
        return found


def check_fit(found: Instance) -> None:
    """Raise Invalid for metadata that the type of the attribute must not have (clauses 4.5.3, 4.5.18 to 4.5.24 and
    5.2.32).
    """
    if found.unit_code and found.type not in ("", "Property", "ListProperty"):
        raise Invalid(f"must not be given for a {found.type}", field="unitCode")
    if found.value_type and found.type == "LanguageProperty" and found.value_type not in (_LANG_STRING, NULL):
        raise Invalid("must be langString in a LanguageProperty", field="valueType")


def is_wrapped(data: dict[str, Any]) -> bool:
    """Return whether an object is an attribute instance and not a JSON value."""
    for member in _TYPE_OF_MEMBER:
        if member in data:
            return True
    kind = data.get("type", data.get("@type"))
    return isinstance(kind, str) and kind in VALUE_MEMBER


def _is_partial(data: dict[str, Any]) -> bool:
    """Return whether an object is a fragment's instance without a value: it has metadata or sub-attributes."""
    return any(
        name in _METADATA or member == NULL or (type(member) is dict and is_wrapped(member))
        for name, member in data.items()
    )


def _unknown_type(kind: Any) -> Invalid:
    return Invalid(f"must be one of {', '.join(VALUE_MEMBER)}, not {kind!r}", field="type")


def _is_null(member: Any) -> bool:
    return member == NULL or member in ([NULL], {"@none": NULL}, [{"object": NULL}])
