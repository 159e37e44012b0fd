"""What the packs' rules say of what really happened: recorded feeds go in, alerts come out."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from rhinecloud.connectors.cap.codec import CapCodec, read_alert
from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.change import Change
from rhinecloud.pack import DecodeFault, EntityFragment, Ignored, Message, Parcel
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


HERE, AWAY = "51.40,6.70 51.40,6.80 51.50,6.80 51.40,6.70", "48.1,11.5 48.1,11.6 48.2,11.6 48.1,11.5"
BLOCK = """<info><language>de</language><category>{category}</category><event>{event}</event>{response}
<urgency>Immediate</urgency><severity>{severity}</severity><certainty>Observed</certainty>
<expires>2026-03-01T18:00:00Z</expires><headline>{event}</headline><area><areaDesc>x</areaDesc>{area}</area></info>"""


def block(event: str, severity: str, area: str, *, category: str = "Met", response: str = "") -> str:
    said = f"<responseType>{response}</responseType>" if response else ""
    return BLOCK.format(event=event, severity=severity, area=area, category=category, response=said)


def polygon(text: str) -> str:
    return f"<polygon>{text}</polygon>"


def cap(identifier: str, minute_: int, *blocks: str, replaces: str = "") -> bytes:
    sent = f"2026-03-01T12:{minute_:02}:00+00:00"
    kind, named = ("Update", f"<references>s,{replaces},{sent}</references>") if replaces else ("Alert", "")
    return (
        f'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier><sender>s</sender>'
        f"<sent>{sent}</sent><status>Actual</status><msgType>{kind}</msgType><scope>Public</scope>{named}"
        f"{''.join(blocks)}</alert>"
    ).encode()


def in_duisburg(*documents: bytes) -> list[tuple[str, str, str]]:
    """Return what Duisburg's rules say of warnings: what happens, the severity and the text."""
    recording = RecordedHistory(CONTEXT)
    codec, types = CapCodec(1_000_000), dict[str, str]()

    def changes() -> Iterable[Change]:
        for document in documents:
            for message in codec.decode(Parcel(document, NOW)):
                assert not isinstance(message, DecodeFault | Ignored)
                for item in map_cap(message, datetime.fromisoformat(message["sent"])):
                    assert isinstance(item, dict)
                    types.setdefault(item["id"], item.get("type", ""))
                    if kind := types[item["id"]]:
                        yield recording.add({**item, "type": kind}, at=message["sent"])

    found = judge(changes(), DUISBURG / "rules")
    assert all(counters.errors == 0 for counters in found.counters.values())
    return [(each.kind.value, each.severity.value, each.message.get("de", "")) for each in found.outcomes]


def test_the_gravest_block_that_hits_the_city_counts_there() -> None:
    blocks = block("Wind", "Minor", polygon(HERE)), block("Orkan", "Extreme", polygon(AWAY))
    assert in_duisburg(cap("a", 0, *blocks)) == []
    blocks = block("Wind", "Minor", polygon(AWAY)), block("Orkan", "Extreme", polygon(HERE))
    assert in_duisburg(cap("a", 0, *blocks))[0] == ("raised", "critical", "Orkan")


def test_an_area_for_which_the_all_clear_is_given_is_not_warned_any_more() -> None:
    both = cap("a", 0, block("Sturm", "Severe", polygon(AWAY)), block("Sturm", "Extreme", polygon(HERE)))
    over = block("Entwarnung", "Severe", polygon(HERE), response="AllClear")
    update = cap("b", 30, block("Sturm", "Severe", polygon(AWAY)), over, replaces="a")
    assert [each[:2] for each in in_duisburg(both, update)] == [
        ("raised", "critical"),
        ("resolved", "critical"),
    ]
    assert in_duisburg(update) == []


def test_a_warning_by_code_and_one_at_a_point_reach_the_city() -> None:
    code = "<geocode><valueName>WARNCELLID</valueName><value>105112000</value></geocode>"
    assert in_duisburg(cap("a", 0, block("Sturm", "Severe", code)))[0][0] == "raised"
    fire = block("Brand", "Severe", "<circle>51.45,6.74 0</circle>", category="Fire")
    assert in_duisburg(cap("b", 0, fire))[0] == ("raised", "high", "Brand")


def test_drinking_water_is_warned_of_in_spite_of_its_low_severity() -> None:
    water = block("Trinkwasser abkochen", "Minor", polygon(HERE), category="Health")
    assert in_duisburg(cap("a", 0, water))[0] == ("raised", "low", "Trinkwasser abkochen")
