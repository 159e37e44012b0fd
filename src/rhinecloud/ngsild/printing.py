"""Makes nearly all documents from the stored bytes, without an Entity in between.

Values are copied as bytes and never become objects; names are compacted by a look-up. That takes half the time of
`rendering`, which defines the result and makes all documents that are not made here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import NULL, VALUE_MEMBER
from rhinecloud.ngsild.instances import SEALED_ID, SEALED_TYPE
from rhinecloud.ngsild.options import Options
from rhinecloud.ngsild.rendering import OWN, PLAIN, head_of, is_kept, stands_alone
from rhinecloud.ngsild.values import is_geometry

COPIED = {
    "Relationship": "object",
    "LanguageProperty": "language_map",
    "JsonProperty": "json",
    "ListProperty": "value_list",
}
"""The types whose value is shown as it is stored, and the member that holds it."""

BARE = frozenset(("Property", "GeoProperty", "Relationship", "ListProperty"))
"""Those types of which only the value is shown in the simplified form."""

SEALED = frozenset((SEALED_ID, SEALED_TYPE))
CONTAINERS = b"{["
TIMES = {"created_at": "createdAt", "modified_at": "modifiedAt", "expires_at": "expiresAt"}
NULL_RAW = Raw(msgspec.json.encode(NULL))

Print = Callable[[bytes], bytes | None]
"""Returns the document of a stored entity; None if `rendering` must make it."""


class _Special(Exception):
    """The document cannot be made by copying stored bytes."""


class PrintedInstance(msgspec.Struct, rename="camel", gc=False):
    """An instance as it is stored and as it is shown: members in the order of documents, without system times."""

    type: str | UnsetType = "Property"
    value: Raw | UnsetType = UNSET
    object: Raw | UnsetType = UNSET
    language_map: Raw | UnsetType = UNSET
    json: Raw | UnsetType = UNSET
    value_list: Raw | UnsetType = UNSET
    unit_code: Raw | UnsetType = UNSET
    observed_at: Raw | UnsetType = UNSET
    dataset_id: Raw | UnsetType = UNSET
    value_type: str | UnsetType = UNSET
    object_type: list[str] | UnsetType = UNSET
    attrs: dict[str, list[PrintedInstance]] | UnsetType = UNSET


class TimedInstance(PrintedInstance, rename="camel", gc=False):
    """The same with system times."""

    created_at: Raw | UnsetType = UNSET
    modified_at: Raw | UnsetType = UNSET
    expires_at: Raw | UnsetType = UNSET
    attrs: dict[str, list[TimedInstance]] | UnsetType = UNSET  # type: ignore[assignment]


class BareInstance(msgspec.Struct, rename="camel", gc=False):
    """An instance in the simplified form."""

    type: str = "Property"
    value: Raw | UnsetType = UNSET
    dataset_id: str = "@none"


T = TypeVar("T", PrintedInstance, TimedInstance, BareInstance)


class PrintedEntity(msgspec.Struct, Generic[T], rename="camel", gc=False):
    id: Raw
    type: list[str]
    scope: list[Raw] | UnsetType = UNSET
    created_at: Raw | UnsetType = UNSET
    modified_at: Raw | UnsetType = UNSET
    expires_at: Raw | UnsetType = UNSET
    attrs: dict[str, list[T]] = {}


def printer_for(context: Context, options: Options) -> Print | None:
    """Return the function that makes documents with these options; None if `rendering` makes all of them."""
    if options.lang or options.dataset_ids or options.geojson or options.form not in _FORMS:
        return None
    return _FORMS[options.form](context, options).document


class _Printer:
    """Makes documents; a subclass for each form shows the instances."""

    def __init__(self, context: Context, options: Options) -> None:
        self._read = msgspec.json.Decoder(self.stored(options)).decode
        self._write = msgspec.json.Encoder().encode
        self._compact = context.compact
        self._options = options
        self._selects = bool(options.pick or options.omit or options.attrs)

    def document(self, body: bytes) -> bytes | None:
        """Return the document of a stored entity; None if `rendering` must make it."""
        entity: Any = self._read(body)
        compact, selects = self._compact, self._selects
        shown = self._head(entity)
        try:
            for iri, instances in entity.attrs.items():
                if not selects or self._is_wanted(iri):
                    shown[compact(iri)] = (
                        self.one(instances[0]) if len(instances) == 1 else self.several(instances)
                    )
        except _Special:
            return None
        return self._write(shown)

    def stored(self, options: Options) -> Any:
        """Return the type to decode: as much of the stored entity as is shown."""
        return PrintedEntity[TimedInstance] if options.sys_attrs else PrintedEntity[PrintedInstance]

    def one(self, instance: Any) -> Any:
        """Return the only instance of an attribute as shown."""
        raise NotImplementedError

    def several(self, instances: list[Any]) -> Any:
        """Return several instances of an attribute as shown."""
        raise NotImplementedError

    def _head(self, entity: Any) -> dict[str, Any]:
        options = self._options
        shown = head_of(entity, self._compact)
        if options.sys_attrs:
            for member, name in TIMES.items():
                if (time := getattr(entity, member)) is not UNSET:
                    shown[name] = time
        if options.pick or options.omit:
            shown = {
                name: each for name, each in shown.items() if is_kept(OWN[name], options.pick, options.omit)
            }
        return shown

    def _is_wanted(self, iri: str) -> bool:
        options = self._options
        return not (
            (options.attrs and iri not in options.attrs)
            or (options.pick and iri not in options.pick)
            or iri in options.omit
        )


class _Normalized(_Printer):
    def one(self, instance: Any) -> Any:
        """Return an instance with its type."""
        kind = instance.type
        if kind not in PLAIN:
            _move(instance, kind)
        return instance if _is_flat(instance) else self._nested(instance)

    def several(self, instances: list[Any]) -> list[Any]:
        """Return each of them with its type."""
        return [self.one(each) for each in instances]

    def _nested(self, instance: Any) -> dict[str, Any]:
        """Return an instance with its sub-attributes, after all other members."""
        if instance.value_type is not UNSET or instance.object_type is not UNSET:
            raise _Special
        attributes, instance.attrs = instance.attrs, UNSET
        names = zip(instance.__struct_fields__, instance.__struct_encode_fields__, strict=True)
        shown = {name: each for member, name in names if (each := getattr(instance, member)) is not UNSET}
        for iri, instances in attributes.items():
            if iri in SEALED:
                raise _Special
            shown[self._compact(iri)] = (
                self.one(instances[0]) if len(instances) == 1 else self.several(instances)
            )
        return shown


class _Concise(_Normalized):
    def one(self, instance: Any) -> Any:
        """Return only the value if there is no metadata and the value is read back as the same."""
        kind, value = instance.type, instance.value
        if kind == "GeoProperty" or (kind == "Property" and memoryview(value)[0] not in CONTAINERS):
            if _has_only_value(instance):
                return value
            instance.type = UNSET
            return instance if _is_flat(instance) else self._nested(instance)
        shown = self._wrapped(instance)
        if shown is instance and kind == "Property" and instance.type is UNSET and _has_only_value(instance):
            return value if stands_alone(msgspec.json.decode(value)) else shown
        return shown

    def several(self, instances: list[Any]) -> list[Any]:
        """Return each of them with the name of its value's member."""
        return [self._wrapped(each) for each in instances]

    def _wrapped(self, instance: Any) -> Any:
        kind, value = instance.type, instance.value
        if kind not in PLAIN:
            _move(instance, kind)
        if not (
            kind == "Property"
            and memoryview(value)[0] in CONTAINERS
            and is_geometry(msgspec.json.decode(value))
        ):
            instance.type = UNSET
        return instance if _is_flat(instance) else self._nested(instance)


class _Simplified(_Printer):
    def stored(self, options: Options) -> Any:
        """Return the type without metadata."""
        return PrintedEntity[BareInstance]

    def one(self, instance: Any) -> Any:
        """Return only the value; language maps and raw JSON keep the name of their member."""
        kind, value = instance.type, instance.value
        if kind in PLAIN:
            return value
        if kind not in COPIED or value == NULL_RAW:
            raise _Special
        return value if kind in BARE else {VALUE_MEMBER[kind]: value}

    def several(self, instances: list[Any]) -> Any:
        """Return each of them by its datasetId."""
        return {"dataset": {each.dataset_id: self.one(each) for each in instances}}


_FORMS: dict[str, type[_Printer]] = {
    "normalized": _Normalized,
    "concise": _Concise,
    "simplified": _Simplified,
}


def _move(instance: Any, kind: str) -> None:
    """Move the value to the member of its type."""
    member = COPIED.get(kind)
    if member is None or instance.value == NULL_RAW:
        raise _Special
    setattr(instance, member, instance.value)
    instance.value = UNSET


def _is_flat(instance: Any) -> bool:
    return instance.attrs is UNSET and instance.value_type is UNSET and instance.object_type is UNSET


def _has_only_value(instance: Any) -> bool:
    """Return whether an instance has no member but its value."""
    if (
        instance.observed_at is not UNSET
        or instance.unit_code is not UNSET
        or instance.dataset_id is not UNSET
    ):
        return False
    if type(instance) is TimedInstance and not (
        instance.created_at is instance.modified_at is instance.expires_at is UNSET
    ):
        return False
    return _is_flat(instance)
