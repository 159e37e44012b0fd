"""Whole queries: type selection (clause 4.17), ids, attributes, and everything together (clause 5.7.2)."""

from dataclasses import fields, replace

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context, core_context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.query import (
    EntityQuery,
    EntitySelector,
    check_id_pattern,
    matches,
    parse_geo,
    parse_q,
    parse_scope_q,
    parse_type_selection,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("House", True),
        ("https://uri.etsi.org/ngsi-ld/default-context/House", True),
        ("Boat", False),
        ("Boat,House", True),
        ("Boat|House", True),
        ("(House;Monument)", True),
        ("(House;Boat)", False),
        ("(House;Boat)|Monument", True),
        ("(Boat|House)", True),
        ("House;Monument", True),
        ("House;Boat", False),
        ("*", True),
    ],
)
def test_types_are_a_disjunction_of_conjunctions(
    house: Entity, core: Context, text: str, found: bool
) -> None:
    assert matches(EntityQuery(types=parse_type_selection(text, core)), house) is found


@pytest.mark.parametrize("text", ["", "(", "(A;B", "(A;B|C)", "A,,B", "A,", "A B", "()", "(A;B)C", "@id"])
def test_what_selects_no_types_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_type_selection(text, core_context())
    assert raised.value.field == "type"


def test_every_part_of_a_query_must_hold(house: Entity, core: Context) -> None:
    query = EntityQuery(
        types=parse_type_selection("House", core),
        ids=("urn:ngsi-ld:House:1",),
        id_pattern="House:[0-9]+$",
        attrs=(core.expand("unheard"), core.expand("open")),
        q=parse_q("temperature>21;open==true", core),
        geo=parse_geo("near;maxDistance==1000", "Point", "[6.73,51.455]", core),
        scope=parse_scope_q("/Duisburg/#"),
    )
    assert matches(query, house)
    assert not matches(replace(query, types=parse_type_selection("Boat", core)), house)
    assert not matches(replace(query, ids=("urn:ngsi-ld:House:2",)), house)
    assert not matches(replace(query, id_pattern="^House"), house)
    assert not matches(replace(query, attrs=(core.expand("unheard"),)), house)
    assert not matches(replace(query, q=parse_q("temperature>30", core)), house)
    assert not matches(replace(query, geo=parse_geo("disjoint", "Point", "[6.7348,51.4556]", core)), house)
    assert not matches(replace(query, scope=parse_scope_q("/Essen/#")), house)


def test_one_of_several_selectors_must_match(house: Entity, core: Context) -> None:
    boats, houses = (EntitySelector(types=parse_type_selection(name, core)) for name in ("Boat", "House"))
    assert matches(EntityQuery(selectors=(boats, houses)), house)
    assert not matches(EntityQuery(selectors=(boats,)), house)
    assert matches(EntityQuery(selectors=(EntitySelector(ids=(house.id,), id_pattern="never"),)), house)
    assert not matches(EntityQuery(selectors=(EntitySelector(id_pattern="never"),)), house)


def test_hidden_types_are_as_if_they_were_not_there(house: Entity, core: Context) -> None:
    assert not matches(EntityQuery(hidden=frozenset([core.expand("Monument")])), house)
    assert matches(EntityQuery(hidden=frozenset([core.expand("Boat")])), house)


def test_an_empty_query_means_every_entity(house: Entity) -> None:
    assert matches(EntityQuery(), house)


def test_a_broken_id_pattern_is_refused() -> None:
    assert check_id_pattern("^urn:.*") == "^urn:.*"
    with pytest.raises(Invalid) as raised:
        check_id_pattern("(")
    assert raised.value.field == "idPattern"


ORDER_AND_PAGING = {"order", "limit", "offset", "count"}


def test_each_field_of_a_query_is_a_condition_with_its_check_or_about_order_and_paging() -> None:
    declared = {each.name for each in fields(EntityQuery) if "check" in each.metadata}
    assert declared | ORDER_AND_PAGING == {each.name for each in fields(EntityQuery) if each.init}
    assert not declared & ORDER_AND_PAGING


def test_what_remains_to_be_checked_are_the_given_conditions_that_no_index_answered(core: Context) -> None:
    query = EntityQuery(types=(("urn:a",),), q=parse_q("a==1", core), attrs=("urn:b",))
    assert query.remaining(()) == {"types", "q", "attrs"}
    assert query.remaining({"types", "hidden"}) == {"q", "attrs"}
    assert EntityQuery().remaining(()) == frozenset()


def test_conditions_that_were_answered_are_not_checked_again(house: Entity, core: Context) -> None:
    query = EntityQuery(types=(("urn:other",),), q=parse_q("temperature>20", core))
    assert not matches(query, house)
    assert query.matcher({"types"})(house)
