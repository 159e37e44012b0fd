"""The order of lists: clause 4.23."""

from typing import Any

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.ordering import parse_order, sort_entities
from rhinecloud.ngsild.parsing import parse_entity


def entities(*values: Any) -> list[Entity]:
    found = []
    for place, value in enumerate(values):
        members = (
            value
            if isinstance(value, dict) and "a" in value
            else {}
            if value is None
            else {"a": {"value": value}}
        )
        found.append(parse_entity({"id": f"urn:a:{place}", "type": "T", **members}, core_context()))
    return found


def ordered(text: str, listed: list[Entity], **options: Any) -> list[int]:
    keys = parse_order(text, core_context(), **options)
    return [int(each.id.rpartition(":")[2]) for each in sort_entities(listed, keys, lambda entity: entity)]


def test_ascending_is_the_default_and_absence_comes_last_either_way() -> None:
    listed = entities(3, None, 1, 2)
    assert ordered("a", listed) == [2, 3, 0, 1]
    assert ordered("a;desc", listed) == [0, 3, 2, 1]


def test_criteria_apply_in_turn_and_equals_keep_their_order() -> None:
    listed = entities({"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 1, "b": 3}, {"a": 1, "b": 3})
    assert ordered("a,b;desc", listed) == [2, 3, 0, 1]


def test_types_of_values_have_an_order_of_their_own() -> None:
    listed = entities("2026-01-01T00:00:00Z", True, [1], {"x": 1}, "text", 5, "2026-01-01", "12:00:00Z", None)
    assert ordered("a", listed) == [5, 4, 3, 2, 1, 7, 6, 0, 8]


def test_texts_are_ordered_by_letter_then_accent_then_case() -> None:
    assert ordered("a", entities("Zebra", "apfel", "Äpfel", "Apfel", "birne")) == [1, 3, 2, 4, 0]


def test_order_may_go_by_path_id_type_and_time() -> None:
    listed = entities({"a": {"x": 2}}, {"a": {"x": 1}})
    assert ordered("a[x]", listed) == [1, 0]
    assert ordered("id;desc", listed) == [1, 0]
    assert ordered("type", listed) == [0, 1]
    nested = entities(
        {"a": {"value": 1, "observedAt": "2026-01-02T00:00:00Z"}},
        {"a": {"value": 1, "observedAt": "2026-01-01T00:00:00Z"}},
    )
    assert ordered("a.observedAt", nested) == [1, 0]


def test_order_may_go_by_distance() -> None:
    listed = entities(*({"a": {"type": "Point", "coordinates": [x, 40]}} for x in (10, 8, 9)), 5)
    assert ordered("a;dist-asc", listed, order_from="[8,40]") == [1, 2, 0, 3]
    assert ordered("a;dist-desc", listed[:3], order_from=[8, 40]) == [0, 2, 1]
    assert ordered("a;dist-asc", listed, order_from="[[8,41],[10,41]]", geometry="LineString")[3] == 3


@pytest.mark.parametrize(
    ("text", "options", "field"),
    [
        ("", {}, "orderBy"),
        ("a;up", {}, "orderBy"),
        ("a;;asc", {}, "orderBy"),
        ("a b", {}, "orderBy"),
        ("a,,b", {}, "orderBy"),
        ("a;dist-asc", {}, "orderBy"),
        ("a;dist-asc", {"order_from": "here"}, "orderFrom"),
        ("a;dist-asc", {"order_from": "[500,1]"}, "orderFrom"),
        ("a", {"collation": "not a collation!"}, "collation"),
    ],
)
def test_what_is_no_order_is_refused(text: str, options: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_order(text, core_context(), **options)
    assert raised.value.field == field


def test_an_order_is_printed_so_that_it_reads_back() -> None:
    keys = parse_order("a[x],b;desc", core_context())
    assert parse_order(",".join(str(key) for key in keys), core_context()) == keys
