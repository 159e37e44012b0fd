"""What sends an AIS message: calls for help raise their alert, tests do not; position reports alone move a vessel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyais.encode import encode_dict

from rhinecloud.connectors.ais.codec import AisCodec
from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.region import ANYWHERE, CityArea, Region
from rhinecloud.pack import Ignored
from rhinecloud.pack.codec import Parcel
from rhinecloud.risk.backtest import RecordedHistory, backtest
from rhinecloud.risk.model import OutcomeKind, RuleOutcome
from rhinecloud.risk.rulebook import read_rulebook
from rhinecloud_packs.port import pack
from rhinecloud_packs.port.vessels import map_ais
from risk.city import CONTEXT, minute

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUHRORT = {"lon": 6.74, "lat": 51.45}
BOX = Region(6.6256, 51.3331, 6.8303, 51.5607)
BEACONS = (970211933, 972603802, 974603802)


def message(mmsi: int, kind: int = 1, **fields: Any) -> Any:
    """Return a message as the codec reads it from a receiver's sentences."""
    lines = encode_dict({"type": kind, "mmsi": mmsi, **fields}, talker_id="AI", seq_id=1)
    [found] = AisCodec().decode(Parcel("\n".join(lines).encode(), NOW))
    return found


def entity(said: Any) -> dict[str, Any]:
    [found] = map_ais(said, NOW)
    assert isinstance(found, dict), found
    return found


def alerts(*said: Any, area: CityArea = ANYWHERE) -> list[RuleOutcome]:
    """Return the alerts of the port's rules where messages come every two minutes."""
    recording = RecordedHistory(CONTEXT)
    changes = []
    for number, each in enumerate(said):
        at = minute(2 * number)
        changes.append(recording.add(entity({**each, "time": at}), at))
    book = read_rulebook([Path(pack.root) / "rules" / "vessel-distress.yaml"], CONTEXT)
    found = backtest(book.rules, changes, CONTEXT, area)
    assert not any(each.errors for each in found.counters.values())
    return [each for each in found.outcomes if each.kind is OutcomeKind.RAISED]


@pytest.mark.parametrize(
    ("said", "type_name"),
    [
        (message(211234560, **RUHRORT), "Vessel"),
        (message(982112345, **RUHRORT), "Vessel"),
        (message(970211933, **RUHRORT), "DistressBeacon"),
        (message(972211933, **RUHRORT), "DistressBeacon"),
        (message(974211933, **RUHRORT), "DistressBeacon"),
        (message(821123456, **RUHRORT), "HandheldRadio"),
        (message(111211507, 9, **RUHRORT), "SearchAndRescueAircraft"),
        (message(111211507, 1, **RUHRORT), "SearchAndRescueAircraft"),
        (message(2112345, 4, **RUHRORT), "AisBaseStation"),
        (message(992111234, 21, name="BUOY 3", **RUHRORT), "AidToNavigation"),
    ],
)
def test_every_sender_is_what_it_is_and_where_it_is(said: Any, type_name: str) -> None:
    found = entity(said)
    assert found["type"] == type_name
    assert found["id"] == f"urn:ngsi-ld:{type_name}:mmsi:{int(said['mmsi']):09d}"
    assert found["location"]["value"]["coordinates"] == [6.74, 51.45]


def test_the_layers_show_every_type_that_the_mapping_makes() -> None:
    types = {
        "AidToNavigation",
        "AisBaseStation",
        "DistressBeacon",
        "HandheldRadio",
        "SearchAndRescueAircraft",
    }
    shown = "".join(path.read_text() for path in (Path(pack.root) / "layers").glob("*.json"))
    assert all(f'"{each}"' in shown for each in types)


@pytest.mark.parametrize("kind", [4, 9, 21])
def test_a_report_that_is_no_vessel_s_moves_no_vessel(kind: int) -> None:
    assert entity(message(211234560, kind, **RUHRORT))["type"] != "Vessel"


def test_an_answer_to_a_question_for_the_time_moves_no_vessel() -> None:
    [found] = map_ais({"mmsi": 211234560, "msg_type": 11, **RUHRORT}, NOW)
    assert isinstance(found, Ignored)


@pytest.mark.parametrize("mmsi", [0, 1, 123456789, 979123456, 12345678, 1_000_000_000])
def test_a_number_of_no_known_kind_is_counted_unless_it_calls_for_help(mmsi: int) -> None:
    said: Mapping[str, Any] = {"mmsi": mmsi, "msg_type": 1, "speed": 1.0, **RUHRORT}
    [found] = map_ais(said, NOW)
    assert isinstance(found, Ignored)
    assert str(mmsi) in found.sample
    assert entity({**said, "status": 14})["type"] == "DistressBeacon"


@pytest.mark.parametrize("mmsi", [*BEACONS, 970999999, 123456789])
def test_an_active_beacon_raises_a_critical_alert(mmsi: int) -> None:
    active = message(mmsi, status=14, **RUHRORT)
    [alert] = alerts(active, active)
    assert alert.severity is Severity.CRITICAL
    assert str(mmsi) in alert.message["en"]
    assert alert.message["en"].endswith("distress beacon active")
    assert alert.location == {"type": "Point", "coordinates": [6.74, 51.45]}
    assert alert.calls_for_incident


@pytest.mark.parametrize("mmsi", BEACONS)
def test_a_beacon_without_a_position_or_with_its_text_alone_raises_it_too(mmsi: int) -> None:
    active = message(mmsi, status=14, lon=181, lat=91)
    assert "location" not in entity(active)
    area = CityArea(BOX, BOX.grown(25))
    assert len(alerts(active, active, area=area)) == 1
    text = message(mmsi, 14, text="MOB ACTIVE")
    assert len(alerts(text, text, area=area)) == 1


@pytest.mark.parametrize("mmsi", BEACONS)
def test_a_test_of_a_beacon_raises_none(mmsi: int) -> None:
    position, text = message(mmsi, status=15, **RUHRORT), message(mmsi, 14, text="SART TEST")
    assert alerts(position, text, position, text) == []
    assert alerts(text, text) == []


def test_a_beacon_that_is_tested_after_an_alarm_no_longer_says_that_it_is_active() -> None:
    found = entity(message(970211933, status=15, **RUHRORT))
    assert found["navigationStatus"]["value"] == 15


def test_a_beacon_on_the_other_side_of_the_world_raises_none_here() -> None:
    far = message(972211933, status=14, lon=103.75, lat=1.16)
    assert alerts(far, far, area=CityArea(BOX, BOX.grown(25))) == []


def test_a_vessel_aground_and_one_not_under_command_raise_theirs() -> None:
    for status, severity in ((6, Severity.HIGH), (2, Severity.MEDIUM)):
        said = message(211234560, status=status, **RUHRORT)
        [alert] = alerts(said, said)
        assert alert.severity is severity


def test_safety_messages_are_kept_on_their_sender_with_their_time() -> None:
    found = entity(message(211234560, 14, text="TOW ADRIFT"))
    assert found["safetyText"] == {"value": "TOW ADRIFT", "observedAt": "2026-03-01T12:00:00Z"}
    found = entity(message(2112345, 12, dest_mmsi=211234560, text="KEEP CLEAR"))
    assert found["id"] == "urn:ngsi-ld:AisBaseStation:mmsi:002112345"
    assert (found["safetyText"]["value"], found["safetyText"]["addressedTo"]) == ("KEEP CLEAR", 211234560)
