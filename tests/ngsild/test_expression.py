"""What queries mean for entities: the semantics of clause 4.9, example by example."""

from typing import Any

import pytest

from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.grammar import parse_q
from rhinecloud.ngsild.parsing import parse_entity

NOW = "2026-03-01T12:00:00Z"


def entity(**members: Any) -> Entity:
    return parse_entity({"id": "urn:a:1", "type": "T", **members}, core_context(), now=NOW)


def holds(q: str, expand_values: tuple[str, ...] = (), **members: Any) -> bool:
    return parse_q(q, core_context(), expand_values=expand_values).holds(entity(**members))


@pytest.mark.parametrize(
    ("q", "colour", "matches"),
    [
        ('a=="red"', "red", True),
        ('a=="red"', "blue", False),
        ('a=="red"', "", False),
        ('a==""', "", True),
        ('a=="red"', ["blue", "red"], True),
        ('a=="red"', ["blue"], False),
        ('a=="black","red"', "red", True),
        ('a=="black","red"', ["red", "blue"], True),
        ('a=="black","red"', ["green"], False),
        ('a!="red"', "black", True),
        ('a!="red"', "red", False),
        ('a!="red"', ["blue", "black"], True),
        ('a!="red"', ["blue", "red"], False),
        ('a!="black","red"', "blue", True),
        ('a!="black","red"', "red", False),
        ('a!="black","red"', ["blue", "red"], False),
        ('a!="red"', 5, True),
        ('a=="5"', 5, False),
        ("a==5", "5", False),
        ("a==5", 5.0, True),
        ("a==1", True, False),
        ("a==true", True, True),
        ("a==true", 1, False),
        ("a==false", False, True),
        ("a==0", False, False),
        ("a==10..20", 15, True),
        ("a==10..20", 10, True),
        ("a==10..20", 20, True),
        ("a==10..20", 9, False),
        ("a==10..20", "15", False),
        ("a==10..20", [1, 12], True),
        ("a!=10..20", 9, True),
        ("a!=10..20", 15, False),
        ('a=="b".."d"', "c", True),
        ("a>5", 6, True),
        ("a>5", 5, False),
        ("a>=5", 5, True),
        ("a<5", 4.5, True),
        ("a<=5", 5, True),
        ("a<=5", 6, False),
        ("a>5", "6", False),
        ("a>0", True, False),
        ('a>"a"', "b", True),
        ('a>"a"', 5, False),
        ("a>5", [6], False),
        ('a~="^m"', "mars", True),
        ('a~="ar"', "mars", True),
        ('a~="^x"', "mars", False),
        ('a~="5.*"', 55, False),
        ('a~="^m"', ["venus", "mars"], True),
        ('a!~="^x"', "mars", True),
        ('a!~="^m"', "mars", False),
        ('a!~="^m"', 5, False),
    ],
)
def test_properties_compare_by_value_and_type(q: str, colour: Any, matches: bool) -> None:
    assert holds(q, a=colour) is matches


def test_existence_and_absence_ask_for_nothing_else() -> None:
    assert holds("a", a=0) and not holds("b", a=0)
    assert holds("!b", a=0) and not holds("!a", a=0)
    assert not holds('b!="x"', a=0), "what is not there is not unequal either"


@pytest.mark.parametrize(
    ("q", "value", "matches"),
    [
        ("a>2026-02-15T00:00:00Z", "2026-02-20T00:00:00Z", True),
        ('a>"2026-02-15T00:00:00Z"', "2026-02-20T00:00:00Z", True),
        ("a>2026-02-15T00:00:00Z", "2026-02-15T00:00:00.5Z", True),
        ("a<2026-02-15T00:00:00.5Z", "2026-02-15T00:00:00Z", True),
        ("a==2026-02-15T00:00:00Z", "2026-02-15T00:00:00.0Z", True),
        ("a==2026-02-01..2026-02-28", "2026-02-15", True),
        ("a>2026-02-15", "2026-02-15T00:00:00Z", False),
        ("a>2026-02-15", "zzz", True),
        ("a==2026-02-15", {"@type": "Date", "@value": "2026-02-15"}, True),
        ("a>11:00:00Z", "11:00:01Z", True),
    ],
)
def test_dates_and_times_compare_in_time(q: str, value: Any, matches: bool) -> None:
    assert holds(q, a=value) is matches


def test_any_of_several_instances_may_match() -> None:
    several = [{"value": 1}, {"value": 9, "datasetId": "urn:d:2"}]
    assert holds("a>5", a=several) and holds("a<5", a=several)
    assert holds("a!=1", a=several) and not holds("a>10", a=several)


def test_paths_lead_to_attributes_of_attributes_and_to_metadata() -> None:
    a = {"value": 5, "unitCode": "CEL", "observedAt": NOW, "b": {"value": 7, "c": {"object": "urn:x:1"}}}
    assert holds("a.b==7", a=a) and holds("a.b.c==urn:x:1", a=a) and not holds("a.c", a=a)
    assert holds("a.observedAt>=2026-03-01T12:00:00Z", a=a) and holds('a.unitCode=="CEL"', a=a)
    assert not holds("a.observedAt", a=5) and holds('a.createdAt=="2026-03-01T12:00:00Z"', a=5)
    assert (
        holds("modifiedAt>2020-01-01T00:00:00Z", a=5)
        and holds("createdAt", a=5)
        and not holds("expiresAt", a=5)
    )


def test_a_trail_leads_into_the_value() -> None:
    address = {"city": "Berlin", "street": {"number": 5, "names": ["x", "y"]}}
    assert holds('a[city]=="Berlin"', a=address) and holds("a[street.number]==5", a=address)
    assert holds('a[street.names]=="y"', a=address) and holds("a[city]", a=address)
    assert not holds('a[postcode]=="Berlin"', a=address) and not holds("a[city.x]", a=address)
    assert not holds('a[postcode]!="Berlin"', a=address)
    assert holds('a[value]=="Overstay"', a={"json": {"id": "1", "value": "Overstay"}})
    assert holds('a[type]=="Point"', a={"type": "Point", "coordinates": [6, 51]})


@pytest.mark.parametrize(
    ("q", "matches"),
    [
        ('a[en]=="red"', True),
        ('a[en]=="rouge"', False),
        ('a[*]=="rouge"', True),
        ('a=="rouge"', True),
        ('a[de]=="Katze"', True),
        ('a[en]!="black"', True),
        ('a[en]!="red"', False),
        ('a[*]!="red"', False),
        ('a[*]!="noir"', True),
        ("a[it]", False),
        ('a[it]!="rosso"', False),
        ('a~="^rou"', True),
        ("a[de]", True),
    ],
)
def test_language_maps_answer_by_language(q: str, matches: bool) -> None:
    assert holds(q, a={"languageMap": {"fr": "rouge", "en": "red", "de": ["rot", "Katze"]}}) is matches


@pytest.mark.parametrize(
    "target",
    [{"object": "urn:b:1"}, {"object": ["urn:b:0", "urn:b:1"]}, {"objectList": ["urn:b:0", "urn:b:1"]}],
)
def test_relationships_are_equal_or_not_and_nothing_else(target: Any) -> None:
    assert (
        holds("a==urn:b:1", a=target)
        and holds('a=="urn:b:1"', a=target)
        and holds("a==urn:b:1,urn:b:7", a=target)
    )
    assert (
        not holds("a==urn:b:2", a=target)
        and holds("a!=urn:b:2", a=target)
        and not holds("a!=urn:b:1", a=target)
    )
    assert (
        not holds('a>"urn:a"', a=target)
        and not holds('a~="urn"', a=target)
        and not holds('a!~="x"', a=target)
    )
    assert holds("a", a=target)


def test_vocabulary_terms_match_when_they_are_expanded_first() -> None:
    use = {"vocab": ["commercial", "https://example.org/x"]}
    assert holds("a==commercial", expand_values=("a",), a=use)
    assert not holds("a==commercial", a=use)
    assert holds("a==https://example.org/x", a=use)
    assert not holds("a!=commercial", expand_values=("a",), a=use)


def test_lists_include() -> None:
    levels = {"valueList": [1, "x"]}
    assert holds("a==1", a=levels) and holds('a=="x"', a=levels) and not holds("a!=1", a=levels)


def test_logic_binds_as_the_clause_says() -> None:
    members = {"speed": 60, "rpm": 100, "brand": "Mercedes"}
    assert holds('((speed>50|rpm>3000);brand=="Mercedes")', **members)
    assert not holds('(speed>90|rpm>3000);brand=="Mercedes"', **members)
    assert holds("speed>90;rpm>3000|brand", **members)
    assert not holds("speed>90;(rpm>3000|brand)", **members)
