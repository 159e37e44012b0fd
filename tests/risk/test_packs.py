"""What the packs' rules say of what really happened: recorded feeds go in, alerts come out."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from rhinecloud.connectors.cap.codec import read_alert
from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.change import Change
from rhinecloud.pack import EntityFragment, Message
from rhinecloud.risk.backtest import Backtest, RecordedHistory, backtest
from rhinecloud.risk.rulebook import read_rulebook
from rhinecloud_packs.environment.warnings import map_cap
from rhinecloud_packs.port.gauges import map_row
from risk.city import CONTEXT, PACKS, minute

DUISBURG = PACKS.parents[1] / "examples" / "duisburg"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def judge(changes: Iterable[Change], *folders: Path) -> Backtest:
    book = read_rulebook([*sorted(PACKS.glob("*/rules")), *folders], CONTEXT)
    assert book.problems == []
    return backtest(book.rules, changes, CONTEXT)


def cologne() -> Iterable[Change]:
    """The gauge Köln in the low water of August 2022, with its marks."""
    recording = RecordedHistory(CONTEXT)
    with (DUISBURG / "feeds/water/koeln-2022-08.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(line for line in lines if not line.startswith("#")):
            message = {**row, "uuid": "koeln", "station": "Köln", "km": 688, "mnw_cm": 114, "mhw_cm": 725}
            for fragment in map_row(message, NOW):
                yield recording.add(fragment)


def test_the_low_water_of_august_2022_is_seen_once_and_not_as_a_storm() -> None:
    found = judge(cologne())
    told = [(each.kind.value, each.severity.value) for each in found.outcomes if each.rule == "low-water"]
    assert told[0] == ("raised", "low")
    assert len(told) <= 4
    raised = next(each for each in found.outcomes if each.rule == "low-water")
    assert raised.message["de"] == "Pegel Köln: 93 cm, mittleres Niedrigwasser 114 cm"
    assert all(counters.errors == 0 for counters in found.counters.values())


def test_duisburg_looks_at_its_own_gauge_only() -> None:
    found = judge(cologne(), DUISBURG / "rules")
    assert [each for each in found.outcomes if each.rule == "low-water"] == []


def test_a_flood_rises_is_critical_above_the_highest_navigable_level_and_ends() -> None:
    recording = RecordedHistory(CONTEXT)

    def flood() -> Iterable[Change]:
        for step, level in enumerate([*range(700, 1200, 20), *range(1200, 700, -20)]):
            row = {"uuid": "r", "station": "Ruhrort", "w_cm": level, "mhw_cm": 835, "hsw_cm": 1130}
            for fragment in map_row({**row, "timestamp": minute(15 * step)}, NOW):
                yield recording.add(fragment)

    told = [each for each in judge(flood()).outcomes if each.rule == "high-water"]
    assert [each.kind.value for each in told] == ["raised", "repeated", "resolved"]
    assert [each.severity for each in told[:2]] == [Severity.HIGH, Severity.CRITICAL]
    assert told[0].calls_for_incident
    rises = [each for each in judge(flood()).outcomes if each.rule == "fast-rise"]
    assert [each.severity for each in rises[:2]] == [Severity.MEDIUM, Severity.HIGH]


def warnings() -> Iterable[Change]:
    recording = RecordedHistory(CONTEXT)
    for path in sorted((DUISBURG / "feeds/weather").glob("*.xml")):
        message = read_alert(path.read_bytes())
        for fragment in said_by(message):
            yield recording.add(fragment, at=str(message["sent"]))


def said_by(message: Message, received: datetime | None = None) -> Iterable[EntityFragment]:
    """Map a warning, received when it was sent; those which it ends were never received here."""
    items = map_cap(message, received or datetime.fromisoformat(message["sent"]))
    return (item for item in items if isinstance(item, dict) and "type" in item)


def test_the_storm_of_june_2023_raises_warnings_in_its_time_until_they_lapse() -> None:
    found = judge(warnings())
    raised = [
        each for each in found.outcomes if each.rule == "weather-warning" and each.kind.value == "raised"
    ]
    assert raised
    assert all(each.category == "weather" for each in raised)
    assert all("STARKREGEN" in each.message["de"] for each in raised)
    assert {each.severity for each in raised} == {Severity.MEDIUM}
    assert found.counters["weather-warning"].errors == 0


def test_a_warning_that_is_over_raises_nothing() -> None:
    recording = RecordedHistory(CONTEXT)
    late = [
        recording.add(fragment, at="2026-01-01T00:00:00Z")
        for path in sorted((DUISBURG / "feeds/weather").glob("*.xml"))
        for fragment in said_by(read_alert(path.read_bytes()))
    ]
    assert [each.rule for each in judge(late).outcomes] == []


def test_only_warnings_that_touch_the_city_count_in_duisburg() -> None:
    everywhere = [each for each in judge(warnings()).outcomes if each.rule == "weather-warning"]
    here = [each for each in judge(warnings(), DUISBURG / "rules").outcomes if each.rule == "weather-warning"]
    assert len(here) < len(everywhere)
