"""A rule file that is wrong says where and why, and spoils no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rhinecloud.ngsild.context import core_context
from rhinecloud.risk.rulebook import check, read_rulebook, read_rules
from risk.city import CONTEXT, PACKS

SOUND = """id: high-water
type: WaterObserved
severity: high
when: waterLevel >= 800
"""


def faults(folder: Path, text: str) -> list[tuple[int, int, str]]:
    path = folder / "rule.yaml"
    path.write_text(text, encoding="utf-8")
    return [(each.line, each.column, each.sentence) for each in check(path, CONTEXT)]


def test_a_sound_file_has_no_fault(tmp_path: Path) -> None:
    assert faults(tmp_path, SOUND) == []


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("id: a\n  b: c\n", 2, 4, "this is not YAML"),
        ("id: [a\n", 2, 1, "this is not YAML"),
        ("- just\n- a list\n", 1, 1, "keys and values"),
        ("", 1, 1, "the file is empty"),
        (SOUND + "wenn: x\n", 5, 1, "wenn: unknown key; did you mean `when`?"),
        (SOUND + "id: b\n", 5, 1, "id: this key must not be written twice"),
        (SOUND.replace("id: high-water\n", ""), 1, 1, "id: this key is missing"),
        (SOUND.replace("when: waterLevel >= 800\n", ""), 1, 1, "must have `when`"),
        (SOUND.replace(">= 800", ">= "), 4, 20, "the expression ends too early"),
        (SOUND.replace(">= 800", "= 800"), 4, 18, "Syntax error"),
        (SOUND.replace("waterLevel >=", "waterLvl >="), 4, 7, "did you mean `waterLevel`?"),
        (SOUND.replace(">= 800", ">= 800 && qwertz > 1"), 4, 28, "write `attributes: [qwertz]`"),
        (SOUND.replace(">= 800", "- 5 >= 800"), 4, 20, "write 5.0"),
        (SOUND.replace(">= 800", "+ 1.0"), 4, 7, "never true or false"),
        (SOUND.replace("waterLevel >= 800", '"3.0 * 2.0"'), 4, 8, "never true or false"),
        (SOUND + "clear: -(waterLevel)\n", 5, 8, "never true or false"),
        (SOUND.replace("waterLevel >= 800", "shout(waterLevel)"), 4, 7, "no function `shout`"),
        (SOUND.replace("waterLevel >= 800", "window.change > 3"), 4, 7, "`window` needs the key `window:`"),
        (SOUND + "window: {attribute: waterLevel, over: 3 hours}\n", 5, 39, "not a duration"),
        (SOUND + "for: 15\n", 5, 6, "15 is not a duration"),
        (
            SOUND.replace("severity: high", "severity: hgih"),
            3,
            11,
            "not 'hgih'; did you mean `high`?",
        ),
        (
            SOUND + "incident: {severity_at_least: huge}\n",
            5,
            31,
            "medium, high, critical, not 'huge'",
        ),
        (
            SOUND + "incident: sometimes\n",
            5,
            11,
            "must be one of never, auto, or keys and values, not 'sometimes'",
        ),
        (SOUND + "message: {de: 'ja', en: 'Level {waterLvl}'}\n", 5, 26, "no attribute `waterLvl`"),
        (SOUND + "message: 'Level {waterLevel'\n", 5, 17, "must be closed"),
        (SOUND + "units: {waterLevel: centimetres}\n", 5, 21, "must be a UN/CEFACT common code"),
        (SOUND + "evidence: {readings: 0}\n", 5, 22, "must be 1 or more, not 0"),
        (SOUND + "version: one\n", 5, 10, "must be a whole number, not 'one'"),
        (SOUND + "silence: {interval: 15 min}\n", 4, 1, "when: must not be combined with `silence`"),
        (SOUND.replace("when: waterLevel >= 800", "silence: {intervals: 3}"), 4, 1, "`interval`"),
        (SOUND.replace("when:", "silence: {interval: 1 h}\nclear:"), 5, 1, "must be combined with `when`"),
    ],
)
def test_each_fault_names_its_line_and_reason(
    tmp_path: Path, text: str, line: int, column: int, reason: str
) -> None:
    found = faults(tmp_path, text)
    assert found, "no fault was found"
    assert (line, column) in [each[:2] for each in found], found
    assert any(reason in each[2] for each in found if each[:2] == (line, column)), found


@pytest.mark.parametrize(
    "when", ["true", "isFlooded", "!isFlooded", "waterLevel in [1.0]", "isFlooded ? true : false"]
)
def test_what_may_be_true_or_false_is_sound(tmp_path: Path, when: str) -> None:
    text = SOUND.replace("waterLevel >= 800", json.dumps(when)) + "attributes: [isFlooded]\n"
    assert faults(tmp_path, text) == []


def test_a_fault_in_a_text_of_one_language_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(SOUND + 'message: {de: "{nope + }"}\n', encoding="utf-8")
    [fault] = check(path, CONTEXT)
    assert (fault.line, fault.column) == (5, 24)


def test_a_mistyped_severity_gets_the_nearest_one(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(SOUND.replace("severity: high", "severity: hgih"), encoding="utf-8")
    [fault] = check(path, CONTEXT)
    assert fault.reason.endswith("did you mean `high`?")


def test_a_mistyped_severity_is_no_attribute_of_a_strangers_type(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    text = SOUND.replace("WaterObserved", "ParkingGarage").replace("severity: high", "severity: hight")
    path.write_text(text, encoding="utf-8")
    [fault] = check(path, CONTEXT)
    assert fault.line == 3
    assert fault.reason.endswith("did you mean `high`?")


AREA = "id: a\ntype: Vessel\nseverity: low\narea:\n  event: enter\n"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (AREA, 4, "must have one of `geometry`"),
        (AREA + "  geometry: {type: Point, coordinates: [6.7, 51.4]}\n", 6, "with an area"),
        (AREA + "  geometry: {type: Polygon, coordinates: [[6.7, 51.4]]}\n", 6, "must be a GeoJSON geometry"),
        (
            AREA + "  geometry: {type: Polygon, coordinates: [[[51, 6], [52, 6], [52, 99], [51, 6]]]}\n",
            6,
            "must have degrees",
        ),
        (
            AREA + "  geometry: {type: Polygon, coordinates: [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}\n",
            6,
            "must be valid",
        ),
        (AREA + "  file: nowhere.geojson\n", 6, "nowhere.geojson: cannot read the file"),
        (AREA + "  file: port.geojson\n  feature: B\n", 6, "no feature whose id or name is 'B'"),
        (AREA.replace("enter", "through") + "  entity: urn:x:1\n", 5, "must be one of enter, leave, inside"),
        (AREA + "  entity: urn:x:1\nwhen: speedOverGround > 3\n", 7, "without `event: inside`"),
    ],
)
def test_faults_of_areas(tmp_path: Path, text: str, line: int, reason: str) -> None:
    ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
    feature = {
        "type": "Feature",
        "properties": {"name": "A"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    (tmp_path / "port.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    found = faults(tmp_path, text)
    assert any(each[0] == line and reason in each[2] for each in found), found
    assert faults(tmp_path, AREA + "  file: port.geojson\n  feature: A\n") == []


@pytest.mark.parametrize(
    "content",
    ["[]", '{"features": 3}', '{"features": [1, {"properties": []}, {"properties": {"name": "B"}}]}'],
)
def test_a_file_of_areas_may_hold_anything(tmp_path: Path, content: str) -> None:
    (tmp_path / "port.geojson").write_text(content, encoding="utf-8")
    [found] = faults(tmp_path, AREA + "  file: port.geojson\n  feature: A\n")
    assert found == (6, 9, "area.file: port.geojson has no feature whose id or name is 'A'")


def test_a_place_within_a_text_block_is_found(tmp_path: Path) -> None:
    text = SOUND.replace("when: waterLevel >= 800", "when: |\n  waterLevel >= 800\n    && waterLvl < 3")
    assert [each[:2] for each in faults(tmp_path, text)] == [(6, 8)]


def test_all_faults_are_named_not_only_the_first(tmp_path: Path) -> None:
    text = SOUND.replace("high\n", "hgih\n").replace("800", "")
    assert [each[0] for each in faults(tmp_path, text + "wenn: 3\n")] == [3, 4, 5]


def test_a_strangers_type_brings_its_own_attributes(tmp_path: Path) -> None:
    assert faults(tmp_path, SOUND.replace("WaterObserved", "BeeHive").replace("waterLevel", "buzz")) == []
    assert faults(tmp_path, SOUND.replace("waterLevel", "buzz") + "attributes: [buzz]\n") == []


def test_without_the_citys_context_a_file_is_checked_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "rule.yaml"
    path.write_text(SOUND)
    assert check(path) == []
    assert check(tmp_path / "none.yaml")[0].reason.startswith("cannot read the file")


def test_one_file_holds_several_rules_and_places_count_through_it(tmp_path: Path) -> None:
    path = tmp_path / "rule.yaml"
    path.write_text(SOUND + "---\n" + SOUND.replace("high-water", "b"))
    rules, _ = read_rules(path, CONTEXT)
    assert [rule.id for rule in rules] == ["high-water", "b"]
    assert rules[0].digest != rules[1].digest
    path.write_text(SOUND + "---\n" + SOUND.replace(">= 800", ">="))
    assert [each.line for each in check(path, CONTEXT)] == [9]


def test_a_file_with_a_fault_gives_no_rule_and_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SOUND.replace("high-water", "a"))
    (tmp_path / "b.yml").write_text(SOUND + "oops: 1\n")
    (tmp_path / "notes.txt").write_text("nothing to read")
    book = read_rulebook([tmp_path, tmp_path / "none.yaml"], CONTEXT)
    assert [rule.id for rule in book.rules] == ["a"]
    assert [Path(each.file).name for each in book.problems] == ["b.yml", "none.yaml"]


def test_a_city_words_a_packs_rule_its_own_way_and_may_switch_one_off(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(SOUND)
    (tmp_path / "city.yaml").write_text(SOUND.replace("800", "700"))
    book = read_rulebook([tmp_path / "pack.yaml", tmp_path / "city.yaml"], CONTEXT)
    assert [rule.when.source for rule in book.rules if rule.when] == ["waterLevel >= 700"]
    (tmp_path / "pack.yaml").write_text(SOUND + "enabled: false\n")
    assert read_rulebook([tmp_path / "pack.yaml"], CONTEXT).rules == []


@pytest.mark.parametrize(
    "path",
    [*sorted(PACKS.glob("*/rules/*.yaml")), *sorted(PACKS.parents[1].glob("examples/*/rules/*.yaml"))],
    ids=lambda path: f"{path.parts[-3]}/{path.name}",
)
def test_the_rules_that_we_ship_are_sound(path: Path) -> None:
    assert check(path, CONTEXT) == []
    assert check(path, core_context()) == []
    for rule in read_rules(path, CONTEXT)[0]:
        assert set(rule.title) >= {"de", "en"}
        assert rule.message["de"] != rule.message["en"] or "{" in path.read_text()


def test_folders_of_rules_may_have_folders_hidden_ones_are_passed_over(tmp_path: Path) -> None:
    for place in ("b.yaml", "a/deep/c.yml", "a/d.yaml", ".git/e.yaml", "a/notes.txt"):
        path = tmp_path / "rules" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SOUND.replace("high-water", path.stem), encoding="utf-8")
    assert [rule.id for rule in read_rulebook([tmp_path / "rules"], CONTEXT).rules] == ["d", "c", "b"]
    (tmp_path / "rules" / "a" / "broken.yaml").write_text("id: [", encoding="utf-8")
    [problem] = read_rulebook([tmp_path / "rules"], CONTEXT).problems
    assert problem.file.endswith("a/broken.yaml")
