"""The language by clause of ETSI GS CIM 009 v1.9.1: what a reader of the specification would try first.

How each module behaves in detail is tested in `tests/ngsild`.
"""

from typing import Any

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.context import compile_context, core_context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.query import (
    EntityQuery,
    matches,
    parse_geo,
    parse_q,
    parse_scope_q,
    parse_type_selection,
)
from rhinecloud.ngsild.representation import Options, parse_attribute, parse_entity, parse_fragment, render

NOW = "2026-03-01T12:00:00Z"
NULL = "urn:ngsi-ld:null"


def entity(**members: Any) -> Entity:
    return parse_entity({"id": "urn:ngsi-ld:Place:1", "type": "Place", **members}, core_context(), now=NOW)


def attributes(found: Entity, form: str = "concise") -> dict[str, Any]:
    shown = render(found, core_context(), Options(form=form))
    return {name: member for name, member in shown.items() if name not in ("id", "type")}


POINT = {"type": "Point", "coordinates": [6.73, 51.45]}
GERMAN = {"languageMap": {"de": "Haus"}}
TICKET = {"json": {"id": 1, "value": 2}}
TWO = ["urn:x:1", "urn:x:2"]
FORMS = [
    ("4.5.2", {"type": "Property", "value": "x"}, "x", "x"),
    ("4.5.2", {"type": "Property", "value": {"city": "x"}}, {"city": "x"}, {"city": "x"}),
    ("4.5.2", {"type": "Property", "value": 5, "unitCode": "CEL"}, {"value": 5, "unitCode": "CEL"}, 5),
    ("4.7.3", {"type": "GeoProperty", "value": POINT}, POINT, POINT),
    ("4.5.3", {"type": "Relationship", "object": "urn:x:1"}, {"object": "urn:x:1"}, "urn:x:1"),
    ("4.5.3", {"type": "Relationship", "object": TWO}, {"object": TWO}, TWO),
    ("4.5.18", {"type": "LanguageProperty", **GERMAN}, GERMAN, GERMAN),
    ("4.5.20", {"type": "VocabProperty", "vocab": "Male"}, {"vocab": "Male"}, {"vocab": "Male"}),
    ("4.5.21", {"type": "ListProperty", "valueList": [1, 2]}, {"valueList": [1, 2]}, [1, 2]),
    (
        "4.5.22",
        {"type": "ListRelationship", "objectList": [{"object": each} for each in TWO]},
        {"objectList": TWO},
        TWO,
    ),
    ("4.5.24", {"type": "JsonProperty", **TICKET}, TICKET, TICKET),
    (
        "4.5.5",
        [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:2"}],
        [{"value": 1}, {"value": 2, "datasetId": "urn:d:2"}],
        {"dataset": {"@none": 1, "urn:d:2": 2}},
    ),
]


@pytest.mark.parametrize(("clause", "normalized", "concise", "simplified"), FORMS)
def test_representations(clause: str, normalized: Any, concise: Any, simplified: Any) -> None:
    for written in (normalized, concise):
        found = entity(a=written)
        assert attributes(found, "normalized") == {"a": normalized}, clause
        assert attributes(found, "concise") == {"a": concise}, clause
        assert attributes(found, "simplified") == {"a": simplified}, clause


@pytest.mark.parametrize(
    ("clause", "members"),
    [
        ("4.5.1", {"datasetId": {"type": "Property", "value": "urn:x:1"}}),
        ("4.5.0", {"a": {"type": "Property", "value": None}}),
        ("4.5.2.2", {"a": {"type": "Property", "value": 1, "languageMap": {"de": "x"}}}),
        ("4.5.3.2", {"a": {"type": "Relationship", "value": "urn:x:1"}}),
        ("4.5.5.1", {"a": [{"value": 1}, {"value": 2}]}),
        ("4.5.18.2", {"a": {"type": "LanguageProperty", "languageMap": {"de": "x"}, "unitCode": "CEL"}}),
        ("4.6.2", {"not-a-name": 1}),
        ("4.6.3", {"a": {"value": 1, "observedAt": "2026-03-01T12:00:00+01:00"}}),
        ("4.7.1", {"a": {"type": "GeoProperty", "value": {"type": "GeometryCollection", "geometries": []}}}),
        ("4.18", {"scope": "/a b"}),
        ("5.5.4", {"a": NULL}),
        ("5.5.4", {"a": {"type": "Property", "value": NULL}}),
        ("5.5.4", {"a": {"type": "Property", "value": {"x": NULL}}}),
        ("5.5.4", {"a": {"type": "LanguageProperty", "languageMap": {"@none": NULL}}}),
        ("5.5.7", {"a": {"type": "Property", "value": 1, "@context": {}}}),
    ],
)
def test_bad_request_data(clause: str, members: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        entity(**members)


def test_5_5_7_the_core_has_precedence_and_unknown_iris_stay_whole() -> None:
    context = compile_context({"location": "https://example.org/l", "Place": "https://example.org/Place"}, {})
    found = parse_entity({"id": "urn:x:1", "type": "Place", "location": POINT}, context)
    assert found.type == ["https://example.org/Place"]
    assert render(found, core_context(), Options(form="concise"))["type"] == "https://example.org/Place"
    assert "location" in render(found, core_context(), Options())
    with pytest.raises(Invalid):
        compile_context({"a": {"@id": "https://example.org/a", "@context": {}}}, {})


READING = {"type": "Property", "value": 25, "unitCode": "CEL", "observedAt": "2026-03-01T01:59:26.535Z"}
CHANGE = {"type": "Property", "value": 100, "observedAt": "2026-03-01T13:00:00.000Z"}


def test_5_5_8_partial_update_at_the_attribute_keeps_the_other_members() -> None:
    found = entity(temperature=READING)
    name = core_context().expand("temperature")
    after = patch.partial_update(
        found, name, parse_attribute(CHANGE, core_context(), partial=True), NOW
    ).entity
    assert attributes(after, "normalized") == {"temperature": {**READING, **CHANGE}}


def test_5_5_8_update_at_the_entity_replaces_the_whole_attribute() -> None:
    after = patch.update(
        entity(temperature=READING, a=1), parse_fragment({"temperature": CHANGE}, core_context()), NOW
    )
    assert attributes(after.entity, "normalized")["temperature"] == CHANGE
    assert attributes(after.entity)["a"] == 1


def test_5_5_8_ngsi_ld_null_deletes_the_attribute() -> None:
    gone = parse_fragment({"temperature": {"type": "Property", "value": NULL}}, core_context())
    assert attributes(patch.update(entity(temperature=READING, a=1), gone, NOW).entity) == {"a": 1}


def test_5_5_12_merge_goes_to_any_depth() -> None:
    found = entity(temperature=READING, address={"street": "Straße", "city": "Berlin", "country": "Germany"})
    change = {
        "temperature": CHANGE,
        "address": {"type": "Property", "value": {"street": "Platz", "country": NULL}},
    }
    after = patch.merge(found, parse_fragment(change, core_context(), partial=True), NOW).entity
    assert attributes(after) == {
        "temperature": {"value": 100, "unitCode": "CEL", "observedAt": "2026-03-01T13:00:00.000Z"},
        "address": {"street": "Platz", "city": "Berlin"},
    }


CAR = {
    "temperature": {"value": 22, "observedAt": "2026-12-24T12:00:00Z"},
    "brandName": "Mercedes",
    "isParked": {"object": "urn:ngsi-ld:OffStreetParking:Downtown1"},
    "speed": 60,
    "capacity": 30,
    "address": {"city": "Berlin"},
    "sensor": {"value": 40, "rawdata": {"value": {"airquality": {"particulate": 40}}}},
    "parkingTickets": {"json": {"id": "85a6", "value": "Overstay 60 minutes"}},
    "gender": {"vocab": "Male"},
    "color": {"languageMap": {"fr": "rouge", "en": "red"}},
}


@pytest.mark.parametrize(
    ("q", "holds"),
    [
        ("temperature", True),
        ("temperature==20", False),
        ('brandName!="Mercedes"', False),
        ('isParked=="urn:ngsi-ld:OffStreetParking:Downtown1"', True),
        ('speed>50;brandName!="Mercedes"', False),
        ("isMonitoredBy", False),
        ('((speed>50|rpm>3000);brandName=="Mercedes")', True),
        ("(temperature>=20;temperature<=25)|capacity<=10", True),
        ("temperature.observedAt>=2017-12-24T12:00:00Z", True),
        ('address[city]=="Berlin"', True),
        ("sensor.rawdata[airquality.particulate]==40", True),
        ('parkingTickets[value]=="Overstay 60 minutes"', True),
        ("gender==Male", False),
        ('color[en]=="red"', True),
        ('color[*]!="red"', False),
    ],
)
def test_4_9_examples_of_the_query_language(q: str, holds: bool) -> None:
    assert parse_q(q, core_context()).holds(entity(**CAR)) is holds


def test_4_9_values_may_be_expanded_first() -> None:
    assert parse_q("gender==Male", core_context(), expand_values=["gender"]).holds(entity(**CAR))


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates", "holds"),
    [
        ("near;maxDistance==2000", "Point", "[6.74,51.45]", True),
        ("near;minDistance==2000", "Point", "[6.74,51.45]", False),
        ("within", "Polygon", "[[[6,51],[7,51],[7,52],[6,52],[6,51]]]", True),
        ("contains", "Point", "[6.73,51.45]", True),
        ("intersects", "LineString", "[[6,51.45],[7,51.45]]", True),
        ("equals", "Point", "[6.73,51.45]", True),
        ("disjoint", "Point", "[6.73,51.45]", False),
        ("overlaps", "Polygon", "[[[6,51],[7,51],[7,52],[6,52],[6,51]]]", False),
    ],
)
def test_4_10_geographic_relations(georel: str, geometry: str, coordinates: str, holds: bool) -> None:
    query = EntityQuery(geo=parse_geo(georel, geometry, coordinates, core_context()))
    assert matches(query, entity(location=POINT)) is holds
    assert not matches(query, entity()), "an entity without the GeoProperty never matches"


@pytest.mark.parametrize(
    ("selection", "holds"),
    [
        ("Building|Place", True),
        ("Building,Place", True),
        ("(Home;Place)", False),
        ("(Home;Place)|Place", True),
    ],
)
def test_4_17_type_selection(selection: str, holds: bool) -> None:
    assert matches(EntityQuery(types=parse_type_selection(selection, core_context())), entity()) is holds


@pytest.mark.parametrize(
    ("scope_q", "holds"),
    [
        ("/Madrid", False),
        ("/Madrid/Gardens/#", True),
        ("/Madrid/+/ParqueNorte", True),
        ("(/Madrid/#;/CompanyA)", False),
        ("(/Madrid/Districts;/CompanyA)|/Madrid/Gardens/ParqueNorte", True),
        ("/#", True),
    ],
)
def test_4_19_scope_queries(scope_q: str, holds: bool) -> None:
    found = entity(scope="/Madrid/Gardens/ParqueNorte")
    assert matches(EntityQuery(scope=parse_scope_q(scope_q)), found) is holds
