"""Laws that hold for any entity, fragment and @context: of merging, of showing in part, of GeoJSON, of names."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ngsild.entities import DEFAULT, ENTITIES, IRIS, VALUES
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.context import Context, compile_context, core_context
from rhinecloud.ngsild.entity import NULL, Entity, Instance
from rhinecloud.ngsild.merging import merge_json
from rhinecloud.ngsild.parsing import parse_entity, parse_fragment
from rhinecloud.ngsild.rendering import Options, render

NOW = "2026-03-01T12:00:00Z"
CORE = core_context()
SYSTEM = {"created_at": "", "modified_at": ""}


def bare(entity: Entity) -> Any:
    """Give what an entity says, without its times and without regard to the order of instances and scopes."""
    return (set(entity.type), set(entity.scope), entity.expires_at, _bare(entity.attrs))


def _bare(attrs: dict[str, list[Instance]]) -> Any:
    return {name: {each.dataset_id: _said(each) for each in instances} for name, instances in attrs.items()}


def _said(instance: Instance) -> Any:
    said = {name: getattr(instance, name) for name in instance.__struct_fields__ if name not in SYSTEM}
    return {**said, "attrs": _bare(instance.attrs)}


def read(document: dict[str, Any], *, partial: bool = True) -> Entity:
    """Read a document as a fragment, as a merge does."""
    return parse_fragment(orjson.loads(orjson.dumps(document)), CORE, partial=partial)


def shown(entity: Entity, context: Context = CORE, **options: Any) -> dict[str, Any]:
    """Show an entity with its system attributes, among which is when it ends; a reader passes over the others."""
    found: dict[str, Any] = orjson.loads(
        orjson.dumps(render(entity, context, Options(**{"sys_attrs": True, **options})))
    )
    return found


SAID: list[dict[str, Any]] = [
    {"type": "Property", "value": 1},
    {"type": "Property", "value": {"a": 1, "b": {"a": [1], "c": "x"}}, "unitCode": "CEL"},
    {"type": "Property", "value": {"b": {"a": 2}, "type": "Point"}},
    {"type": "Property", "value": [1, {"a": 1}]},
    {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [6.7, 51.4]}},
    {"type": "Relationship", "object": "urn:x:1", "objectType": "A"},
    {"type": "Relationship", "object": ["urn:x:1", "urn:x:2"]},
    {"type": "LanguageProperty", "languageMap": {"de": "x"}},
    {"type": "LanguageProperty", "languageMap": {"de": "y", "en": ["x", "z"], "@none": "w"}},
    {"type": "VocabProperty", "vocab": "a"},
    {"type": "VocabProperty", "vocab": ["a", "b"]},
    {"type": "JsonProperty", "json": {"a": None, "b": {"a": 1}, "id": 1}},
    {"type": "JsonProperty", "json": [{"a": None}]},
    {"type": "ListProperty", "valueList": [1, "x"]},
    {"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}]},
]
"""Attributes of every kind, as users send them."""
TAKEN: list[dict[str, Any]] = [
    {"type": "Property", "value": NULL},
    {"type": "Property", "value": {"a": NULL}},
    {"type": "Property", "value": {"b": {"a": NULL, "d": 1}, "a": 3}},
    {"type": "Relationship", "object": NULL},
    {"type": "GeoProperty", "value": NULL},
    {"type": "LanguageProperty", "languageMap": {"@none": NULL}},
    {"type": "LanguageProperty", "languageMap": {"de": NULL}},
    {"type": "LanguageProperty", "languageMap": {"en": NULL, "fr": "v"}},
    {"type": "JsonProperty", "json": {"b": NULL, "c": None}},
    {"type": "VocabProperty", "vocab": NULL},
    {"type": "ListProperty", "valueList": NULL},
    {"observedAt": NULL},
    {"observedAt": "2026-03-01T13:00:00Z"},
    {"value": {"a": 5}},
    {"type": "Property", "value": 1, "unitCode": NULL},
]
"""What asks that something be removed, in every way there is, and what says a part only."""
TOLD = st.sampled_from(
    [{}, {}, {"observedAt": "2026-03-01T12:00:00Z"}, {"expiresAt": "2100-01-01T00:00:00Z"}]
)
NAMES = st.sampled_from(["a", "b", "größe"])


def _attribute(said: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Any]:
    """Draw one or two instances, each with metadata and at most one attribute of its own."""
    one = st.builds(
        lambda base, told, inner: {**told, **inner, **base},
        said,
        TOLD,
        st.dictionaries(NAMES, said, max_size=1),
    )
    two = st.builds(lambda first, second: [first, {**second, "datasetId": "urn:d:1"}], one, one)
    return one | two


def _entity(members: dict[str, Any], scope: list[str]) -> Entity:
    given = {"id": "urn:x:1", "type": "T", **members, **({"scope": scope} if scope else {})}
    return parse_entity(given, CORE, now="2026-03-01T11:00:00Z")


KNOWN = st.builds(
    _entity,
    st.dictionaries(NAMES, _attribute(st.sampled_from(SAID)), max_size=3),
    st.sampled_from([[], ["/a"], ["/a", "/b/c"]]),
)
"""Entities as a store would have them."""
CHANGES = st.dictionaries(NAMES, _attribute(st.sampled_from(SAID + TAKEN)), max_size=3)
"""Fragments as a merge gets them, nulls and all."""


def merged(entity: Entity, document: dict[str, Any]) -> Entity:
    """Merge a document into an entity; examples that the language refuses are left out."""
    try:
        return patch.merge(entity, read(document), NOW).entity
    except Invalid:
        assume(False)
        raise AssertionError from None


@given(KNOWN, CHANGES)
@settings(max_examples=200)
def test_merging_twice_is_merging_once(entity: Entity, document: dict[str, Any]) -> None:
    once = merged(entity, document)
    assert bare(merged(once, document)) == bare(once)


@given(KNOWN, CHANGES)
@settings(max_examples=200)
def test_what_a_merge_leaves_is_an_entity_that_reads_back(entity: Entity, document: dict[str, Any]) -> None:
    after = merged(entity, document)
    assert NULL not in orjson.dumps(shown(after)).decode()
    for form in ("normalized", "concise"):
        assert bare(parse_entity(shown(after, form=form), CORE)) == bare(after)


@given(KNOWN, CHANGES)
def test_what_is_null_is_gone_and_what_is_not_named_stays(entity: Entity, document: dict[str, Any]) -> None:
    after = merged(entity, document)
    fragment = read(document)
    for name, instances in fragment.attrs.items():
        for each in instances:
            left = {other.dataset_id for other in after.attrs.get(name, ())}
            emptied = "LanguageProperty" in (each.type, *(other.type for other in entity.attrs.get(name, ())))
            assert (each.dataset_id in left) is (each.value != NULL) or emptied
    for name in entity.attrs.keys() - fragment.attrs.keys():
        assert after.attrs[name] == entity.attrs[name]


@given(KNOWN)
def test_merging_what_is_there_already_changes_nothing(entity: Entity) -> None:
    for form in ("normalized", "concise"):
        assert bare(merged(entity, shown(entity, form=form))) == bare(entity)


@given(KNOWN, CHANGES, CHANGES)
def test_fragments_that_share_no_attribute_merge_in_any_order(
    entity: Entity, one: dict[str, Any], other: dict[str, Any]
) -> None:
    other = {name: member for name, member in other.items() if name not in one}
    assert bare(merged(merged(entity, one), other)) == bare(merged(merged(entity, other), one))


OBJECTS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)
PATCHES = st.recursive(
    VALUES | st.just(NULL),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=8,
)


def rfc_7396(target: Any, change: Any) -> Any:
    """Merge as the pseudocode of IETF RFC 7396 does, with NGSI-LD null in the place of null."""
    if not isinstance(change, dict):
        return change
    result = copy.deepcopy(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if isinstance(value, str) and value == NULL:
            result.pop(name, None)
        else:
            result[name] = rfc_7396(result.get(name), value)
    return result


@given(OBJECTS, PATCHES)
@settings(max_examples=300)
def test_values_merge_as_rfc_7396_says(target: Any, change: Any) -> None:
    before = copy.deepcopy((target, change))
    result = merge_json(target, change)
    assert result == rfc_7396(target, change)
    assert merge_json(result, change) == result
    assert merge_json(target, {}) == target
    assert (target, change) == before, "neither side is changed"


@given(ENTITIES)
def test_a_feature_holds_the_whole_entity(entity: Entity) -> None:
    for form in ("normalized", "concise"):
        feature = shown(entity, form=form, geojson=True)
        assert (feature["type"], feature["id"]) == ("Feature", entity.id)
        assert bare(parse_entity({"id": feature["id"], **feature["properties"]}, CORE)) == bare(entity)


@given(KNOWN, st.sets(IRIS, min_size=1))
def test_what_is_picked_and_what_is_omitted_are_the_whole(entity: Entity, names: set[str]) -> None:
    whole = shown(entity, sys_attrs=False)
    picked = shown(entity, sys_attrs=False, pick=frozenset(names))
    omitted = shown(entity, sys_attrs=False, omit=frozenset(names))
    assert picked.keys().isdisjoint(omitted)
    assert {**omitted, **picked} == whole
    assert shown(entity, sys_attrs=False, attrs=frozenset(names)).keys() - picked.keys() <= {
        "id",
        "type",
        "scope",
    }


@given(KNOWN)
def test_the_instances_by_dataset_are_all_instances(entity: Entity) -> None:
    for name, instances in entity.attrs.items():
        found = []
        for dataset in ("", "urn:d:1", "urn:d:2"):
            part = parse_entity(shown(entity, dataset_ids=frozenset((dataset,))), CORE)
            found += part.attrs.get(name, [])
        assert _bare({name: found}) == _bare({name: instances})


TERMS = st.sampled_from(["a", "b", "level", "Vessel", "größe", "ex", "n"])
MEANINGS = st.sampled_from(
    [
        "https://example.org/",
        "https://example.org/a",
        f"{DEFAULT}a",
        f"{DEFAULT}level",
        "urn:x:",
        "ex:a",
        "n:b",
    ]
)
CONTEXTS = st.lists(
    st.dictionaries(
        TERMS,
        MEANINGS
        | MEANINGS.map(lambda iri: {"@id": iri})
        | MEANINGS.map(lambda iri: {"@id": iri, "@type": "@vocab"})
        | MEANINGS.map(lambda iri: {"@id": iri, "@prefix": True}),
        max_size=5,
    ),
    min_size=1,
    max_size=3,
)


@given(CONTEXTS, TERMS, st.sampled_from(["", "a", "b/c", "level"]))
@settings(max_examples=300)
def test_names_are_compacted_so_that_they_expand_again(
    bodies: list[dict[str, Any]], term: str, tail: str
) -> None:
    try:
        context = compile_context(bodies, {})
    except Invalid:
        assume(False)
    iri = context.expand(term)
    assert context.expand(context.compact(iri)) == iri
    for other in (f"https://example.org/{tail}", f"{DEFAULT}{tail or 'x'}", f"urn:x:{tail or 'y'}"):
        assert context.expand(context.compact(other)) == other


@given(CONTEXTS, KNOWN)
@settings(max_examples=150)
def test_an_entity_reads_back_in_the_words_of_any_context(
    bodies: list[dict[str, Any]], entity: Entity
) -> None:
    try:
        context = compile_context(bodies, {})
    except Invalid:
        assume(False)
    for form in ("normalized", "concise"):
        assert bare(parse_entity(shown(entity, context, form=form), context)) == bare(entity)


@pytest.mark.parametrize("form", ["normalized", "concise"])
def test_a_language_map_of_which_every_language_is_removed_is_gone(form: str) -> None:
    entity = parse_entity({"id": "urn:x:1", "type": "X", "a": {"languageMap": {"de": "x"}}, "b": 1}, CORE)
    after = merged(entity, {"a": {"languageMap": {"de": NULL}}})
    assert parse_entity(shown(after, form=form), CORE).attrs.keys() == after.attrs.keys()


def test_an_attribute_that_becomes_one_of_another_kind_keeps_no_words_of_the_old() -> None:
    entity = parse_entity({"id": "urn:x:1", "type": "X", "a": {"value": 1, "unitCode": "MTR"}}, CORE)
    after = merged(entity, {"a": {"type": "Relationship", "object": "urn:x:2"}})
    assert shown(after, form="concise", sys_attrs=False)["a"] == {"object": "urn:x:2"}
    with pytest.raises(Invalid, match="unitCode"):
        patch.merge(after, read({"a": {"unitCode": "MTR"}}), NOW)


def test_nulls_never_stay_in_a_value_whose_kind_changes() -> None:
    entity = parse_entity({"id": "urn:x:1", "type": "X", "a": {"object": "urn:x:2"}}, CORE)
    after = merged(entity, {"a": {"type": "Property", "value": {"b": NULL, "c": 1}}})
    assert shown(after, form="concise", sys_attrs=False)["a"] == {"c": 1}
