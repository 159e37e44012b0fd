"""Reading entities, fragments and attributes: clauses 4.5, 5.2.4 to 5.2.8, 5.4 and 5.5.4."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ngsild.conftest import NOW
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context, compile_context, core_context
from rhinecloud.ngsild.entity import NULL, Entity, Instance
from rhinecloud.ngsild.parsing import ABSENT, parse_attribute, parse_entity, parse_fragment

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"
NGSI = "https://uri.etsi.org/ngsi-ld/"


def only(value: Any, context: Context | None = None) -> Instance:
    """Read the single instance of an attribute `a` with this value."""
    entity = parse_entity({"id": "urn:a:1", "type": "T", "a": value}, context or core_context())
    (instance,) = entity.attrs[DEFAULT + "a"]
    return instance


def refused(member: Any, name: str = "a") -> Invalid:
    """Give the error for an entity with this member."""
    with pytest.raises(Invalid) as raised:
        parse_entity({"id": "urn:a:1", "type": "T", name: member}, core_context())
    return raised.value


def test_id_and_types_are_read_and_names_expanded(house: Entity) -> None:
    assert house.id == "urn:ngsi-ld:House:1"
    assert house.type == [DEFAULT + "House", DEFAULT + "Monument"]
    assert house.scope == ["/Duisburg/Ruhrort", "/Museum"]
    assert DEFAULT + "temperature" in house.attrs
    assert NGSI + "location" in house.attrs


def test_now_becomes_the_system_times_of_entity_attributes_and_sub_attributes(house: Entity) -> None:
    roof = house.attrs[DEFAULT + "temperature"][1]
    assert house.created_at == house.modified_at == NOW
    assert roof.created_at == roof.attrs[DEFAULT + "accuracy"][0].modified_at == NOW


def test_the_keywords_themselves_and_aliases_of_them_may_stand_for_id_and_type() -> None:
    context = compile_context({"kind": "@type"}, {})
    assert parse_entity({"@id": "urn:a:1", "@type": "T"}, context) == parse_entity(
        {"id": "urn:a:1", "kind": "T"}, context
    )
    with pytest.raises(Invalid, match="only once"):
        parse_entity({"id": "urn:a:1", "@id": "urn:a:2", "type": "T"}, context)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"type": "T"}, "id"),
        ({"id": "not a uri", "type": "T"}, "id"),
        ({"id": "urn:a:" + "x" * 2_043, "type": "T"}, "id"),
        ({"id": None, "type": "T"}, "id"),
        ({"id": NULL, "type": "T"}, "id"),
        ({"id": "urn:a:1"}, "type"),
        ({"id": "urn:a:1", "type": []}, "type"),
        ({"id": "urn:a:1", "type": ["T", 5]}, "type"),
        ({"id": "urn:a:1", "type": "type"}, "type"),
        ({"id": "urn:a:1", "type": "a b"}, "type"),
        ({"id": "urn:a:1", "type": {"x": 1}}, "type"),
        ({"id": "urn:a:1", "type": "T", "scope": "a b"}, "scope"),
        ({"id": "urn:a:1", "type": "T", "scope": NULL}, "scope"),
        ({"id": "urn:a:1", "type": "T", "expiresAt": "tomorrow"}, "expiresAt"),
    ],
)
def test_an_entity_without_proper_id_type_or_scope_is_refused(data: Any, field: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_entity(data, core_context())
    assert raised.value.field == field


@pytest.mark.parametrize("data", [None, 5, "text", [], [{"id": "urn:a:1", "type": "T"}]])
def test_an_entity_is_an_object(data: Any) -> None:
    with pytest.raises(Invalid):
        parse_entity(data, core_context())


def test_system_members_that_users_send_are_ignored() -> None:
    entity = parse_entity(
        {
            "id": "urn:a:1",
            "type": "T",
            "createdAt": "x",
            "modifiedAt": "y",
            "a": {"value": 1, "instanceId": "z"},
        },
        core_context(),
    )
    assert entity.created_at == "" and list(entity.attrs) == [DEFAULT + "a"]
    assert not entity.attrs[DEFAULT + "a"][0].attrs


@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        (5, "Property", 5),
        ("text", "Property", "text"),
        (True, "Property", True),
        ([1, 2], "Property", [1, 2]),
        ([{"x": 1}], "Property", [{"x": 1}]),
        ({"city": "Duisburg"}, "Property", {"city": "Duisburg"}),
        ({"@type": "Date", "@value": "2026-01-01"}, "Property", {"@type": "Date", "@value": "2026-01-01"}),
        ({"value": 5}, "Property", 5),
        (
            {"type": "Point", "coordinates": [6.7, 51.4]},
            "GeoProperty",
            {"type": "Point", "coordinates": [6.7, 51.4]},
        ),
        (
            {"value": {"type": "Point", "coordinates": [6, 51]}},
            "GeoProperty",
            {"type": "Point", "coordinates": [6, 51]},
        ),
        ({"object": "urn:b:1"}, "Relationship", "urn:b:1"),
        ({"object": ["urn:b:1", "urn:b:2"]}, "Relationship", ["urn:b:1", "urn:b:2"]),
        ({"languageMap": {"de": "Haus"}}, "LanguageProperty", {"de": "Haus"}),
        ({"vocab": "red"}, "VocabProperty", DEFAULT + "red"),
        (
            {"vocab": ["red", "https://example.org/blue"]},
            "VocabProperty",
            [DEFAULT + "red", "https://example.org/blue"],
        ),
        ({"json": {"id": None}}, "JsonProperty", {"id": None}),
        ({"json": [1, {"type": "Point"}]}, "JsonProperty", [1, {"type": "Point"}]),
        ({"valueList": [1, "a"]}, "ListProperty", [1, "a"]),
        ({"objectList": [{"object": "urn:b:1"}, "urn:b:2"]}, "ListRelationship", ["urn:b:1", "urn:b:2"]),
    ],
)
def test_the_type_of_a_concise_attribute_is_inferred_from_its_members(
    written: Any, kind: str, value: Any
) -> None:
    instance = only(written)
    assert (instance.type, instance.value) == (kind, value)


def test_a_geometry_may_come_as_a_text() -> None:
    instance = only({"type": "GeoProperty", "value": '{"type": "Point", "coordinates": [6.7, 51.4]}'})
    assert instance.value == {"type": "Point", "coordinates": [6.7, 51.4]}


def test_metadata_are_read() -> None:
    instance = only(
        {
            "value": 5,
            "unitCode": "CEL",
            "observedAt": "2026-03-01T12:00:00Z",
            "datasetId": "urn:d:1",
            "expiresAt": "2027-01-01T00:00:00Z",
            "valueType": "Integer",
        }
    )
    assert instance.unit_code == "CEL" and instance.observed_at == "2026-03-01T12:00:00Z"
    assert instance.dataset_id == "urn:d:1" and instance.expires_at == "2027-01-01T00:00:00Z"
    assert instance.value_type == DEFAULT + "Integer"
    assert only({"object": "urn:b:1", "objectType": ["A", "B"]}).object_type == [DEFAULT + "A", DEFAULT + "B"]
    assert only({"value": 5, "datasetId": "@none"}).dataset_id == ""


def test_attributes_of_attributes_nest(house: Entity) -> None:
    instance = only({"value": 1, "b": {"object": "urn:b:1", "c": {"value": 2, "d": "e"}}})
    deep = instance.attrs[DEFAULT + "b"][0].attrs[DEFAULT + "c"][0].attrs[DEFAULT + "d"][0]
    assert deep == Instance(value="e")


def test_attributes_of_attributes_without_end_are_refused() -> None:
    member: Any = {"value": 1}
    for _ in range(40):
        member = {"value": 1, "b": member}
    assert "deep" in refused(member).reason


def test_several_instances_are_distinguished_by_dataset() -> None:
    entity = parse_entity(
        {"id": "urn:a:1", "type": "T", "a": [{"value": 1}, {"value": 2, "datasetId": "urn:d:2"}]},
        core_context(),
    )
    assert [(each.value, each.dataset_id) for each in entity.attrs[DEFAULT + "a"]] == [
        (1, ""),
        (2, "urn:d:2"),
    ]


def test_the_simplified_form_of_several_instances_is_read() -> None:
    entity = parse_entity(
        {"id": "urn:a:1", "type": "T", "a": {"dataset": {"@none": 1, "urn:d:2": 2}}}, core_context()
    )
    assert [(each.value, each.dataset_id) for each in entity.attrs[DEFAULT + "a"]] == [
        (1, ""),
        (2, "urn:d:2"),
    ]


@pytest.mark.parametrize(
    ("member", "field"),
    [
        ([{"value": 1}, {"value": 2}], "a.1.datasetId"),
        ([{"value": 1, "datasetId": "urn:d:1"}, {"value": 2, "datasetId": "urn:d:1"}], "a.1.datasetId"),
        ({"value": 1, "datasetId": "no uri"}, "a.datasetId"),
        ({"type": "Property"}, "a.value"),
        ({"type": "Relationship"}, "a.object"),
        ({"type": "LanguageProperty"}, "a.languageMap"),
        ({"type": "Unheard", "value": 5}, "a.type"),
        ({"type": ["Property"], "value": 5}, "a.type"),
        ({"type": {"x": 1}, "value": 5}, "a.type"),
        ({"type": "Property", "value": None}, "a.value"),
        (None, "a"),
        ({"type": "Property", "value": NULL}, "a.value"),
        (NULL, "a"),
        ({"value": {"x": NULL}}, "a.value"),
        ({"type": "Relationship", "object": NULL}, "a.object"),
        ({"type": "Relationship", "object": "no uri"}, "a.object"),
        ({"type": "Relationship", "object": []}, "a.object"),
        ({"type": "Relationship", "object": 5}, "a.object"),
        ({"type": "Relationship", "value": 5}, "a.value"),
        ({"type": "Property", "object": "urn:b:1"}, "a.object"),
        ({"value": 5, "object": "urn:b:1"}, "a.object"),
        ({"type": "LanguageProperty", "languageMap": {"@none": NULL}}, "a.languageMap"),
        ({"type": "LanguageProperty", "languageMap": "Haus"}, "a.languageMap"),
        ({"type": "LanguageProperty", "languageMap": {"de": "x"}, "valueType": "other"}, "a.valueType"),
        ({"type": "JsonProperty", "json": 5}, "a.json"),
        ({"type": "VocabProperty", "vocab": 5}, "a.vocab"),
        ({"type": "ListProperty", "valueList": 5}, "a.valueList"),
        ({"type": "ListRelationship", "objectList": ["no uri"]}, "a.objectList"),
        ({"type": "GeoProperty", "value": {"type": "Point", "coordinates": [500, 0]}}, "a.value"),
        ({"type": "GeoProperty", "value": 5}, "a.value"),
        ({"value": 1, "observedAt": "yesterday"}, "a.observedAt"),
        ({"value": 1, "observedAt": {"type": "Property", "value": "2026-03-01T12:00:00Z"}}, "a.observedAt"),
        ({"value": 1, "unitCode": 5}, "a.unitCode"),
        ({"object": "urn:b:1", "unitCode": "CEL"}, "a.unitCode"),
        ({"value": 1, "valueType": 5}, "a.valueType"),
        ({"value": 1, "@context": {}}, "a.@context"),
        ({"value": 1, "entity": {}}, "a.entity"),
        ({"value": 1, "b": {"type": "Property"}}, "a.b.value"),
        ({"value": 1, "b c": 5}, "a.b c"),
        ({"value": 1, "entityIdSealed": "urn:a:1"}, "a.entityIdSealed"),
    ],
)
def test_a_broken_attribute_is_refused_and_its_place_named(member: Any, field: str) -> None:
    assert refused(member).field == field


@pytest.mark.parametrize(
    "name", ["unitCode", "observedAt", "datasetId", "instanceId", "valueType", "objectType", "a-b", "@graph"]
)
def test_words_of_the_language_and_illegal_names_are_no_attributes(name: str) -> None:
    assert refused(5, name).field == name


@pytest.mark.parametrize("name", ["value", "object", "vocab", "json", "lang", "title", "status", "entity"])
def test_other_words_of_the_language_may_name_attributes(name: str) -> None:
    entity = parse_entity(
        {"id": "urn:a:1", "type": "T", name: {"type": "Property", "value": 5}}, core_context()
    )
    assert entity.attrs[core_context().expand(name)][0].value == 5


@pytest.mark.parametrize("name", ["location", "observationSpace", "operationSpace"])
def test_the_places_of_the_core_are_geometries(name: str) -> None:
    assert (
        refused(7, name).field == refused({"type": "Relationship", "object": "urn:x:1"}, name).field == name
    )
    assert parse_fragment({name: NULL}, core_context()) and parse_fragment(
        {name: {"observedAt": NOW}}, core_context(), partial=True
    )


def test_two_members_of_one_meaning_are_refused() -> None:
    with pytest.raises(Invalid, match="only once"):
        parse_entity({"id": "urn:a:1", "type": "T", "a": 1, DEFAULT + "a": 2}, core_context())


def test_a_proof_keeps_what_it_seals() -> None:
    proof = {
        "type": "Property",
        "entityIdSealed": "urn:a:1",
        "entityTypeSealed": "T",
        "value": {"proofValue": "z"},
    }
    entity = parse_entity({"id": "urn:a:1", "type": "T", "ngsildproof": proof}, core_context())
    (found,) = entity.attrs[NGSI + "ngsildproof"]
    assert found.attrs[NGSI + "entityTypeSealed"][0].value == DEFAULT + "T"
    assert refused({**proof, "value": "text"}, "ngsildproof").field == "ngsildproof.value"
    assert refused({**proof, "entityIdSealed": 5}, "ngsildproof").field == "ngsildproof"


def test_a_fragment_may_lack_id_and_type_and_ask_for_removal() -> None:
    fragment = parse_fragment(
        {"a": NULL, "b": {"type": "Property", "value": NULL}, "scope": NULL}, core_context()
    )
    assert (fragment.id, fragment.type, fragment.scope) == ("", [], [NULL])
    assert [each[0].value for each in fragment.attrs.values()] == [NULL, NULL]


@pytest.mark.parametrize(
    "member",
    [
        {"type": "LanguageProperty", "languageMap": {"@none": NULL}},
        {"type": "ListProperty", "valueList": [NULL]},
        {"type": "ListRelationship", "objectList": [{"object": NULL}]},
        {"type": "Relationship", "object": NULL},
        {"type": "VocabProperty", "vocab": NULL},
        {"type": "JsonProperty", "json": NULL},
        {"type": "GeoProperty", "value": NULL},
    ],
)
def test_ngsi_ld_null_of_every_type_is_one_and_the_same_in_a_fragment(member: Any) -> None:
    fragment = parse_fragment({"a": member}, core_context())
    assert fragment.attrs[DEFAULT + "a"][0].value == NULL
    with pytest.raises(Invalid):
        parse_fragment({"a": member}, core_context(), nulls=False)


def test_ngsi_ld_null_inside_a_value_is_for_merges_only_and_never_inside_an_array() -> None:
    inside = {"a": {"type": "Property", "value": {"x": {"y": NULL}}}}
    assert parse_fragment(inside, core_context(), partial=True)
    for read in (
        lambda: parse_fragment(inside, core_context()),
        lambda: parse_attribute(inside["a"], core_context(), partial=True),
        lambda: parse_fragment({"a": {"value": {"x": [1, NULL]}}}, core_context(), partial=True),
    ):
        with pytest.raises(Invalid):
            read()


def test_a_dataset_id_cannot_be_removed() -> None:
    with pytest.raises(Invalid) as raised:
        parse_fragment({"a": {"value": 1, "datasetId": NULL}}, core_context())
    assert raised.value.field == "a.datasetId"


def test_a_partial_fragment_may_lack_values_and_types() -> None:
    fragment = parse_fragment(
        {"a": {"unitCode": "FAR"}, "b": 5, "c": {"d": {"type": "Property", "value": 1}}, "e": {"x": 1}},
        core_context(),
        partial=True,
    )
    a, b, c, e = (each[0] for each in fragment.attrs.values())
    assert (a.value, a.unit_code, a.type) == (ABSENT, "FAR", "")
    assert (b.value, b.type) == (5, "")
    assert c.value is ABSENT and c.attrs[DEFAULT + "d"][0].value == 1
    assert e.value == {"x": 1}


def test_without_partial_a_fragments_attributes_are_whole() -> None:
    with pytest.raises(Invalid) as raised:
        parse_fragment({"a": {"type": "Property", "unitCode": "FAR"}}, core_context())
    assert raised.value.field == "a.value"


def test_an_attribute_fragment_is_read_alone() -> None:
    (instance,) = parse_attribute(
        {"observedAt": NULL, "@context": []}, core_context(), partial=True, name="a"
    )
    assert (instance.value, instance.observed_at) == (ABSENT, NULL)
    with pytest.raises(Invalid) as raised:
        parse_attribute({"observedAt": 5}, core_context(), partial=True, name="a")
    assert raised.value.field == "a.observedAt"
    with pytest.raises(Invalid):
        parse_attribute(5, core_context(), partial=True)


def test_in_simplified_form_an_object_is_a_value_whatever_its_type_member_says() -> None:
    data = {
        "id": "urn:a:1",
        "type": "T",
        "address": {"type": "PostalAddress", "city": "Duisburg"},
        "l": {"languageMap": {"de": "x"}},
    }
    with pytest.raises(Invalid):
        parse_entity(data, core_context())
    entity = parse_entity(data, core_context(), simplified=True)
    assert entity.attrs[DEFAULT + "address"][0].value == {"type": "PostalAddress", "city": "Duisburg"}
    assert entity.attrs[DEFAULT + "l"][0].type == "LanguageProperty"
    (single,) = parse_fragment({"a": {"value": 5}}, core_context(), simplified=True).attrs[DEFAULT + "a"]
    assert single.value == {"value": 5}


MEMBERS = [
    *("type", "value", "object", "languageMap", "vocab", "json", "valueList", "objectList", "datasetId"),
    *(
        "observedAt",
        "unitCode",
        "dataset",
        "@type",
        "@value",
        "coordinates",
        "a",
        "b",
        "@context",
        "ngsildproof",
    ),
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([NULL, "urn:a:b"])
)
TYPES = st.sampled_from(["Property", "Relationship", "LanguageProperty", "Point"])
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner | TYPES, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON, st.booleans())
def test_whatever_is_sent_is_read_or_refused_as_invalid(value: Any, partial: bool) -> None:
    for read in (
        lambda: parse_entity({"id": "urn:a:1", "type": "T", "a": value}, core_context()),
        lambda: parse_fragment({"a": value}, core_context(), partial=partial),
        lambda: parse_attribute(value, core_context(), partial=partial),
        lambda: parse_entity(value, core_context()),
    ):
        try:
            read()
        except Invalid as error:
            assert error.reason
