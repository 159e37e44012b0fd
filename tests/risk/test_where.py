"""Rules know whether a thing is in the city: by its box, its surroundings, and what has no place at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rhinecloud.ngsild.region import ANYWHERE, CityArea, Region
from rhinecloud.risk.backtest import RecordedHistory, backtest
from rhinecloud.risk.rulebook import check, read_rulebook
from risk.city import CONTEXT, PACKS, minute

BOX = Region(6.6256, 51.3331, 6.8303, 51.5607)
DUISBURG = CityArea(BOX, BOX.grown(25))
ROTTERDAM = (4.48, 51.9)
SINGAPORE = (103.75, 1.16)
RUHRORT = (6.73, 51.45)
DUSSELDORF = (6.77, 51.22)


def alerts(*places: tuple[float, float] | None, area: CityArea = DUISBURG, status: int = 14) -> list[str]:
    """Return the rules of the port pack that a vessel raises, which reports from these places every two minutes."""
    recording = RecordedHistory(CONTEXT)
    changes = []
    for number, place in enumerate(places):
        at = minute(2 * number)
        vessel: dict[str, Any] = {
            "id": "urn:ngsi-ld:Vessel:mmsi:211234560",
            "type": "Vessel",
            "mmsi": 211234560,
            "navigationStatus": {"value": status, "observedAt": at},
            "speedOverGround": {"value": 20.0, "unitCode": "KNT", "observedAt": at},
        }
        if place is not None:
            point = {"type": "Point", "coordinates": list(place)}
            vessel["location"] = {"type": "GeoProperty", "value": point, "observedAt": at}
        changes.append(recording.add(vessel, at))
    book = read_rulebook([PACKS / "port" / "rules"], CONTEXT)
    found = backtest(book.rules, changes, CONTEXT, area)
    assert not any(each.errors for each in found.counters.values())
    return sorted(each.rule for each in found.outcomes if each.kind.value == "raised")


def test_a_vessel_in_distress_at_singapore_raises_no_alert_in_duisburg() -> None:
    assert alerts(SINGAPORE, SINGAPORE, SINGAPORE) == []
    assert alerts(ROTTERDAM, ROTTERDAM, ROTTERDAM) == []


def test_one_in_the_city_or_near_it_does() -> None:
    assert alerts(RUHRORT, RUHRORT, RUHRORT) == ["vessel-distress", "vessel-speeding"]
    assert alerts(DUSSELDORF, DUSSELDORF, DUSSELDORF) == ["vessel-distress"]


def test_a_call_for_help_without_a_position_is_not_dropped() -> None:
    assert "vessel-distress" in alerts(None, None, None)


def test_a_city_without_a_box_knows_no_outside() -> None:
    assert "vessel-distress" in alerts(SINGAPORE, SINGAPORE, SINGAPORE, area=ANYWHERE)


def test_a_vessel_that_drifts_into_the_surroundings_raises_its_alert() -> None:
    assert alerts(ROTTERDAM, ROTTERDAM) == []
    assert "vessel-distress" in alerts(ROTTERDAM, DUSSELDORF, DUSSELDORF, DUSSELDORF)


@pytest.mark.parametrize("name", ["in_city", "in_surroundings"])
def test_the_names_are_known_in_every_expression(tmp_path: Path, name: str) -> None:
    path = tmp_path / "rule.yaml"
    path.write_text(
        f"id: near\ntype: Vessel\nwhen: navigationStatus == 14 && {name}\n"
        f"title: {{en: Near}}\nseverity: \"{name} ? 'high' : 'low'\"\ncategory: traffic\n",
        encoding="utf-8",
    )
    assert check(path, CONTEXT) == []
