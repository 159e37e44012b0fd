"""Shows the stored form of entities to clients: normalized, concise, simplified, GeoJSON; compact names.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.1 to 4.5.5, 4.5.16 to 4.5.24 and 4.7.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import NULL, VALUE_MEMBER, Entity, Instance
from rhinecloud.ngsild.instances import SEALED_ID, SEALED_TYPE, is_wrapped
from rhinecloud.ngsild.options import Options, choose_text, parse_lang, parse_names
from rhinecloud.ngsild.values import is_geometry

__all__ = [
    "Options",
    "geometry_of",
    "parse_lang",
    "parse_names",
    "render",
    "render_attribute",
    "render_collection",
    "render_instance",
]

SCOPE = "https://uri.etsi.org/ngsi-ld/scope"
_CREATED = "https://uri.etsi.org/ngsi-ld/createdAt"
_MODIFIED = "https://uri.etsi.org/ngsi-ld/modifiedAt"
_EXPIRES = "https://uri.etsi.org/ngsi-ld/expiresAt"
OWN = {
    "id": "@id",
    "type": "@type",
    "scope": SCOPE,
    "createdAt": _CREATED,
    "modifiedAt": _MODIFIED,
    "expiresAt": _EXPIRES,
}
_SYSTEM = frozenset((_CREATED, _MODIFIED, _EXPIRES))
PLAIN = frozenset(("Property", "GeoProperty"))
_NULLS: dict[str, Any] = {
    "LanguageProperty": {"@none": NULL},
    "ListProperty": [NULL],
    "ListRelationship": [NULL],
}


def render(entity: Entity, context: Context, options: Options) -> dict[str, Any]:
    """Return one entity as shown: id, type, scope, system times, attributes, in this order."""
    if options.geojson:
        return _feature(entity, context, options)
    return _members(entity, context, options)


def render_collection(entities: Iterable[Entity], context: Context, options: Options) -> dict[str, Any]:
    """Return entities as a GeoJSON FeatureCollection (clauses 4.5.16.3 and 4.5.17.2)."""
    features = [_feature(each, context, options) for each in entities]
    return {"type": "FeatureCollection", "features": features}


def render_attribute(instances: list[Instance], context: Context, options: Options) -> Any:
    """Return one attribute as shown: an object or value, an array of several instances; None if none is left."""
    if options.dataset_ids:
        instances = [each for each in instances if each.dataset_id in options.dataset_ids]
        if not instances:
            return None
    if options.form == "simplified":
        if len(instances) == 1:
            return _simplified(instances[0], context, options)
        return {
            "dataset": {each.dataset_id or "@none": _simplified(each, context, options) for each in instances}
        }
    return _shown(instances, context, options)


def render_instance(instance: Instance, context: Context, options: Options) -> Any:
    """Return one instance in the form of `options`."""
    return _SHOWS[options.form](instance, context, options)


def geometry_of(entity: Entity, options: Options) -> dict[str, Any] | None:
    """Return the top-level geometry of a Feature (clause 4.5.16.1), None where there is none."""
    wanted = options.dataset_ids or ("",)
    for instance in entity.attrs.get(options.geometry, ()):
        if instance.dataset_id in wanted and is_geometry(instance.value):
            geometry: dict[str, Any] = instance.value
            return geometry
    return None


def head_of(entity: Any, compact: Callable[[str], str]) -> dict[str, Any]:
    """Return an entity's id, types and scopes as shown; id and scopes may be encoded bytes."""
    types, scope = entity.type, entity.scope
    shown: dict[str, Any] = {
        "id": entity.id,
        "type": compact(types[0]) if len(types) == 1 else [compact(each) for each in types],
    }
    if scope:
        shown["scope"] = scope[0] if len(scope) == 1 else scope
    return shown


def _members(entity: Entity, context: Context, options: Options) -> dict[str, Any]:
    compact = context.compact
    pick, omit, attrs = options.pick, options.omit, options.attrs
    shown = head_of(entity, compact)
    if options.sys_attrs:
        _add_times(shown, entity)
    if pick or omit:
        shown = {name: member for name, member in shown.items() if is_kept(OWN[name], pick, omit)}
    for iri, instances in entity.attrs.items():
        if (attrs and iri not in attrs) or (pick and iri not in pick) or iri in omit:
            continue
        member = render_attribute(instances, context, options)
        if member is not None:
            shown[compact(iri)] = member
    return shown


def is_kept(iri: str, pick: frozenset[str], omit: frozenset[str]) -> bool:
    return iri not in omit and (not pick or iri in pick or iri in _SYSTEM)


def _add_times(shown: dict[str, Any], of: Entity | Instance) -> None:
    """Add the system attributes of clause 6.3.11 that are known."""
    if of.created_at:
        shown["createdAt"] = of.created_at
    if of.modified_at:
        shown["modifiedAt"] = of.modified_at
    if of.expires_at:
        shown["expiresAt"] = of.expires_at


def _feature(entity: Entity, context: Context, options: Options) -> dict[str, Any]:
    properties = _members(entity, context, options)
    feature: dict[str, Any] = {}
    if "id" in properties:
        feature["id"] = properties.pop("id")
    feature["type"] = "Feature"
    feature["geometry"] = geometry_of(entity, options)
    feature["properties"] = properties
    return feature


def _normalized(instance: Instance, context: Context, options: Options) -> dict[str, Any]:
    kind = instance.type
    if kind in PLAIN:
        shown = {"type": kind, "value": instance.value}
    elif kind == "LanguageProperty" and options.lang and instance.value != NULL:
        text, tag = choose_text(instance.value, options.lang)
        shown = {"type": "Property", "value": text, "lang": tag}
    else:
        shown = {"type": kind, VALUE_MEMBER[kind]: _value(instance, context)}
        if kind == "ListRelationship" and instance.value != NULL:
            shown["objectList"] = [{"object": each} for each in instance.value]
    _add_metadata(shown, instance, context, options)
    return shown


def _concise(instance: Instance, context: Context, options: Options) -> Any:
    """Return an instance without its type; only the value if it has no metadata and is read back as the same."""
    shown = _wrapped(instance, context, options)
    if (
        len(shown) == 1
        and "value" in shown
        and (instance.type == "GeoProperty" or stands_alone(shown["value"]))
    ):
        return shown["value"]
    return shown


def _wrapped(instance: Instance, context: Context, options: Options) -> dict[str, Any]:
    kind, value = instance.type, instance.value
    if kind in PLAIN:
        shown = {"value": value}
        if kind == "Property" and is_geometry(value):
            shown = {"type": kind, "value": value}
    elif kind == "LanguageProperty" and options.lang and value != NULL:
        text, tag = choose_text(value, options.lang)
        shown = {"value": text, "lang": tag}
    else:
        shown = {VALUE_MEMBER[kind]: _value(instance, context)}
    _add_metadata(shown, instance, context, options)
    return shown


def stands_alone(value: Any) -> bool:
    """Return whether a Property's value alone is read back as the same Property (clause 4.5.2.3)."""
    if type(value) is dict:
        return not (is_wrapped(value) or "type" in value or "dataset" in value)
    if type(value) is list:
        return not (value and all(type(each) is dict and is_wrapped(each) for each in value))
    return True


def _add_metadata(shown: dict[str, Any], instance: Instance, context: Context, options: Options) -> None:
    if instance.unit_code:
        shown["unitCode"] = instance.unit_code
    if instance.observed_at:
        shown["observedAt"] = instance.observed_at
    if instance.dataset_id:
        shown["datasetId"] = instance.dataset_id
    if instance.value_type:
        shown["valueType"] = context.compact(instance.value_type)
    if instance.object_type:
        names = _compacted(instance.object_type, context)
        shown["objectType"] = names[0] if len(names) == 1 else names
    if options.sys_attrs:
        _add_times(shown, instance)
    if instance.attrs:
        _add_sub_attributes(shown, instance, context, options)


def _add_sub_attributes(
    shown: dict[str, Any], instance: Instance, context: Context, options: Options
) -> None:
    for iri, instances in instance.attrs.items():
        if iri == SEALED_ID:
            shown["entityIdSealed"] = instances[0].value
        elif iri == SEALED_TYPE:
            shown["entityTypeSealed"] = _compacted(instances[0].value, context)
        else:
            shown[context.compact(iri)] = _shown(instances, context, options)


def _shown(instances: list[Instance], context: Context, options: Options) -> Any:
    """Return an attribute in normalized or concise form; several instances are an array of objects."""
    if options.form == "concise":
        if len(instances) == 1:
            return _concise(instances[0], context, options)
        return [_wrapped(each, context, options) for each in instances]
    if len(instances) == 1:
        return _normalized(instances[0], context, options)
    return [_normalized(each, context, options) for each in instances]


def _compacted(iris: str | list[str], context: Context) -> str | list[str]:
    return context.compact(iris) if isinstance(iris, str) else [context.compact(each) for each in iris]


def _value(instance: Instance, context: Context) -> Any:
    value = instance.value
    if value == NULL:
        return _NULLS.get(instance.type, NULL)
    return _compacted(value, context) if instance.type == "VocabProperty" else value


def _simplified(instance: Instance, context: Context, options: Options) -> Any:
    """Return only the value; language maps, vocabulary terms and raw JSON keep the name of their member (clause
    4.5.4).
    """
    kind = instance.type
    if kind in _WRAPPED:
        if kind == "LanguageProperty" and options.lang and instance.value != NULL:
            return choose_text(instance.value, options.lang)[0]
        return {VALUE_MEMBER[kind]: _value(instance, context)}
    return _value(instance, context)


_WRAPPED = frozenset(("LanguageProperty", "VocabProperty", "JsonProperty"))
_SHOWS: Mapping[str, Callable[[Instance, Context, Options], Any]] = {
    "normalized": _normalized,
    "concise": _concise,
    "simplified": _simplified,
}
