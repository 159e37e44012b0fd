"""The engine judges the stream: once, in time, without flapping, the same however the stream is cut."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.context import compile_context, core_context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.risk.engine import Engine
from rhinecloud.risk.message import write_value
from rhinecloud.risk.model import OutcomeKind, RuleOutcome
from rhinecloud.risk.rulebook import read_rules
from rhinecloud.risk.state import decode_state, encode_state
from risk.city import CONTEXT, START, River, minute, rule

HIGH_WATER = """
id: high-water
type: WaterObserved
title: {de: Hochwasser, en: High water}
message: {de: "Pegel {name}: {waterLevel} cm", en: "Gauge {name}: {waterLevel} cm"}
severity: "waterLevel >= 1000 ? 'critical' : 'high'"
when: waterLevel >= 800
clear: waterLevel < 780
category: naturalDisaster
"""


def kinds(outcomes: list[RuleOutcome]) -> list[str]:
    return [each.kind.value for each in outcomes]


def seconds(minutes: float) -> float:
    return (START + timedelta(minutes=minutes)).timestamp()


def test_threshold_raises_once_and_resolves_below_the_band(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER)], CONTEXT), River()
    levels = [790, 805.5, 790, 810, 781, 779, 790]
    outcomes = engine.step([river.reads(level, at) for at, level in enumerate(levels)])
    assert kinds(outcomes) == ["raised", "repeated", "resolved"]
    raised, _, resolved = outcomes
    assert raised.message == {"de": "Pegel Ruhrort: 805,5 cm", "en": "Gauge Ruhrort: 805.5 cm"}
    assert raised.severity is Severity.HIGH
    assert raised.onset == minute(1)
    assert raised.alert_id == resolved.alert_id
    assert resolved.reason == "cleared"
    assert resolved.occurrences == 2


def test_evidence_names_reading_unit_time_and_what_was_before(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER)], CONTEXT), River()
    raised = engine.step([river.reads(700, 0), river.reads(900, 15)])[0]
    assert raised.evidence == [
        {
            "entity": "urn:ngsi-ld:WaterObserved:ruhrort",
            "attribute": "waterLevel",
            "value": 900,
            "unitCode": "CMT",
            "observedAt": minute(15),
            "previous": {"value": 700, "observedAt": minute(0)},
        }
    ]


def test_severity_rises_while_an_alert_is_up_and_never_falls(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER)], CONTEXT), River()
    outcomes = engine.step([river.reads(level, at / 100) for at, level in enumerate([900, 1001, 900, 1002])])
    assert [(each.kind, each.severity) for each in outcomes] == [
        (OutcomeKind.RAISED, Severity.HIGH),
        (OutcomeKind.REPEATED, Severity.CRITICAL),
    ]


def test_a_lasting_alert_is_told_at_most_once_a_minute(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER)], CONTEXT), River()
    outcomes = engine.step([river.reads(900 + at, at / 10) for at in range(25)])
    assert [each.occurrences for each in outcomes] == [1, 11, 21]


FOR = HIGH_WATER.replace("clear: waterLevel < 780", "for: 15 min")


def test_for_fires_by_its_timer_without_a_further_reading(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, FOR)], CONTEXT), River()
    assert engine.step([river.reads(900, 0)]) == []
    assert engine.tick(seconds(14.9)) == []
    fired = engine.tick(seconds(16))
    assert kinds(fired) == ["raised"]
    assert fired[0].onset == minute(0)
    assert fired[0].at == minute(15)


def test_for_starts_anew_when_the_condition_breaks(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, FOR)], CONTEXT), River()
    changes = [
        river.reads(level, at) for level, at in [(900, 0), (700, 10), (900, 11), (900, 20), (900, 25.9)]
    ]
    assert engine.step(changes) == []
    assert [each.onset for each in engine.step([river.reads(900, 26)])] == [minute(11)]


def test_for_goes_by_when_it_was_true_when_readings_come_late_in_a_bunch(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, FOR)], CONTEXT), River()
    changes = [river.reads(900, at, learnt=60 + at / 100) for at in (0, 5, 10, 15)]
    assert kinds(engine.step(changes)) == ["raised"]


def test_a_reading_older_than_the_one_before_neither_raises_nor_clears(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER)], CONTEXT), River()
    outcomes = engine.step([river.reads(900, 10), river.reads(100, 5, learnt=11), river.reads(901, 12)])
    assert kinds(outcomes) == ["raised", "repeated"]
    assert engine.counters["high-water"].late == 1


def test_the_same_reading_sent_again_is_no_further_occurrence(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER)], CONTEXT), River()
    outcomes = engine.step([river.reads(900, 0, learnt=at) for at in range(10)])
    assert kinds(outcomes) == ["raised"]
    assert engine.state.alerts["high-water"]["urn:ngsi-ld:WaterObserved:ruhrort"].occurrences == 1


RISE = """
id: fast-rise
type: WaterObserved
window: {attribute: waterLevel, over: 1 h}
when: window.change >= 30
severity: medium
message: "{window.change} cm in {window.span_s / 60.0} min"
"""


def test_rate_of_change_looks_back_over_its_window(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, RISE)], CONTEXT), River()
    levels = [(500, 0), (510, 30), (520, 60), (540, 90), (545, 150)]
    outcomes = engine.step([river.reads(level, at) for level, at in levels])
    assert kinds(outcomes) == ["raised", "resolved"]
    assert outcomes[0].message["en"] == "30 cm in 60 min"


def test_a_late_reading_still_takes_its_place_in_the_window(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, RISE)], CONTEXT), River()
    changes = [river.reads(520, 20), river.reads(490, 10, learnt=21), river.reads(521, 30)]
    assert kinds(engine.step(changes)) == ["raised"]


SILENCE = """
id: gauge-silent
type: WaterObserved
silence: {attribute: waterLevel, intervals: 3, interval: 15 min}
severity: low
message: {de: "{name} schweigt seit {age_s / 60.0} min", en: "{name} is silent for {age_s / 60.0} min"}
"""


def test_silence_is_raised_after_three_intervals_and_ends_with_a_reading(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, SILENCE)], CONTEXT), River()
    outcomes = engine.step(
        [river.reads(500, 0), river.reads(501, 15), river.reads(600, 61), river.reads(1, 62)]
    )
    assert kinds(outcomes) == ["raised", "resolved"]
    assert outcomes[0].at == minute(60)
    assert outcomes[0].onset == minute(15)
    assert outcomes[0].message["en"] == "Ruhrort is silent for 45 min"


def test_a_stuck_reading_sent_again_and_again_is_silence(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, SILENCE)], CONTEXT), River()
    assert kinds(engine.step([river.reads(500, 0, learnt=at) for at in range(0, 50, 5)])) == ["raised"]


def test_silence_takes_its_interval_from_the_entity(tmp_path: Path) -> None:
    text = SILENCE.replace("interval: 15 min", "interval_from: reportingInterval")
    engine = Engine([rule(tmp_path, text + "attributes: [reportingInterval]\n")], CONTEXT)
    river = River()
    engine.step([river.reads(500, 0, reportingInterval={"value": 2, "unitCode": "MIN"})])
    assert engine.tick(seconds(5.9)) == []
    assert kinds(engine.tick(seconds(6.1))) == ["raised"]


AREA = """
id: harbour
type: Vessel
area:
  event: enter
  margin_m: 50
  geometry: {type: Polygon, coordinates: [[[6.70, 51.40], [6.80, 51.40], [6.80, 51.50], [6.70, 51.50], [6.70, 51.40]]]}
severity: informational
"""


def sail(river: River, longitude: float, at: float, ship: str = "eins") -> Change:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [longitude, 51.45]}}
    place["observedAt"] = minute(at)
    return river.adds({"id": f"urn:ngsi-ld:Vessel:{ship}", "type": "Vessel", "location": place}, at)


@pytest.mark.parametrize(
    ("event", "track", "expected"),
    [
        ("enter", [6.69, 6.71, 6.72, 6.60], ["raised", "repeated", "resolved"]),
        ("enter", [6.71, 6.72], []),
        ("enter", [6.71, 6.60, 6.71], ["raised"]),
        ("leave", [6.71, 6.69, 6.68, 6.71], ["raised", "repeated", "resolved"]),
        ("leave", [6.69, 6.68], []),
        ("inside", [6.71, 6.69], ["raised", "resolved"]),
    ],
)
def test_areas_tell_entering_leaving_and_being_inside(
    tmp_path: Path, event: str, track: list[float], expected: list[str]
) -> None:
    engine, river = Engine([rule(tmp_path, AREA.replace("enter", event))], CONTEXT), River()
    assert kinds(engine.step([sail(river, x, 2.0 * at) for at, x in enumerate(track)])) == expected


def test_a_thing_on_the_border_does_not_flap_within_the_margin(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, AREA)], CONTEXT), River()
    track = [6.69, 6.7001, 6.6996, 6.7001, 6.6996, 6.7001]
    assert "resolved" not in kinds(engine.step([sail(river, x, at) for at, x in enumerate(track)]))
    assert kinds(engine.step([sail(river, 6.6990, 9)])) == ["resolved"]


def test_an_area_may_be_the_place_of_an_entity(tmp_path: Path) -> None:
    text = AREA.split("  margin_m", maxsplit=1)[0] + "  entity: urn:ngsi-ld:Zone:z\nseverity: low\n"
    engine, river = Engine([rule(tmp_path, text)], CONTEXT), River()
    ring = [[6.70, 51.40], [6.80, 51.40], [6.80, 51.50], [6.70, 51.50], [6.70, 51.40]]
    place = {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": [ring]}}
    changes = [
        sail(river, 6.69, 0),
        river.adds({"id": "urn:ngsi-ld:Zone:z", "type": "Zone", "location": place}, 1),
        sail(river, 6.68, 2),
        sail(river, 6.75, 3),
    ]
    assert kinds(engine.step(changes)) == ["raised"]
    again = Engine([rule(tmp_path, text)], CONTEXT, decode_state(encode_state(engine.state)))
    assert kinds(again.step([sail(river, 6.60, 4)])) == ["resolved"]


def test_one_fingerprint_is_one_alert_until_the_last_entity_lets_go(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER + "fingerprint: \"['rhine']\"\n")], CONTEXT), River()
    changes = [
        river.reads(900, 0, "a"),
        river.reads(900, 2, "b"),
        river.reads(700, 3, "a"),
        river.reads(700, 4, "b"),
    ]
    assert kinds(engine.step(changes)) == ["raised", "repeated", "resolved"]


def test_no_new_alert_rises_while_the_old_one_cools(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER + "cooldown: 30 min\n")], CONTEXT), River()
    outcomes = engine.step([river.reads(level, at) for level, at in [(900, 0), (700, 1), (900, 2), (900, 5)]])
    assert kinds(outcomes) == ["raised", "resolved"]
    outcomes = engine.tick(seconds(40))
    assert [(each.kind.value, each.at, each.onset) for each in outcomes] == [
        ("raised", minute(31), minute(2))
    ]


def test_an_alert_expires_when_it_is_not_seen_again(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER + "expires: 1 h\n")], CONTEXT), River()
    assert kinds(engine.step([river.reads(900, 0), river.reads(901, 30)])) == ["raised", "repeated"]
    assert engine.tick(seconds(89)) == []
    assert [(each.kind.value, each.reason) for each in engine.tick(seconds(91))] == [("resolved", "expired")]
    assert kinds(engine.step([river.reads(902, 100)])) == ["raised"]


def test_a_deleted_entity_takes_its_alert_along(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER)], CONTEXT), River()
    change = river.reads(900, 0)
    engine.step([change])
    gone = Change(seq=99, kind=ChangeKind.DELETED, at=minute(1), entity=change.entity)
    assert [(each.kind.value, each.reason) for each in engine.step([gone])] == [
        ("resolved", "entity deleted")
    ]
    assert engine.state.watches["high-water"] == {}


def test_readings_in_a_row_and_their_age_count_as_evidence(tmp_path: Path) -> None:
    text = HIGH_WATER + "evidence: {readings: 3, max_age: 10 min}\n"
    engine, river = Engine([rule(tmp_path, text)], CONTEXT), River()
    changes = [river.reads(900, 0), river.reads(901, 1), river.reads(902, 2, learnt=30), river.reads(903, 31)]
    outcomes = engine.step(changes)
    assert [each.evidence[0]["value"] for each in outcomes] == [903]
    assert engine.counters["high-water"].weak == 1


def test_bad_readings_raise_nothing_and_uncertain_ones_no_strong_alarm(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER)], CONTEXT), River()
    assert engine.step([river.reads(900, 0, marks={"quality": "bad"})]) == []
    raised = engine.step([river.reads(1200, 1, marks={"quality": "uncertain"})])[0]
    assert raised.severity is Severity.MEDIUM
    assert raised.evidence[0]["quality"] == "uncertain"


def test_an_alert_from_simulated_readings_says_so(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER)], CONTEXT), River()
    assert engine.step([river.reads(900, 0, "a")])[0].simulated is False
    assert engine.step([river.reads(900, 1, "b", marks={"simulated": True})])[0].simulated is True
    assert engine.step([river.reads(900, 2, "c", simulated=True)])[0].simulated is True


def test_a_reading_in_another_unit_is_an_error_and_no_alarm(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER + "units: {waterLevel: MTR}\n")], CONTEXT), River()
    assert engine.step([river.reads(900, 0)]) == []
    assert "is in CMT, the rule expects MTR" in engine.counters["high-water"].last_error


def test_a_missing_attribute_is_no_error_and_no_verdict(tmp_path: Path) -> None:
    text = HIGH_WATER.replace("when: waterLevel >= 800", "when: waterLevel >= highWaterMark")
    engine, river = Engine([rule(tmp_path, text)], CONTEXT), River()
    assert engine.step([river.reads(900, 0)]) == []
    assert engine.counters["high-water"].errors == 0
    assert kinds(engine.step([river.reads(901, 1, highWaterMark=850)])) == ["raised"]


def test_has_decides_over_a_missing_attribute(tmp_path: Path) -> None:
    text = HIGH_WATER.replace("when: waterLevel >= 800", "when: waterLevel >= 800 && !has(e.flow)")
    engine, river = Engine([rule(tmp_path, text)], CONTEXT), River()
    assert kinds(engine.step([river.reads(900, 0), river.reads(901, 1, flow=3)])) == ["raised"]


def test_a_rule_that_fails_is_counted_and_stops_no_other(tmp_path: Path) -> None:
    bad = rule(
        tmp_path, HIGH_WATER.replace("high-water", "bad").replace("when: waterLevel >=", "when: name >=")
    )
    good = rule(tmp_path, HIGH_WATER)
    engine, river = Engine([bad, good], CONTEXT), River()
    assert [each.rule for each in engine.step([river.reads(900, 0)])] == ["high-water"]
    assert engine.counters["bad"].errors == 1
    assert "name >= 800" in engine.counters["bad"].last_error


def test_a_failing_severity_does_not_cost_the_alarm(tmp_path: Path) -> None:
    text = HIGH_WATER.replace("waterLevel >= 1000 ? 'critical' : 'high'", "waterLevel > 0 ? 'huge' : 'high'")
    engine, river = Engine([rule(tmp_path, text)], CONTEXT), River()
    assert engine.step([river.reads(900, 0)])[0].severity is Severity.MEDIUM
    assert "'huge'" in engine.counters["high-water"].last_error


def test_where_chooses_entities_and_lets_go_of_those_it_no_longer_chooses(tmp_path: Path) -> None:
    text = HIGH_WATER + "where: \"name.startsWith('Ruhr')\"\n"
    engine, river = Engine([rule(tmp_path, text)], CONTEXT), River()
    assert engine.step([river.reads(900, 0, "koeln")]) == []
    assert kinds(engine.step([river.reads(900, 1)])) == ["raised"]
    renamed = river.reads(900, 2)
    renamed.entity.attrs[CONTEXT.expand("name")][0].value = "Other"
    assert [each.reason for each in engine.step([renamed])] == ["no longer concerned"]


ECHO = """
id: echo
type: Alert
when: severity == 'high'
severity: low
"""


def alert_change(rule_id: str, actor: str) -> Change:
    change = River().adds(
        {"id": "urn:ngsi-ld:Alert:1", "type": "Alert", "severity": "high", "rule": rule_id}, 0
    )
    change.actor = actor
    return change


def test_rules_do_not_include_alerts_of_rules_unless_they_ask_and_never_loop(tmp_path: Path) -> None:
    deaf = Engine([rule(tmp_path, HIGH_WATER), rule(tmp_path, ECHO)], CONTEXT)
    assert deaf.step([alert_change("high-water", "part:risk")]) == []
    assert kinds(deaf.step([alert_change("x", "user:1")])) == []  # same seq: judged already
    assert kinds(Engine([rule(tmp_path, ECHO)], CONTEXT).step([alert_change("x", "user:1")])) == ["raised"]
    hearing = Engine([rule(tmp_path, HIGH_WATER), rule(tmp_path, ECHO + "include_alerts: true\n")], CONTEXT)
    assert kinds(hearing.step([alert_change("high-water", "part:risk")])) == ["raised"]
    loop = Engine([rule(tmp_path, ECHO + "include_alerts: true\n")], CONTEXT)
    assert loop.step([alert_change("echo", "part:risk")]) == []


def test_a_leap_of_the_clock_sets_off_no_storm(tmp_path: Path) -> None:
    river = River()
    changes = [river.reads(500, 0, f"gauge{number}") for number in range(50)]
    engine = Engine([rule(tmp_path, SILENCE)], CONTEXT, max_gap_s=60)
    engine.step(changes)
    assert engine.tick(seconds(24 * 60)) == []
    assert engine.tick(seconds(0)) == []
    for second in range(1, 44 * 60, 30):
        assert engine.tick(seconds(0) + second) == []
    fired = [engine.tick(seconds(44) + 30 * each) for each in range(4)]
    assert sum(map(len, fired)) == 50


def test_a_new_rule_looks_at_the_city_as_it_is(tmp_path: Path) -> None:
    river = River()
    engine = Engine([rule(tmp_path, HIGH_WATER), rule(tmp_path, SILENCE)], CONTEXT)
    present = [river.reads(900, 0).entity, river.reads(100, 0, "b").entity]
    assert kinds(engine.adopt(present, seconds(1))) == ["raised"]
    assert engine.adopt(present, seconds(2)) == []
    assert len(engine.state.watches["gauge-silent"]) == 2


def test_a_changed_rule_keeps_its_alert_and_a_withdrawn_one_ends_it(tmp_path: Path) -> None:
    river = River()
    change = river.reads(900, 0)
    first = Engine([rule(tmp_path, HIGH_WATER)], CONTEXT)
    first.adopt([], seconds(0))
    first.step([change])
    stricter = rule(tmp_path, HIGH_WATER.replace(">= 800", ">= 850"))
    second = Engine([stricter], CONTEXT, decode_state(encode_state(first.state)))
    second.reconcile()
    assert "resolved" not in kinds(second.adopt([change.entity], seconds(2)))
    third = Engine([], CONTEXT, second.state)
    assert [(each.kind.value, each.reason) for each in third.reconcile()] == [("resolved", "rule withdrawn")]


def test_a_place_whose_polygons_overlap_is_mended_and_judged(tmp_path: Path) -> None:
    engine, river = (
        Engine([rule(tmp_path, AREA.replace("Vessel", "Flood").replace("enter", "inside"))], CONTEXT),
        River(),
    )
    ring = [[6.71, 51.41], [6.73, 51.43], [6.73, 51.41], [6.71, 51.43], [6.71, 51.41]]
    place = {"type": "GeoProperty", "value": {"type": "MultiPolygon", "coordinates": [[ring], [ring]]}}
    change = river.adds({"id": "urn:ngsi-ld:Flood:1", "type": "Flood", "location": place}, 0)
    assert kinds(engine.step([change])) == ["raised"]


def test_an_alert_ends_at_the_moment_that_its_entity_names(tmp_path: Path) -> None:
    text = "id: warned\ntype: Warning\nwhen: level == 'red'\nuntil: validTo\nseverity: high\n"
    engine, river = Engine([rule(tmp_path, text)], CONTEXT), River()

    def warning(end: float, at: float) -> Change:
        moment = {"value": {"@type": "DateTime", "@value": minute(end)}}
        return river.adds({"id": "urn:x:w", "type": "Warning", "level": "red", "validTo": moment}, at)

    assert engine.step([warning(-5, 0)]) == []
    assert kinds(engine.step([warning(60, 1), warning(90, 30)])) == ["raised", "repeated"]
    assert engine.tick(seconds(61)) == []
    assert [(each.kind.value, each.at) for each in engine.tick(seconds(91))] == [("resolved", minute(90))]


@pytest.mark.parametrize(
    ("value", "german", "english"),
    [
        ({"de": "Sturm", "en": "Storm"}, "Sturm", "Storm"),
        ({"pl": "Silny wiatr"}, "Silny wiatr", "Silny wiatr"),
        ({"de-DE": "Sturm", "en-GB": "Gale"}, "Sturm", "Gale"),
        ({"pl": "Wiatr", "@none": "Wind"}, "Wind", "Wind"),
        ({"de": "", "pl": ["Silny", "wiatr"]}, "Silny, wiatr", "Silny, wiatr"),
        ({"de": ""}, "–", "–"),
        ({"lat": 51.45, "lon": 6.76}, '{"lat":51.45,"lon":6.76}', '{"lat":51.45,"lon":6.76}'),
    ],
)
def test_a_text_in_other_languages_is_told_as_a_text(value: object, german: str, english: str) -> None:
    assert (write_value(value, "de"), write_value(value, "en")) == (german, english)


def test_without_a_message_the_alert_says_title_and_thing(tmp_path: Path) -> None:
    lines = HIGH_WATER.splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("message"))
    [raised] = Engine([rule(tmp_path, text)], CONTEXT).step([River().reads(900, 0)])
    assert raised.message == {"de": "Hochwasser: Ruhrort", "en": "High water: Ruhrort"}


def test_what_has_cooled_is_forgotten_though_nobody_asks_for_it_again(tmp_path: Path) -> None:
    text = HIGH_WATER + "cooldown: 10 min\n"
    engine, river = Engine([rule(tmp_path, text)], CONTEXT), River()
    for number in range(50):
        gauge = f"gauge-{number}"
        engine.step([river.reads(900, number * 20, gauge), river.reads(700, number * 20 + 1, gauge)])
    assert list(engine.state.cooling["high-water"]) == ["urn:ngsi-ld:WaterObserved:gauge-49"]


def test_rules_of_two_packs_read_one_name_with_the_meaning_of_each(tmp_path: Path) -> None:
    """`level` is a water level in one pack and a floor in another: each rule looks at its own attribute."""
    of_port = compile_context({"Thing": "urn:x:Thing", "level": "urn:port:level"}, {})
    of_house = compile_context({"Thing": "urn:x:Thing", "level": "urn:house:level"}, {})
    rules = []
    for name, context in (("port", of_port), ("house", of_house)):
        file = tmp_path / f"{name}.yaml"
        file.write_text(f"id: {name}\ntype: Thing\nseverity: high\nwhen: level > 5.0\n", encoding="utf-8")
        found, faults = read_rules(file, context, own=True)
        assert faults == []
        rules += found
    engine = Engine(rules, core_context())
    thing = Entity(
        id="urn:x:1", type=["urn:x:Thing"], attrs={"urn:house:level": [Instance(type="Property", value=9)]}
    )
    change = Change(seq=1, kind=ChangeKind.CREATED, at=minute(1), entity=thing, changed=["urn:house:level"])
    outcomes = engine.step([change])
    assert [(each.rule, each.kind.value) for each in outcomes] == [("house", "raised")]
    assert [each["attribute"] for each in outcomes[0].evidence] == ["urn:house:level"]


def test_a_late_change_neither_raises_an_alert_nor_ends_a_silence(tmp_path: Path) -> None:
    engine, river = Engine([rule(tmp_path, HIGH_WATER), rule(tmp_path, SILENCE)], CONTEXT), River()
    news = river.reads(700, 0)
    engine.step([news])
    high = {name: [Instance(value=900, observed_at=minute(-5))] for name in news.changed}
    late = Change(kind=ChangeKind.UPDATED, at=minute(40), entity=news.entity, late=high)
    assert engine.step([late]) == []
    assert kinds(engine.tick(seconds(50))) == ["raised"]
    late.at = minute(55)
    assert engine.step([late]) == []
