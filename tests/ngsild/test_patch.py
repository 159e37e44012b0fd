"""What becomes of an entity: clauses 5.5.8, 5.5.12, 5.6.1 to 5.6.5 and 5.6.17 to 5.6.19, and laws that always hold."""

from typing import Any

import pytest
from hypothesis import given

from ngsild.entities import ENTITIES, FRAGMENTS
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.entity import NULL, Entity, Instance, encode
from rhinecloud.ngsild.parsing import parse_attribute, parse_entity, parse_fragment
from rhinecloud.ngsild.rendering import Options, render

THEN, NOW = "2026-03-01T12:00:00Z", "2026-03-01T12:05:00Z"
DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"


def made(**members: Any) -> Entity:
    return patch.create(parse_entity({"id": "urn:a:1", "type": "T", **members}, core_context()), THEN).entity


def fragment(*, partial: bool = False, **members: Any) -> Entity:
    return parse_fragment(members, core_context(), partial=partial)


def shown(entity: Entity) -> dict[str, Any]:
    return render(entity, core_context(), Options(form="concise"))


def attributes(entity: Entity) -> dict[str, Any]:
    return {name: member for name, member in shown(entity).items() if name not in ("id", "type", "scope")}


def names(*short: str) -> list[str]:
    return [DEFAULT + each for each in short]


def test_a_new_entity_and_all_in_it_get_the_time_of_creation() -> None:
    entity = made(a={"value": 1, "b": {"value": 2}})
    inner = entity.attrs[DEFAULT + "a"][0].attrs[DEFAULT + "b"][0]
    assert {entity.created_at, entity.modified_at, inner.created_at, inner.modified_at} == {THEN}


def test_replace_forgets_everything_but_id_and_creation() -> None:
    result = patch.replace(made(a=1, b=2, scope="/x"), made(b=3, c=4), NOW)
    assert shown(result.entity) == {"id": "urn:a:1", "type": "T", "b": 3, "c": 4}
    assert (result.entity.created_at, result.entity.modified_at) == (THEN, NOW)
    assert result.changed == names("a", "b", "c")
    assert set(result.previous) == set(names("a", "b"))


def test_append_adds_and_overwrites() -> None:
    result = patch.append(made(a={"value": 1, "unitCode": "CEL"}), fragment(a=2, b=3), NOW)
    assert attributes(result.entity) == {"a": 2, "b": 3}
    assert result.changed == names("a", "b")
    assert result.previous[DEFAULT + "a"][0].value == 1
    kept = result.entity.attrs[DEFAULT + "a"][0]
    assert (kept.created_at, kept.modified_at) == (THEN, NOW)
    assert result.entity.attrs[DEFAULT + "b"][0].created_at == NOW


def test_append_without_overwriting_says_what_it_left_alone() -> None:
    result = patch.append(made(a=1), fragment(a=2, b=3), NOW, overwrite=False)
    assert attributes(result.entity) == {"a": 1, "b": 3}
    assert (result.changed, list(result.skipped)) == (names("b"), names("a"))


def test_append_adds_an_instance_with_another_dataset() -> None:
    result = patch.append(made(a=1), fragment(a={"value": 2, "datasetId": "urn:d:2"}), NOW)
    assert attributes(result.entity) == {"a": [{"value": 1}, {"value": 2, "datasetId": "urn:d:2"}]}


def test_types_are_added_and_never_taken_away() -> None:
    for write in (patch.append, patch.update, patch.merge):
        assert shown(write(made(a=1), fragment(type=["T", "U"], a=1), NOW).entity)["type"] == ["T", "U"]


def test_scope_is_replaced_by_append_added_without_overwriting_and_ignored_by_update_where_there_was_none() -> (
    None
):
    both = fragment(scope=["/y", "/x"])
    assert patch.append(made(scope="/x"), both, NOW).entity.scope == ["/y", "/x"]
    assert patch.append(made(scope="/x"), both, NOW, overwrite=False).entity.scope == ["/x", "/y"]
    assert patch.update(made(scope="/x"), both, NOW).entity.scope == ["/y", "/x"]
    ignored = patch.update(made(), both, NOW)
    assert (ignored.entity.scope, list(ignored.skipped)) == ([], [patch.SCOPE])
    assert patch.merge(made(), both, NOW).entity.scope == ["/y", "/x"]
    assert patch.merge(made(scope="/x"), fragment(scope=NULL), NOW).entity.scope == []


def test_update_replaces_whole_instances() -> None:
    before = made(a={"value": 25, "unitCode": "CEL", "observedAt": THEN})
    result = patch.update(before, fragment(a={"type": "Property", "value": 100, "observedAt": NOW}), NOW)
    assert attributes(result.entity) == {"a": {"value": 100, "observedAt": NOW}}


def test_update_deletes_what_is_null_instance_by_instance() -> None:
    before = made(a=[{"value": 1}, {"value": 2, "datasetId": "urn:d:2"}], b=3)
    result = patch.update(
        before, fragment(a={"type": "Property", "value": NULL, "datasetId": "urn:d:2"}, b=NULL), NOW
    )
    assert attributes(result.entity) == {"a": 1}
    assert result.changed == names("a", "b")
    assert len(result.previous[DEFAULT + "a"]) == 2


def test_removing_what_does_not_exist_is_reported() -> None:
    result = patch.update(made(a=1), fragment(b=NULL), NOW)
    assert (result.changed, list(result.skipped)) == ([], names("b"))


def test_an_older_observation_still_wins_as_the_last_write() -> None:
    before = made(a={"value": 1, "observedAt": NOW})
    assert (
        attributes(patch.update(before, fragment(a={"value": 2, "observedAt": THEN}), NOW).entity)["a"][
            "value"
        ]
        == 2
    )


def test_partial_update_overwrites_the_members_it_brings_and_leaves_the_others() -> None:
    before = made(a={"value": 25, "unitCode": "CEL", "observedAt": THEN, "b": {"value": 1, "c": 2}, "d": 4})
    change = parse_attribute(
        {"value": 100, "observedAt": NOW, "b": 5, "d": NULL}, core_context(), partial=True
    )
    result = patch.partial_update(before, DEFAULT + "a", change, NOW)
    assert attributes(result.entity) == {"a": {"value": 100, "unitCode": "CEL", "observedAt": NOW, "b": 5}}
    (instance,) = result.entity.attrs[DEFAULT + "a"]
    assert (instance.created_at, instance.modified_at) == (THEN, NOW)


def test_partial_update_replaces_a_compound_value_whole() -> None:
    change = parse_attribute({"value": {"y": 2}}, core_context(), partial=True)
    assert attributes(patch.partial_update(made(a={"x": 1}), DEFAULT + "a", change, NOW).entity) == {
        "a": {"y": 2}
    }


def test_partial_update_removes_metadata_and_whole_instances_that_are_null() -> None:
    before = made(a={"value": 25, "unitCode": "CEL", "observedAt": THEN})
    change = parse_attribute({"unitCode": NULL, "observedAt": NULL}, core_context(), partial=True)
    assert attributes(patch.partial_update(before, DEFAULT + "a", change, NOW).entity) == {"a": 25}
    gone = parse_attribute({"type": "Property", "value": NULL}, core_context(), partial=True)
    assert attributes(patch.partial_update(before, DEFAULT + "a", gone, NOW).entity) == {}


def test_partial_update_needs_the_instance_and_its_type() -> None:
    change = parse_attribute({"type": "Relationship", "object": "urn:b:1"}, core_context(), partial=True)
    with pytest.raises(Invalid, match="must not change"):
        patch.partial_update(made(a=1), DEFAULT + "a", change, NOW)
    other = parse_attribute({"value": 1, "datasetId": "urn:d:9"}, core_context(), partial=True)
    with pytest.raises(patch.AttributeNotFound) as raised:
        patch.partial_update(made(a=1), DEFAULT + "a", other, NOW)
    assert (raised.value.name, raised.value.dataset_id) == (DEFAULT + "a", "urn:d:9")


def test_replacing_an_attribute_needs_it_and_keeps_its_creation() -> None:
    change = parse_attribute({"value": 7}, core_context())
    result = patch.replace_attribute(made(a={"value": 1, "unitCode": "CEL"}), DEFAULT + "a", change, NOW)
    assert attributes(result.entity) == {"a": 7}
    assert result.entity.attrs[DEFAULT + "a"][0].created_at == THEN
    with pytest.raises(patch.AttributeNotFound):
        patch.replace_attribute(made(b=1), DEFAULT + "a", change, NOW)


def test_deleting_goes_by_default_instance_dataset_or_all() -> None:
    before = made(a=[{"value": 1}, {"value": 2, "datasetId": "urn:d:2"}], scope="/x")
    name = DEFAULT + "a"
    assert attributes(patch.delete_attribute(before, name, NOW).entity)["a"] == {
        "value": 2,
        "datasetId": "urn:d:2",
    }
    assert attributes(patch.delete_attribute(before, name, NOW, dataset_id="urn:d:2").entity) == {"a": 1}
    assert attributes(patch.delete_attribute(before, name, NOW, delete_all=True).entity) == {}
    assert patch.delete_attribute(before, patch.SCOPE, NOW).entity.scope == []
    for missing in ({"dataset_id": "urn:d:9"}, {}):
        with pytest.raises(patch.AttributeNotFound):
            patch.delete_attribute(made(b=1), name, NOW, **missing)
    with pytest.raises(patch.AttributeNotFound):
        patch.delete_attribute(made(b=1), name, NOW, delete_all=True)
    with pytest.raises(patch.AttributeNotFound):
        patch.delete_attribute(made(b=1), patch.SCOPE, NOW)


def test_merge_changes_members_and_leaves_the_others() -> None:
    before = made(a={"value": 25, "unitCode": "CEL", "observedAt": THEN})
    change = fragment(partial=True, a={"type": "Property", "value": 100, "observedAt": NOW})
    result = patch.merge(before, change, NOW)
    assert attributes(result.entity) == {"a": {"value": 100, "unitCode": "CEL", "observedAt": NOW}}


def test_merge_goes_into_values_and_removes_what_is_null_there() -> None:
    before = made(a={"street": "Straße des 17. Juni", "city": "Berlin", "country": "Germany"})
    change = fragment(
        partial=True, a={"type": "Property", "value": {"street": "Pariser Platz", "country": NULL}}
    )
    assert attributes(patch.merge(before, change, NOW).entity) == {
        "a": {"street": "Pariser Platz", "city": "Berlin"}
    }


def test_merge_goes_into_language_maps_and_attributes_of_attributes() -> None:
    before = made(
        a={"languageMap": {"de": "Haus", "en": "house"}}, b={"value": 1, "c": {"value": 2, "unitCode": "MTR"}}
    )
    change = fragment(
        partial=True,
        a={"type": "LanguageProperty", "languageMap": {"en": "home", "fr": "maison", "de": NULL}},
        b={"c": {"type": "Property", "value": 3}},
    )
    assert attributes(patch.merge(before, change, NOW).entity) == {
        "a": {"languageMap": {"en": "home", "fr": "maison"}},
        "b": {"value": 1, "c": {"value": 3, "unitCode": "MTR"}},
    }


def test_merge_keeps_other_instances() -> None:
    before = made(a=[{"value": 1}, {"value": 2, "datasetId": "urn:d:2"}])
    result = patch.merge(before, fragment(partial=True, a={"value": 5, "datasetId": "urn:d:2"}), NOW)
    assert attributes(result.entity)["a"] == [{"value": 1}, {"value": 5, "datasetId": "urn:d:2"}]


def test_a_bare_value_keeps_the_type_that_the_attribute_has() -> None:
    before = made(
        rel={"object": "urn:b:1"},
        label={"languageMap": {"de": "Haus", "en": "house"}},
        use={"vocab": "red"},
        levels={"valueList": [1]},
        route={"objectList": ["urn:s:1"]},
        location={"type": "Point", "coordinates": [6, 51]},
    )
    change = fragment(
        partial=True,
        rel="urn:b:2",
        label="home",
        use="blue",
        levels=[2],
        route=["urn:s:2"],
        location={"type": "Point", "coordinates": [7, 52]},
    )
    merged = patch.merge(before, change, NOW, lang="en", expand=core_context().expand)
    assert attributes(merged.entity) == {
        "rel": {"object": "urn:b:2"},
        "label": {"languageMap": {"de": "Haus", "en": "home"}},
        "use": {"vocab": "blue"},
        "levels": {"valueList": [2]},
        "route": {"objectList": ["urn:s:2"]},
        "location": {"type": "Point", "coordinates": [7, 52]},
    }


@pytest.mark.parametrize(
    ("attribute", "value"),
    [({"object": "urn:b:1"}, "no uri"), ({"languageMap": {"de": "x"}}, "home"), ({"valueList": [1]}, 5),
     ({"type": "Point", "coordinates": [6, 51]}, 5)],
)  # fmt: skip
def test_a_bare_value_that_does_not_fit_the_type_is_refused(attribute: Any, value: Any) -> None:
    with pytest.raises(Invalid):
        patch.merge(made(a=attribute), fragment(partial=True, a=value), NOW)


def test_a_common_time_reaches_attributes_that_had_one_and_did_not_bring_their_own() -> None:
    before = made(a={"value": 1, "observedAt": THEN}, b=1, c={"value": 1, "observedAt": THEN})
    change = fragment(partial=True, a=2, b=2, c={"value": 2, "observedAt": THEN})
    merged = patch.merge(before, change, NOW, observed_at=NOW)
    assert attributes(merged.entity) == {
        "a": {"value": 2, "observedAt": NOW}, "b": 2, "c": {"value": 2, "observedAt": THEN},
    }  # fmt: skip


def test_merge_may_change_the_type_with_a_value_only() -> None:
    change = fragment(partial=True, a={"type": "Relationship", "object": "urn:b:1"})
    assert attributes(patch.merge(made(a=1), change, NOW).entity) == {"a": {"object": "urn:b:1"}}
    with pytest.raises(Invalid):
        patch.merge(made(a=1), fragment(partial=True, a={"type": "Relationship", "observedAt": NOW}), NOW)


def test_what_merge_adds_is_whole_and_without_nulls() -> None:
    change = fragment(partial=True, a={"value": {"x": 1, "y": NULL}, "observedAt": NULL, "b": NULL})
    assert attributes(patch.merge(made(), change, NOW).entity) == {"a": {"x": 1}}
    for unfit in ({"unitCode": "CEL"}, {"value": 1, "b": {"unitCode": "CEL"}}):
        with pytest.raises(Invalid):
            patch.merge(made(), fragment(partial=True, a=unfit), NOW)


def test_expiry_is_set_and_taken_back() -> None:
    later = patch.merge(made(a=1), fragment(expiresAt=NOW), NOW).entity
    assert later.expires_at == NOW
    assert patch.merge(later, fragment(expiresAt=NULL), NOW).entity.expires_at == ""


@given(ENTITIES, FRAGMENTS)
def test_no_operation_changes_what_it_is_given(entity: Entity, change: Entity) -> None:
    before, asked = encode(entity), encode(change)
    for write in (patch.append, patch.update, patch.merge, patch.replace):
        write(entity, change, NOW)
    assert (encode(entity), encode(change)) == (before, asked)


@given(ENTITIES, FRAGMENTS)
def test_writing_the_same_again_changes_nothing_more(entity: Entity, change: Entity) -> None:
    for write in (patch.append, patch.update, patch.merge, patch.replace):
        once = write(entity, change, NOW).entity
        assert _unordered(write(once, change, NOW).entity) == _unordered(once)


@given(ENTITIES, FRAGMENTS)
def test_what_a_fragment_does_not_name_is_kept_and_what_changed_is_reported(
    entity: Entity, change: Entity
) -> None:
    for write in (patch.append, patch.update, patch.merge):
        result = write(entity, change, NOW)
        for name, instances in entity.attrs.items():
            kept = result.entity.attrs[name]
            touched = {each.dataset_id for each in change.attrs.get(name, ())}
            for instance in instances:
                assert instance.dataset_id in touched or instance in kept
            assert (name in result.changed) == bool(touched)
            assert name not in result.changed or result.previous[name] == instances
        assert set(result.changed) == set(change.attrs)


@given(ENTITIES, ENTITIES)
def test_replace_forgets(entity: Entity, new: Entity) -> None:
    result = patch.replace(entity, new, NOW)
    assert set(result.entity.attrs) == set(new.attrs)
    assert result.entity.scope == new.scope
    assert set(result.changed) == set(entity.attrs) | set(new.attrs)
    assert result.previous == entity.attrs


@given(ENTITIES)
def test_deleting_every_attribute_leaves_none(entity: Entity) -> None:
    for name in list(entity.attrs):
        entity = patch.delete_attribute(entity, name, NOW, delete_all=True).entity
    assert entity.attrs == {}


def _unordered(entity: Entity) -> Any:
    """Give an entity as a value that compares without regard to the order of instances."""
    return (entity.type, sorted(entity.scope), _sorted(entity.attrs))


def _sorted(attrs: dict[str, list[Instance]]) -> Any:
    return {
        name: {
            each.dataset_id: (each.type, each.value, each.observed_at, _sorted(each.attrs))
            for each in instances
        }
        for name, instances in attrs.items()
    }
