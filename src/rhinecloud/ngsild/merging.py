"""How one attribute instance merges with another, and one JSON value with another.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.5.8 (members overwrite) and 5.5.12 (merge to any depth); IETF RFC 7396,
with NGSI-LD null instead of null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace as with_members

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.entity import NULL, Instance
from rhinecloud.ngsild.instances import check_fit
from rhinecloud.ngsild.parsing import ABSENT
from rhinecloud.ngsild.values import check_geometry, check_uri

Expand = Callable[[str], str]


def merge_json(present: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396) without changing either side; NGSI-LD null removes."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(present) if isinstance(present, dict) else {}
    for name, value in patch.items():
        if value == NULL:
            merged.pop(name, None)
        else:
            merged[name] = merge_json(merged.get(name), value)
    return merged


def settle(instance: Instance) -> Instance:
    """Return a fragment's instance as a complete one, without NGSI-LD nulls; raise Invalid where it has no value."""
    if instance.type and not instance.attrs and not _has_nulls(instance):
        return instance
    attrs = {}
    for name, instances in instance.attrs.items():
        kept = [each for each in map(settle, _without_nulls(instances)) if not is_emptied(each)]
        if any(each.value is ABSENT for each in kept):
            raise Invalid("must be given for a new attribute", field=name)
        if kept:
            attrs[name] = kept
    return with_members(
        instance,
        type=instance.type or "Property",
        value=merge_json(None, instance.value),
        observed_at=_unless_null(instance.observed_at),
        unit_code=_unless_null(instance.unit_code),
        value_type=_unless_null(instance.value_type),
        object_type=[] if instance.object_type == [NULL] else instance.object_type,
        expires_at=_unless_null(instance.expires_at),
        attrs=attrs,
    )


def is_emptied(instance: Instance) -> bool:
    """Return whether a LanguageProperty has lost its last language, and with it its value (clause 5.2.32)."""
    return instance.type == "LanguageProperty" and instance.value == {}


def merge_instance(
    present: Instance,
    patch: Instance,
    now: str,
    *,
    shallow: bool = False,
    lang: str = "",
    expand: Expand | None = None,
) -> Instance:
    """Return `present` with the members of `patch`; `shallow` replaces values and sub-attributes; raise Invalid."""
    kind, value = present.type, present.value
    if patch.value is not ABSENT:
        kind, value = _merged_value(present, patch, shallow=shallow, lang=lang, expand=expand)
    elif patch.type not in ("", kind):
        raise Invalid(f"must not change from {kind} to {patch.type} without a value", field="type")
    if kind != present.type:
        present = _without_metadata_of_type(present)
    merged = with_members(
        present,
        type=kind,
        value=value,
        observed_at=_chosen(present.observed_at, patch.observed_at),
        unit_code=_chosen(present.unit_code, patch.unit_code),
        value_type=_chosen(present.value_type, patch.value_type),
        object_type=[] if patch.object_type == [NULL] else patch.object_type or present.object_type,
        expires_at=_chosen(present.expires_at, patch.expires_at),
        modified_at=now,
        attrs=_merged_attrs(present, patch, now, shallow) if patch.attrs else present.attrs,
    )
    check_fit(merged)
    return merged


def _without_metadata_of_type(instance: Instance) -> Instance:
    """Return an instance without the metadata of its type, before that type changes."""
    return with_members(instance, unit_code="", value_type="", object_type=[])


def _merged_attrs(present: Instance, patch: Instance, now: str, shallow: bool) -> dict[str, list[Instance]]:
    attrs = dict(present.attrs)
    for name, instances in patch.attrs.items():
        for each in instances:
            kept = [other for other in attrs.get(name, []) if other.dataset_id != each.dataset_id]
            if each.value != NULL:
                old = next((o for o in attrs.get(name, []) if o.dataset_id == each.dataset_id), None)
                after = _merged_sub_attribute(old, each, now, shallow, name)
                kept += [] if is_emptied(after) else [after]
            if kept:
                attrs[name] = kept
            else:
                attrs.pop(name, None)
    return attrs


def _merged_sub_attribute(
    old: Instance | None, patch: Instance, now: str, shallow: bool, name: str
) -> Instance:
    if old is not None and not shallow:
        return merge_instance(old, patch, now)
    if patch.value is ABSENT:
        raise Invalid("must be given for a new attribute", field=name)
    created = old.created_at if old is not None else now
    return with_members(settle(patch), created_at=created, modified_at=now)


def _merged_value(
    present: Instance, patch: Instance, *, shallow: bool, lang: str, expand: Expand | None
) -> tuple[str, Any]:
    kind = patch.type or present.type
    value = patch.value
    if not patch.type and kind not in ("Property", "JsonProperty"):
        value = _adapted(kind, present.value, value, lang, expand)
    if shallow or kind == "GeoProperty":
        return kind, value
    return kind, merge_json(present.value if kind == present.type else None, value)


def _adapted(kind: str, present: Any, value: Any, lang: str, expand: Expand | None) -> Any:
    """Return a value that was sent without a type, converted to the attribute's type (clause 5.6.17)."""
    if kind == "LanguageProperty":
        if lang and isinstance(value, str | list):
            return {lang: value}
        if not isinstance(value, dict):
            raise Invalid(
                "must be a language map, or a string with the parameter lang, for a LanguageProperty"
            )
        return value
    if kind == "Relationship":
        return [check_uri(each) for each in value] if isinstance(value, list) else check_uri(value)
    if kind == "GeoProperty":
        return check_geometry(value)
    if kind == "VocabProperty":
        full = expand or str
        return [full(each) for each in value] if isinstance(value, list) else full(value)
    if not isinstance(value, list):
        raise Invalid(f"must be an array for a {kind}")
    return [check_uri(each) for each in value] if kind == "ListRelationship" else value


def _without_nulls(instances: Iterable[Instance]) -> list[Instance]:
    return [each for each in instances if each.value != NULL]


def _chosen(present: str, patch: str) -> str:
    return "" if patch == NULL else patch or present


def _unless_null(text: str) -> str:
    return "" if text == NULL else text


def _has_nulls(instance: Instance) -> bool:
    texts = (instance.observed_at, instance.unit_code, instance.value_type, instance.expires_at)
    return type(instance.value) is dict or NULL in texts or instance.object_type == [NULL]
