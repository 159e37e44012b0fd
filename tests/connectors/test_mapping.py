"""Declared mappings: YAML says what a message means, and every mistake in it is named by its place."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rhinecloud.connectors.mapping.declared import DeclaredMapping, load_mapping, load_mappings, parse_mapping
from rhinecloud.connectors.mapping.document import MappingRuleKeys
from rhinecloud.connectors.mapping.lookup import read_path
from rhinecloud.kernel.declarative import FileFault
from rhinecloud.kernel.errors import Invalid
from rhinecloud.pack.mapping import Ignored, Rejected

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AIR = """
topic: "air/{district}/{box}/reading"
id: "urn:ngsi-ld:AirQualityObserved:{district}:{box}"
type: AirQualityObserved
time: at
zone: Europe/Berlin
attributes:
  pm10: { from: values.pm10, unit: GQ, min: 0, max: 2000 }
  temperature: { from: values.t, unit: CEL, scale: 0.1, digits: 1 }
  name: { text: "Box {box} in {district}" }
  status: { from: st, values: { 0: ok, 1: failed } }
  location: { point: [lon, lat] }
  refDevice: { link: "urn:ngsi-ld:Device:{box}" }
  firmware: fw
"""


def mapping(text: str) -> DeclaredMapping:
    return parse_mapping(text.encode(), "m.yaml")


def apply(text: str, message: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the entities of a message; raise where a part of it is rejected."""
    said = list(mapping(text)(message, NOW))
    rejected = [Invalid(each.reason, field=each.place) for each in said if isinstance(each, Rejected)]
    if rejected:
        raise rejected[0]
    return [each for each in said if isinstance(each, dict)]


def ignored(text: str, message: dict[str, Any]) -> list[Ignored]:
    said = list(mapping(text)(message, NOW))
    assert not [each for each in said if isinstance(each, dict)]
    return [each for each in said if isinstance(each, Ignored)]


def rule(**members: Any) -> str:
    """A small rule with some members put in or replaced."""
    whole = {"id": "urn:x:{a}", "type": "T", "attributes": {"v": "b"}, **members}
    return yaml.safe_dump({key: value for key, value in whole.items() if value is not None})


def test_a_payload_becomes_an_entity_with_units_times_and_links() -> None:
    message = {
        "topic": "air/Ruhrort/box 7/reading",
        "at": "2026-07-01T12:00:00",
        "values": {"pm10": "18.5", "t": 213},
        "st": 0,
        "lon": "6.73",
        "lat": 51.45,
        "fw": "1.2",
    }
    at = "2026-07-01T10:00:00Z"
    assert apply(AIR, message) == [
        {
            "id": "urn:ngsi-ld:AirQualityObserved:Ruhrort:box%207",
            "type": "AirQualityObserved",
            "pm10": {"value": 18.5, "observedAt": at, "unitCode": "GQ"},
            "temperature": {"value": 21.3, "observedAt": at, "unitCode": "CEL"},
            "name": "Box box 7 in Ruhrort",
            "status": {"value": "ok", "observedAt": at},
            "location": {
                "type": "GeoProperty",
                "value": {"type": "Point", "coordinates": [6.73, 51.45]},
                "observedAt": at,
            },
            "refDevice": {"type": "Relationship", "object": "urn:ngsi-ld:Device:box%207"},
            "firmware": {"value": "1.2", "observedAt": at},
        }
    ]


def test_a_topic_that_does_not_fit_gives_nothing() -> None:
    assert apply(AIR, {"topic": "noise/a/b/reading", "values": {"pm10": 1}}) == []
    assert apply(AIR, {"values": {"pm10": 1}}) == []
    assert ignored(AIR, {"topic": "x", "values": {"pm10": 1}}) == [
        Ignored("its topic is none of the mapping's", "x")
    ]


def test_a_time_in_two_columns_is_joined() -> None:
    text = rule(time=["day", "clock"], zone="Europe/Berlin")
    for day, clock in (("21.03.2024", "24:00"), ("2024-03-22", "00:00:00"), ("20240322", "0000")):
        [found] = apply(text, {"a": 1, "b": 2, "day": day, "clock": clock})
        assert found["v"]["observedAt"] == "2024-03-21T23:00:00Z"
    with pytest.raises(Invalid, match="clock: must have a value beside the rest of the time"):
        apply(text, {"a": 1, "b": 2, "day": "2024-03-22"})


def test_digits_are_a_number_before_they_are_a_date() -> None:
    [found] = apply(rule(time="at", zone="Europe/Berlin"), {"a": 1, "b": 2, "at": "1711022312345"})
    assert found["v"]["observedAt"] == "2024-03-21T11:58:32.345000Z"


@pytest.mark.parametrize("text", ["1_5", "nan", "٣"])
def test_numbers_in_texts_are_read_strictly(text: str) -> None:
    with pytest.raises(Invalid, match="must be a number"):
        apply(rule(attributes={"v": {"from": "b", "unit": "GQ"}}), {"a": 1, "b": text})


def test_an_invalid_value_does_not_cost_the_others_of_its_entity() -> None:
    text = rule(attributes={"v": {"from": "b", "max": 10}, "w": "c"})
    entity, rejected = mapping(text)({"a": 1, "b": 11, "c": 3}, NOW)
    assert isinstance(entity, dict)
    assert "v" not in entity and entity["w"]["value"] == 3
    assert rejected == Rejected("b", "11 is above 10")


def test_an_invalid_item_of_a_list_is_rejected_with_its_place_and_the_others_are_kept() -> None:
    text = rule(each="items", attributes={"v": {"from": "b", "as": "number"}})
    said = list(
        mapping(text)({"items": [{"a": 1, "b": 1}, {"a": 2, "b": "x"}, {"a": 3, "b": 3}, {"a": 4}]}, NOW)
    )
    assert [each["id"] for each in said if isinstance(each, dict)] == ["urn:x:1", "urn:x:3"]
    assert [each for each in said if isinstance(each, Rejected)] == [
        Rejected("items.1.b", "must be a number, not 'x'")
    ]
    assert [each for each in said if isinstance(each, Ignored)] == [Ignored("it has no value for T")]


def test_what_is_left_out_is_told_with_the_reason() -> None:
    assert ignored(rule(when={"k": 1}), {"k": 2}) == [Ignored("`k` is not 1", "k: 2")]
    assert ignored(rule(each="items"), {"a": 1}) == [Ignored("it has nothing in the list `items`")]
    assert ignored(rule(), {"a": 1}) == [Ignored("it has no value for T")]


def test_a_rule_that_does_not_match_is_not_told_where_another_makes_an_entity() -> None:
    rules = [yaml.safe_load(rule(when={"k": kind})) for kind in (1, 2)]
    text = yaml.safe_dump({"rules": rules})
    assert [type(each) for each in mapping(text)({"k": 2, "a": 1, "b": 1}, NOW)] == [dict]
    assert len(ignored(text, {"k": 3, "a": 1, "b": 1})) == 1


def test_the_topics_to_subscribe_to_are_those_of_the_rules() -> None:
    text = yaml.safe_dump(
        {"rules": [yaml.safe_load(rule(topic=topic)) for topic in ("a/{x}/+", "b/#", "b/#")]}
    )
    assert mapping(text).topics == ("a/+/+", "b/#")


@pytest.mark.parametrize(("topic", "fits"), [("b", True), ("b/c", True), ("b/c/d", True), ("bc", False)])
def test_a_hash_fits_the_level_itself_and_all_below(topic: str, fits: bool) -> None:
    assert bool(apply(rule(topic="b/#"), {"topic": topic, "a": 1, "b": 2})) is fits


def test_each_item_of_a_list_is_an_entity_and_sees_the_whole_message() -> None:
    text = rule(each="sensors", id="urn:x:{box}:{n}", attributes={"v": {"from": "v", "as": "number"}})
    found = apply(text, {"box": 9, "sensors": [{"n": 1, "v": 5}, {"n": 2, "v": 6}]})
    assert [(each["id"], each["v"]["value"]) for each in found] == [("urn:x:9:1", 5), ("urn:x:9:2", 6)]


def test_only_messages_with_the_wanted_members_are_meant() -> None:
    text = rule(when={"kind": "reading"})
    assert apply(text, {"kind": "reading", "a": 1, "b": 2})
    assert apply(text, {"kind": "hello", "a": 1, "b": 2}) == []


def test_a_message_without_any_of_the_values_gives_nothing() -> None:
    assert apply(rule(), {"a": 1, "c": 2}) == []
    assert apply(rule(), {"a": 1, "b": None}) == []
    assert apply(rule(attributes={"v": "b", "name": {"text": "{nowhere}"}}), {"a": 1}) == []


def test_without_a_time_the_moment_of_receipt_counts() -> None:
    [found] = apply(rule(time="at"), {"a": 1, "b": 2})
    assert found["v"]["observedAt"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    "value", [1772366400, 1772366400000, "1772366400", "2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00"]
)
def test_times_are_understood_as_devices_write_them(value: object) -> None:
    [found] = apply(rule(time="at"), {"a": 1, "b": 2, "at": value})
    assert found["v"]["observedAt"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ({"from": "b", "as": "number"}, "12", 12),
        ({"from": "b", "scale": 1.8, "offset": 32, "digits": 0}, 20, 68),
        ({"from": "b", "as": "boolean"}, "on", True),
        ({"from": "b", "as": "text"}, 5, "5"),
        ("b", [1, 2], [1, 2]),
    ],
)
def test_values_are_converted_as_declared(attribute: Any, value: Any, expected: Any) -> None:
    [found] = apply(rule(attributes={"v": attribute}), {"a": 1, "b": value})
    assert found["v"]["value"] == expected


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ({"from": "b", "unit": "GQ"}, "much", "b: must be a number, not 'much'"),
        ({"from": "b", "unit": "GQ"}, True, "b: must be a number, not True"),
        ({"from": "b", "max": 10}, 11, "b: 11 is above 10"),
        ({"from": "b", "values": {"0": "ok"}}, 7, "b: must be one of 0, not 7"),
        ({"text": "{nowhere}"}, 1, "the message must have nowhere"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_its_place(
    attribute: Any, value: Any, reason: str
) -> None:
    with pytest.raises(Invalid, match=reason):
        apply(rule(attributes={"v": attribute}), {"a": 1, "b": value})


@pytest.mark.parametrize("text", ["noon", "0001-01-01T00:00:00+05:00"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match=rf"at: must be a time.*, not '{re.escape(text)}'"):
        apply(rule(time="at"), {"a": 1, "b": 2, "at": text})


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ("- 1", "m.yaml"),
        (rule(id=None), "id"),
        (rule(attributes={}), "attributes"),
        (rule(atributes={}), "atributes"),
        (rule(attributes={"v": {"form": "b"}}), "attributes.v.form"),
        (rule(attributes={"v": {"from": "b", "text": "c"}}), "attributes.v"),
        (rule(attributes={"v": {"from": "b", "scale": "big"}}), "attributes.v.scale"),
        (rule(attributes={"v": {"from": "b", "as": "date"}}), "attributes.v.as"),
        (rule(attributes={"v": {"point": ["b"]}}), "attributes.v.point"),
        (rule(zone="Mars/Olympus"), "zone"),
        (rule(topic="a/#/b"), "topic"),
        (rule(topic="a/b{c}"), "topic"),
        ("rules: []", "rules"),
        ("rules: [{id: a, type: b, attributes: {v: {}}}]", "rules[0].attributes.v"),
    ],
)
def test_a_mistake_in_the_file_is_named_by_its_place(written: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        mapping(written)
    assert field in [each.field for each in caught.value.faults]


def test_a_folder_gives_its_mappings_by_name_and_names_the_broken_file(tmp_path: Path) -> None:
    (tmp_path / "air.yaml").write_text(AIR)
    assert list(load_mappings(tmp_path)) == ["air"]
    assert load_mappings(tmp_path / "none") == {}
    broken = tmp_path / "broken.yaml"
    broken.write_text("id: [")
    with pytest.raises(Invalid, match=r"broken\.yaml"):
        load_mapping(broken)
    broken.write_text(rule(zone="nowhere"))
    with pytest.raises(Invalid, match=r"broken\.yaml, line \d, column 7: zone: must be a time zone"):
        load_mapping(broken)


# Paths


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("SDS0X1.PM2.5", {"SDS0X1": {"PM2.5": 7, "PM10": 3}}),
        ('SDS0X1."PM2.5"', {"SDS0X1": {"PM2.5": 7, "PM2": {"5": 8}}}),
        ('"a.b".c', {"a.b": {"c": 7}, "a": {"b": {"c": 8}}}),
        ("a.b.c", {"a.b": {"c": 7}}),
        ("a.b.c", {"a": {"b.c": 7}}),
        ("a.b.c.d", {"a": {"b.c": {"d": 7}}}),
        ("a.b.c", {"a.b": {"x": 1}, "a": {"b": {"c": 7}}}),
        ("x.1.a.b", {"x": [0, {"a.b": 7}]}),
        ('"*"', {"*": 7}),
        ('"say \\"x\\""', {'say "x"': 7}),
        ("Bundesland / Messnetz", {"Bundesland / Messnetz": 7}),
    ],
)
def test_a_name_with_a_dot_is_found_at_any_level(path: str, message: dict[str, Any]) -> None:
    [found] = apply(rule(id="urn:x:1", attributes={"v": path}), message)
    assert found["v"]["value"] == 7


@pytest.mark.parametrize("path", ["a..b", ".a", "a.", 'a."b', 'a"b"', "a.*", '""'])
def test_a_path_that_is_none_is_refused_with_its_place(path: str) -> None:
    for attribute in (path, {"from": path}):
        with pytest.raises(FileFault, match=r"m\.yaml, line \d+, column \d+: attributes\.v"):
            mapping(rule(attributes={"v": attribute}))


_NAME = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=6)


@given(names=st.lists(_NAME, min_size=1, max_size=4))
def test_any_names_in_quotes_are_found(names: list[str]) -> None:
    path = ".".join('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names)
    message: Any = 7
    for name in reversed(names):
        message = {name: message}
    assert read_path(path).find(message) == 7


# Conditions and meanings


@pytest.mark.parametrize(
    ("written", "found", "fits"),
    [
        ("ON", "ON", True),
        ("ON", True, False),
        ("off", "off", True),
        ("yes", "yes", True),
        ("007", "007", True),
        ("007", 7, True),
        ("1.10", "1.10", True),
        ("1.10", 1.1, True),
        ("1.10", "1.1", False),
        ("1", "1", True),
        ("1", 1.0, True),
        ("1", True, False),
        ("true", True, True),
        ("true", "true", True),
        ("True", True, True),
        ("true", 1, False),
        ("'1'", 1, True),
        ("null", None, True),
        ("null", "x", False),
        ("[ON, 'OPEN', 3]", "OPEN", True),
        ("[ON, 'OPEN', 3]", 3, True),
        ("[ON, 'OPEN', 3]", "OFF", False),
        ("2026-03-01", "2026-03-01", True),
    ],
)
def test_a_condition_is_compared_as_the_text_of_the_source(written: str, found: Any, fits: bool) -> None:
    text = f"id: urn:x:1\ntype: T\nwhen: {{ k: {written} }}\nattributes: {{ v: b }}\n"
    assert bool(apply(text, {"k": found, "b": 1})) is fits
    inner = "\n".join(f"    {line}" for line in text.splitlines())
    assert bool(apply(f"rules:\n  -\n{inner}\n", {"k": found, "b": 1})) is fits


@pytest.mark.parametrize(
    ("found", "meant"),
    [("ON", "open"), (True, "yes"), ("true", "yes"), (1, "one"), (1.0, "one"), ("007", "bond")],
)
def test_a_table_of_meanings_is_compared_as_texts(found: Any, meant: str) -> None:
    table = "{ ON: open, true: yes, 1: one, 007: bond, '-': }"
    text = f"id: urn:x:1\ntype: T\nattributes: {{ v: {{ from: b, values: {table} }} }}"
    [entity] = apply(text, {"b": found})
    assert entity["v"]["value"] == meant
    assert apply(text, {"b": "-"}) == []


def test_words_for_no_data_are_left_out() -> None:
    text = rule(no_data=["unavailable", -999], attributes={"v": {"from": "b", "unit": "CEL"}, "w": "c"})
    [found] = apply(text, {"a": 1, "b": "unavailable", "c": "alive"})
    assert "v" not in found and found["w"]["value"] == "alive"
    assert apply(text, {"a": 1, "b": "-999.0", "c": -999}) == []


# Walks


def test_each_value_of_an_object_is_an_item_with_its_key() -> None:
    text = rule(each="stations.*", id="urn:x:{key}", attributes={"v": "no2", "unit": "unit"})
    message = {"unit": "ug", "stations": {"A": {"no2": 31}, "B": {"no2": 33, "unit": "mg"}}}
    assert [(each["id"], each["v"]["value"], each["unit"]["value"]) for each in apply(text, message)] == [
        ("urn:x:A", 31, "ug"),
        ("urn:x:B", 33, "mg"),
    ]


def test_objects_keyed_by_station_and_time_are_walked() -> None:
    text = rule(
        each="data.*.*",
        id="urn:x:{keys.0}",
        time="key",
        time_format="%Y-%m-%d %H:%M:%S",
        zone="Europe/Berlin",
        attributes={"o3": {"from": "3.2", "unit": "GQ"}, "dust": {"from": "4.2", "unit": "GQ"}},
    )
    hours = {
        "2023-02-06 11:00:00": ["2023-02-06 12:00:00", 1, 1, [3, 5, 0, "0.083"], [5, 28, 1, "1.368"]],
        "2023-02-06 12:00:00": ["2023-02-06 13:00:00", 1, 1, [3, "x", 0, "0.1"], [5, 27, 1, "1.3"]],
    }
    said = list(mapping(text)({"data": {"509": hours}}, NOW))
    found = [each for each in said if isinstance(each, dict)]
    assert [(each["id"], each["o3"]["value"], each["o3"]["observedAt"]) for each in found] == [
        ("urn:x:509", 0, "2023-02-06T10:00:00Z"),
        ("urn:x:509", 0, "2023-02-06T11:00:00Z"),
    ]
    broken = {"data": {"509": {"2023-02-06 11:00:00": [0, 1, 1, [3, 5, "x"], [5, 28, 1]]}}}
    [_, rejected] = mapping(text)(broken, NOW)
    assert rejected == Rejected("data.509.2023-02-06 11:00:00.3.2", "must be a number, not 'x'")


def test_lists_below_objects_are_walked_and_see_what_is_around_them() -> None:
    text = rule(each="boxes.*.sensors", id="urn:x:{key}:{n}", attributes={"v": "v", "name": "name"})
    message = {
        "name": "all",
        "boxes": {
            "A": {"name": "box A", "sensors": [{"n": 1, "v": 5}, {"n": 2, "v": 6}]},
            "B": {"sensors": []},
        },
    }
    assert [(each["id"], each["v"]["value"], each["name"]["value"]) for each in apply(text, message)] == [
        ("urn:x:A:1", 5, "box A"),
        ("urn:x:A:2", 6, "box A"),
    ]


def test_an_object_where_a_list_must_be_is_refused_with_the_step_that_it_needs() -> None:
    with pytest.raises(Invalid, match=r"stations: must be a list; `stations\.\*` is each value of an object"):
        apply(rule(each="stations"), {"stations": {"A": {"a": 1, "b": 2}}})


# Checks at load


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (rule(attributes={"v": {"from": "b", "unit": "°C"}}), r"attributes\.v\.unit: .*did you mean CEL"),
        (rule(attributes={"v": {"from": "b", "unit": "kN"}}), r"attributes\.v\.unit: .*did you mean B47"),
        (
            rule(attributes={"v": {"from": "b", "min": 5, "max": 1}}),
            r"attributes\.v\.max: must be `min` \(5\)",
        ),
        (
            rule(attributes={"v": {"from": "b", "mim": 5}}),
            r"attributes\.v\.mim: unknown key; did you mean `min`",
        ),
        (
            rule(time="at", time_format="dd.MM.yyyy"),
            "time_format: must have codes for year, month and day",
        ),
        (rule(time="at", time_format="%H:%M"), "time_format: must have codes for year, month and day"),
        (rule(time="at", time_format="%Q"), "time_format: must be a format of strptime"),
        (rule(id="X {b}"), "id: must be a URI"),
        (rule(id="urn:x:{b"), "id: must be a URI"),
        (rule(id="station-7"), "id: must be a URI"),
        (rule(attributes={"v": {"link": "Device {b}"}}), r"attributes\.v\.link: must be a URI"),
        (
            rule(topic="air/{station}/x", id="urn:x:{sation}"),
            r"id: unknown level \{sation\}; did you mean `\{station\}`",
        ),
        (rule(when={"a": {"b": 1}}), r"when\.a: must be a text, a number"),
        (rule(no_data="-"), "no_data: must be a list"),
    ],
)
def test_a_mistake_is_found_before_the_first_message(written: str, reason: str) -> None:
    with pytest.raises(FileFault, match=rf"m\.yaml, line \d+, column \d+: ({reason})"):
        mapping(written)


def test_an_id_may_be_a_value_of_the_message() -> None:
    [found] = apply(rule(id="{a}"), {"a": "urn:x:7", "b": 1})
    assert found["id"] == "urn:x:7"


GERMAN = rule(
    id="urn:x:1",
    time="zeit",
    time_format="%d.%m.%Y %H:%M",
    zone="Europe/Berlin",
    decimal=",",
    attributes={"level": {"from": "wert", "unit": "MTR"}, "location": {"point": ["lon", "lat"]}},
)


@pytest.mark.parametrize(
    ("text", "number"),
    [("3,25", 3.25), ("-1.234,5", -1234.5), ("1.234.567", 1234567), ("7", 7), (2.5, 2.5)],
)
def test_a_decimal_comma_and_german_times_are_read(text: object, number: float) -> None:
    message = {"wert": text, "zeit": "22.11.2026 10:15", "lon": "6,75", "lat": "51,44"}
    [entity] = apply(GERMAN, message)
    assert entity["level"] == {"value": number, "observedAt": "2026-11-22T09:15:00Z", "unitCode": "MTR"}
    assert entity["location"]["value"]["coordinates"] == [6.75, 51.44]


@pytest.mark.parametrize("text", ["3.25", "1.23,4", "1,2,3", "1e5", ","])
def test_what_is_no_number_with_a_decimal_comma_is_not_guessed(text: str) -> None:
    with pytest.raises(Invalid, match="must be a number"):
        apply(GERMAN, {"wert": text})


def test_a_time_of_another_format_is_named_with_the_wanted_one() -> None:
    with pytest.raises(Invalid, match=r"as %d\.%m\.%Y"):
        apply(GERMAN, {"wert": "1", "zeit": "2026-11-22T10:15:00Z"})


def test_a_decimal_mark_is_comma_or_full_stop() -> None:
    with pytest.raises(Invalid, match=r"decimal: must be one of \., ,, not ';'"):
        mapping(rule(decimal=";"))


VALUES: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["", "a", "{x}", "a/#", "Europe/Berlin"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["from", "as", "point", "values", "rules", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    written=st.fixed_dictionaries(
        {}, optional=dict.fromkeys([*MappingRuleKeys.key_names(), "rules", "unknown"], VALUES)
    )
)
@settings(max_examples=300)
def test_any_values_give_a_mapping_or_faults_with_places(written: dict[str, Any]) -> None:
    try:
        parse_mapping(json.dumps(written).encode(), "m.yaml")
    except Invalid as error:
        for fault in error.faults:
            assert isinstance(fault, FileFault)
            assert str(fault).startswith("m.yaml, line 1, column")
