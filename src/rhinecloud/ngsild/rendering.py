"""From the stored form to what users get: normalized, concise, simplified, GeoJSON; names compact, attributes projected.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.1 to 4.5.5, 4.5.16 to 4.5.24, 4.15 (language filter) and 4.21 (projection).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rhinecloud.kernel.errors import Invalid, Unsupported
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import NULL, VALUE_MEMBER, Entity, Instance
from rhinecloud.ngsild.values import is_geometry

LOCATION = "https://uri.etsi.org/ngsi-ld/location"
SCOPE = "https://uri.etsi.org/ngsi-ld/scope"
_EXPIRES = "https://uri.etsi.org/ngsi-ld/expiresAt"
_CREATED = "https://uri.etsi.org/ngsi-ld/createdAt"
_MODIFIED = "https://uri.etsi.org/ngsi-ld/modifiedAt"
_SEALED_ID = "https://uri.etsi.org/ngsi-ld/entityIdSealed"
_SEALED_TYPE = "https://uri.etsi.org/ngsi-ld/entityTypeSealed"

_WEIGHTED = re.compile(r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:;q=([01](?:\.\d{1,3})?))?")


@dataclass(frozen=True, slots=True)
class Options:
    """How an entity is to be shown.

    `form` is `normalized`, `concise` or `simplified`. `pick`, `omit` and `attrs` hold IRIs as `context.expand` gives them
    (`id` is `@id`, `type` is `@type`): `pick` leaves nothing but what it names, `attrs` leaves id, type and scope too.
    `lang` is an order of preference (`parse_lang`); `dataset_ids` selects instances, '' being the default one.
    `geojson` gives a Feature, whose geometry is the GeoProperty with the IRI `geometry`.
    """

    form: str = "normalized"
    sys_attrs: bool = False
    pick: frozenset[str] = frozenset()
    omit: frozenset[str] = frozenset()
    attrs: frozenset[str] = frozenset()
    lang: tuple[str, ...] = ()
    dataset_ids: frozenset[str] = frozenset()
    geojson: bool = False
    geometry: str = LOCATION


def parse_names(text: str, context: Context, *, field: str = "attrs") -> frozenset[str]:
    """Read a list of member names, separated by commas or bars (clause 4.21), as IRIs; raises Invalid."""
    if "{" in text:
        raise Unsupported(f"{field}: projection of linked entities")
    try:
        return frozenset(_member(each, context) for each in re.split(r"[,|]", text))
    except Invalid as error:
        raise Invalid(error.reason, field=field) from None


def _member(name: str, context: Context) -> str:
    if name in ("id", "type"):
        return f"@{name}"
    return context.name(name)


def parse_lang(text: str) -> tuple[str, ...]:
    """Read a language filter (clause 4.15) into tags in order of preference; raises Invalid(field='lang')."""
    wanted: list[tuple[float, str]] = []
    for each in text.replace(" ", "").split(","):
        match = _WEIGHTED.fullmatch(each)
        if match is None:
            raise Invalid(f"{each!r} is not a language tag (RFC 5646) with an optional weight", field="lang")
        wanted.append((-float(match[2] or 1), match[1]))
    return tuple(tag for _, tag in sorted(wanted, key=lambda pair: pair[0]))


def render(entity: Entity, context: Context, options: Options) -> dict[str, Any]:
    """Show one entity; the members stand in the order id, type, scope, system times, attributes."""
    if options.geojson:
        return _feature(entity, context, options)
    return _members(entity, context, options)


def render_collection(entities: Iterable[Entity], context: Context, options: Options) -> dict[str, Any]:
    """Show entities as a GeoJSON FeatureCollection (clauses 4.5.16.3 and 4.5.17.2)."""
    features = [_feature(each, context, options) for each in entities]
    return {"type": "FeatureCollection", "features": features}


def render_attribute(instances: list[Instance], context: Context, options: Options) -> Any:
    """Show one attribute: an object or value, an array where there are several instances; None where none is left."""
    if options.dataset_ids:
        instances = [each for each in instances if each.dataset_id in options.dataset_ids]
        if not instances:
            return None
    if options.form == "simplified":
        return _simplified(instances, context, options)
    concise = options.form == "concise"
    if len(instances) == 1:
        return _instance(instances[0], context, options, concise)
    return [_instance(each, context, options, concise) for each in instances]


def render_instance(instance: Instance, context: Context, options: Options) -> Any:
    """Show one instance in the form that `options` asks for."""
    if options.form == "simplified":
        return _plain(instance, context, options)
    return _instance(instance, context, options, options.form == "concise")


def _members(entity: Entity, context: Context, options: Options) -> dict[str, Any]:
    compact = context.compact
    pick, omit, attrs = options.pick, options.omit, options.attrs
    types = entity.type
    shown: dict[str, Any] = {
        "id": entity.id,
        "type": compact(types[0]) if len(types) == 1 else [compact(each) for each in types],
    }
    if entity.scope:
        shown["scope"] = entity.scope[0] if len(entity.scope) == 1 else entity.scope
    if options.sys_attrs:
        if entity.created_at:
            shown["createdAt"] = entity.created_at
        if entity.modified_at:
            shown["modifiedAt"] = entity.modified_at
    if entity.expires_at:
        shown["expiresAt"] = entity.expires_at
    if pick or omit:
        shown = {name: member for name, member in shown.items() if _is_kept(_OWN[name], pick, omit)}
    for iri, instances in entity.attrs.items():
        if (attrs and iri not in attrs) or (pick and iri not in pick) or iri in omit:
            continue
        member = render_attribute(instances, context, options)
        if member is not None:
            shown[compact(iri)] = member
    return shown


_OWN = {
    "id": "@id",
    "type": "@type",
    "scope": SCOPE,
    "createdAt": _CREATED,
    "modifiedAt": _MODIFIED,
    "expiresAt": _EXPIRES,
}


def _is_kept(iri: str, pick: frozenset[str], omit: frozenset[str]) -> bool:
    return iri not in omit and (not pick or iri in pick or iri in (_CREATED, _MODIFIED))


def _feature(entity: Entity, context: Context, options: Options) -> dict[str, Any]:
    properties = _members(entity, context, options)
    feature: dict[str, Any] = {}
    if "id" in properties:
        feature["id"] = properties.pop("id")
    feature["type"] = "Feature"
    feature["geometry"] = geometry_of(entity, options)
    feature["properties"] = properties
    return feature


def geometry_of(entity: Entity, options: Options) -> dict[str, Any] | None:
    """Select the top-level geometry of a Feature (clause 4.5.16.1), None where there is none."""
    instances = entity.attrs.get(options.geometry, ())
    if options.dataset_ids:
        instances = [each for each in instances if each.dataset_id in options.dataset_ids]
        chosen = instances[0] if instances else None
    else:
        chosen = next((each for each in instances if not each.dataset_id), None)
    if chosen is None or not is_geometry(chosen.value):
        return None
    geometry: dict[str, Any] = chosen.value
    return geometry


def _instance(instance: Instance, context: Context, options: Options, concise: bool) -> Any:
    """Show an instance in normalized or concise form; concise leaves the type out, and the wrapping where it is empty."""
    kind = instance.type
    shown: dict[str, Any] = {} if concise else {"type": kind}
    if kind == "LanguageProperty" and options.lang and instance.value != NULL:
        if not concise:
            shown["type"] = "Property"
        shown["value"], shown["lang"] = _choose(instance.value, options.lang)
    elif kind == "Property" or kind == "GeoProperty":
        shown["value"] = instance.value
    else:
        shown[VALUE_MEMBER[kind]] = _value(instance, context, concise)
    if instance.unit_code:
        shown["unitCode"] = instance.unit_code
    if instance.observed_at:
        shown["observedAt"] = instance.observed_at
    if instance.dataset_id:
        shown["datasetId"] = instance.dataset_id
    if instance.value_type:
        shown["valueType"] = context.compact(instance.value_type)
    if instance.object_type:
        names = [context.compact(each) for each in instance.object_type]
        shown["objectType"] = names[0] if len(names) == 1 else names
    if instance.expires_at:
        shown["expiresAt"] = instance.expires_at
    if options.sys_attrs:
        if instance.created_at:
            shown["createdAt"] = instance.created_at
        if instance.modified_at:
            shown["modifiedAt"] = instance.modified_at
    if instance.attrs:
        _add_sub_attributes(shown, instance, context, options, concise)
    if concise and len(shown) == 1 and _is_plain(kind, shown):
        return shown["value"]
    return shown


def _is_plain(kind: str, shown: dict[str, Any]) -> bool:
    """Tell whether a concise value can stand alone and still be read as what it is (clauses 4.5.2.3 and 4.7.3)."""
    if kind == "GeoProperty":
        return True
    value = shown.get("value")
    if kind != "Property" or type(value) in (str, int, float, bool):
        return kind == "Property"
    return False


def _add_sub_attributes(
    shown: dict[str, Any], instance: Instance, context: Context, options: Options, concise: bool
) -> None:
    for iri, instances in instance.attrs.items():
        if iri == _SEALED_ID or iri == _SEALED_TYPE:
            shown[context.compact(iri)] = _sealed(iri, instances[0].value, context)
        elif len(instances) == 1:
            shown[context.compact(iri)] = _instance(instances[0], context, options, concise)
        else:
            shown[context.compact(iri)] = [_instance(each, context, options, concise) for each in instances]


def _sealed(iri: str, value: Any, context: Context) -> Any:
    """Show the entity id or types that a proof seals: they are not reified (clause 4.5.2.2)."""
    if iri == _SEALED_ID:
        return value
    return [context.compact(each) for each in value] if isinstance(value, list) else context.compact(value)


def _value(instance: Instance, context: Context, concise: bool) -> Any:
    value = instance.value
    kind = instance.type
    if value == NULL:
        return _NULLS.get(kind, NULL)
    if kind == "VocabProperty":
        return (
            [context.compact(each) for each in value] if isinstance(value, list) else context.compact(value)
        )
    if kind == "ListRelationship" and not concise:
        return [{"object": each} for each in value]
    return value


_NULLS: dict[str, Any] = {
    "LanguageProperty": {"@none": NULL},
    "ListProperty": [NULL],
    "ListRelationship": [NULL],
}


def _simplified(instances: list[Instance], context: Context, options: Options) -> Any:
    if len(instances) == 1:
        return _plain(instances[0], context, options)
    return {"dataset": {each.dataset_id or "@none": _plain(each, context, options) for each in instances}}


def _plain(instance: Instance, context: Context, options: Options) -> Any:
    """Show the mere value (clause 4.5.4)."""
    kind = instance.type
    if kind == "Property" or kind == "GeoProperty" or kind == "Relationship":
        return instance.value
    if kind == "LanguageProperty":
        if options.lang and instance.value != NULL:
            return _choose(instance.value, options.lang)[0]
        return {"languageMap": _value(instance, context, concise=True)}
    if kind == "VocabProperty":
        return {"vocab": _value(instance, context, concise=True)}
    if kind == "JsonProperty":
        return {"json": instance.value}
    return _value(instance, context, concise=True)


def _choose(language_map: dict[str, Any], preferred: tuple[str, ...]) -> tuple[Any, str]:
    """Choose the text in the best language: an exact tag, a wider or narrower one, else any (clause 4.15)."""
    by_tag = {tag.lower(): tag for tag in language_map}
    for wish in preferred:
        if wish == "*":
            break
        low = wish.lower()
        while low:
            if low in by_tag:
                return language_map[by_tag[low]], by_tag[low]
            low = low.rpartition("-")[0]
        narrower = next((tag for each, tag in by_tag.items() if each.startswith(f"{wish.lower()}-")), None)
        if narrower:
            return language_map[narrower], narrower
    tag = "@none" if "@none" in language_map else next(iter(language_map))
    return language_map[tag], tag
