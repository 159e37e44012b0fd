"""Showing entities: clauses 4.5.1 to 4.5.5, 4.5.16 to 4.5.24, 4.15 and 4.21."""

from typing import Any

import pytest

from ngsild.conftest import HOUSE, NOW
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context, compile_context, core_context
from rhinecloud.ngsild.entity import NULL, Entity, Instance
from rhinecloud.ngsild.options import choose_text
from rhinecloud.ngsild.parsing import parse_entity
from rhinecloud.ngsild.representation import (
    Options,
    parse_lang,
    parse_names,
    render,
    render_attribute,
    render_collection,
    render_instance,
)

NORMALIZED, CONCISE, SIMPLIFIED = (Options(form=form) for form in ("normalized", "concise", "simplified"))


def test_normalized_gives_back_what_was_sent(house: Entity, core: Context) -> None:
    assert render(house, core, NORMALIZED) == HOUSE


def test_members_stand_in_a_steady_order(house: Entity, core: Context) -> None:
    shown = list(render(house, core, Options(sys_attrs=True)))
    assert shown[:5] == ["id", "type", "scope", "createdAt", "modifiedAt"]
    assert shown[5:] == [name for name in HOUSE if name not in ("id", "type", "scope")]


def test_concise_leaves_types_and_empty_wrappings_out(house: Entity, core: Context) -> None:
    shown = render(house, core, CONCISE)
    assert shown["location"] == {"type": "Point", "coordinates": [6.7348, 51.4556]}
    assert shown["open"] is True
    assert shown["tags"] == ["old", "brick"]
    assert shown["address"] == {"city": "Duisburg", "street": {"name": "Dammstraße", "number": 11}}
    assert shown["managedBy"] == {"object": "urn:ngsi-ld:Agency:port", "objectType": "Agency"}
    assert shown["use"] == {"vocab": ["commercial", "cultural"]}
    assert shown["temperature"][1] == {"value": 22, "datasetId": "urn:ngsi-ld:Dataset:roof", "accuracy": 0.5}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"value": 5}, {"value": {"value": 5}}),
        ({"object": "urn:x:y"}, {"value": {"object": "urn:x:y"}}),
        ({"type": "Sofa"}, {"value": {"type": "Sofa"}}),
        ({"dataset": {}}, {"value": {"dataset": {}}}),
        ([{"value": 5}], {"value": [{"value": 5}]}),
        (
            {"type": "Point", "coordinates": [1, 2]},
            {"type": "Property", "value": {"type": "Point", "coordinates": [1, 2]}},
        ),
        ([{"x": 5}], [{"x": 5}]),
        ([], []),
    ],
)
def test_a_concise_value_that_could_be_taken_for_something_else_stays_wrapped(
    core: Context, value: Any, shown: Any
) -> None:
    instance = Instance(value=value)
    assert render_instance(instance, core, CONCISE) == shown


def test_simplified_shows_values_and_keeps_the_words_that_values_need(house: Entity, core: Context) -> None:
    shown = render(house, core, SIMPLIFIED)
    assert shown["managedBy"] == "urn:ngsi-ld:Agency:port"
    assert shown["near"] == ["urn:ngsi-ld:House:2", "urn:ngsi-ld:House:3"]
    assert shown["label"] == {"languageMap": {"de": "Haus", "en": ["house", "home"]}}
    assert shown["use"] == {"vocab": ["commercial", "cultural"]}
    assert shown["ticket"] == {"json": {"id": "x", "value": None}}
    assert shown["levels"] == [1, 2, 3]
    assert shown["route"] == ["urn:ngsi-ld:Stop:1", "urn:ngsi-ld:Stop:2"]
    assert shown["temperature"] == {"dataset": {"@none": 21.5, "urn:ngsi-ld:Dataset:roof": 22}}


def test_names_are_compacted_with_the_context_of_the_reader() -> None:
    writer = compile_context({"level": "https://example.org/level", "Gauge": "https://example.org/Gauge"}, {})
    entity = parse_entity({"id": "urn:a:1", "type": "Gauge", "level": {"value": 5, "level": 1}}, writer)
    assert render(entity, core_context(), CONCISE) == {
        "id": "urn:a:1",
        "type": "https://example.org/Gauge",
        "https://example.org/level": {"value": 5, "https://example.org/level": 1},
    }
    assert render(entity, writer, CONCISE)["level"] == {"value": 5, "level": 1}


def test_system_attributes_are_shown_when_asked_for_only(core: Context) -> None:
    data = {
        "id": "urn:a:1",
        "type": "T",
        "expiresAt": NOW,
        "a": {"value": 1, "expiresAt": NOW, "b": {"value": 2}},
    }
    entity = parse_entity(data, core, now=NOW)
    times = {"createdAt": NOW, "modifiedAt": NOW}
    assert "expiresAt" not in str(render(entity, core, NORMALIZED))
    shown = render(entity, core, Options(form="concise", sys_attrs=True))
    assert shown["expiresAt"] == NOW
    assert shown["a"] == {"value": 1, **times, "expiresAt": NOW, "b": {"value": 2, **times}}


def test_pick_leaves_nothing_but_what_it_names(house: Entity, core: Context) -> None:
    options = Options(form="simplified", pick=parse_names("id,open|tags", core))
    assert render(house, core, options) == {"id": house.id, "open": True, "tags": ["old", "brick"]}


def test_omit_leaves_everything_else(house: Entity, core: Context) -> None:
    shown = render(house, core, Options(omit=parse_names("id,scope,open", core)))
    assert set(HOUSE) - set(shown) == {"id", "scope", "open"}


def test_attrs_leave_id_type_and_scope_too(house: Entity, core: Context) -> None:
    assert set(render(house, core, Options(attrs=parse_names("open", core)))) == {
        "id",
        "type",
        "scope",
        "open",
    }


@pytest.mark.parametrize("text", ["a,b c", "managedBy{name}", "", "a,,b"])
def test_broken_lists_of_names_are_refused(core: Context, text: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_names(text, core, field="attrs")
    assert raised.value.field == "attrs"


def test_instances_are_selected_by_dataset(house: Entity, core: Context) -> None:
    roof = Options(form="simplified", dataset_ids=frozenset(["urn:ngsi-ld:Dataset:roof"]))
    shown = render(house, core, roof)
    assert (shown["temperature"], set(shown)) == (22, {"id", "type", "scope", "temperature"})
    assert render(house, core, Options(form="simplified", dataset_ids=frozenset([""])))["temperature"] == 21.5
    assert render_attribute(house.attrs[core.expand("open")], core, roof) is None


def test_a_language_filter_turns_language_maps_into_texts(house: Entity, core: Context) -> None:
    options = Options(lang=parse_lang("en,de;q=0.5"))
    assert render(house, core, options)["label"] == {
        "type": "Property",
        "value": ["house", "home"],
        "lang": "en",
    }
    assert render(house, core, Options(form="simplified", lang=("de",)))["label"] == "Haus"
    assert render(house, core, Options(form="concise", lang=("de",)))["label"] == {
        "value": "Haus",
        "lang": "de",
    }


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("en", ("en",)),
        ("fr;q=0.2, nl;q=0.9", ("nl", "fr")),
        ("fr-CH,fr;q=0.9,*;q=0.5", ("fr-CH", "fr", "*")),
        ("*", ("*",)),
    ],
)
def test_a_language_filter_is_an_order_of_preference(text: str, tags: tuple[str, ...]) -> None:
    assert parse_lang(text) == tags


@pytest.mark.parametrize("text", ["", "en;q=2", "en;w=1", "e n!", "en,,de"])
def test_a_broken_language_filter_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_lang(text)
    assert raised.value.field == "lang"


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [
        (("fr-CH",), "fr"),
        (("pt",), "pt-BR"),
        (("it",), "@none"),
        (("it", "*"), "@none"),
        (("FR",), "fr"),
        ((), "@none"),
    ],
)
def test_the_nearest_language_is_chosen(wanted: tuple[str, ...], tag: str) -> None:
    assert choose_text({"fr": "a", "pt-BR": "b", "@none": "c"}, wanted)[1] == tag


def test_without_a_language_that_was_asked_for_english_is_read_before_any() -> None:
    assert choose_text({"fr": "a", "en": "b"}, ("it",)) == ("b", "en")
    assert choose_text({"fr": "a", "nl": "b"}, ("it",)) == ("a", "fr")


def test_a_feature_has_the_chosen_geometry_on_top(house: Entity, core: Context) -> None:
    feature = render(house, core, Options(geojson=True, form="simplified"))
    assert list(feature) == ["id", "type", "geometry", "properties"]
    assert feature["geometry"] == feature["properties"]["location"] == HOUSE["location"]["value"]
    assert feature["properties"]["type"] == ["House", "Monument"]
    assert render(house, core, Options(geojson=True, geometry=core.expand("elsewhere")))["geometry"] is None


def test_the_geometry_of_a_feature_is_the_default_instance_unless_a_dataset_is_named(core: Context) -> None:
    one, two = ({"type": "Point", "coordinates": [6, n]} for n in (51, 52))
    data = {
        "id": "urn:a:1",
        "type": "T",
        "location": [{"value": two, "datasetId": "urn:d:2"}, {"value": one}],
    }
    entity = parse_entity(data, core)
    assert render(entity, core, Options(geojson=True))["geometry"] == one
    options = Options(geojson=True, dataset_ids=frozenset(["urn:d:2"]))
    assert render(entity, core, options)["geometry"] == two


def test_a_collection_holds_features(house: Entity, core: Context) -> None:
    collection = render_collection([house, house], core, Options(geojson=True))
    assert (collection["type"], len(collection["features"])) == ("FeatureCollection", 2)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("Property", {"value": NULL}),
        ("Relationship", {"object": NULL}),
        ("LanguageProperty", {"languageMap": {"@none": NULL}}),
        ("ListProperty", {"valueList": [NULL]}),
        ("ListRelationship", {"objectList": [NULL]}),
        ("VocabProperty", {"vocab": NULL}),
        ("JsonProperty", {"json": NULL}),
    ],
)
def test_what_was_deleted_is_shown_as_ngsi_ld_null(core: Context, kind: str, shown: dict[str, Any]) -> None:
    assert render_instance(Instance(type=kind, value=NULL), core, NORMALIZED) == {"type": kind, **shown}


def test_a_proof_is_shown_with_what_it_seals_unreified(core: Context) -> None:
    proof = {
        "type": "Property",
        "value": {"proofValue": "z"},
        "entityIdSealed": "urn:a:1",
        "entityTypeSealed": "T",
    }
    entity = parse_entity({"id": "urn:a:1", "type": "T", "ngsildproof": proof}, core, now=NOW)
    assert render(entity, core, NORMALIZED)["ngsildproof"] == proof
