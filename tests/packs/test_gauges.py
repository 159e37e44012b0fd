"""Every time series of a gauge becomes its attribute in its unit; what cannot be read is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.city import FIXTURES
from rhinecloud.kernel.units import list_units
from rhinecloud.pack import Ignored, MappedItem, Rejected
from rhinecloud_packs.port.gauges import map_station
from rhinecloud_packs.port.series import SERIES, UnknownUnit, find_quantity

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def series(name: str, unit: str | None, value: Any, **more: Any) -> dict[str, Any]:
    measured = {"timestamp": "2026-11-30T20:00:00+01:00", "value": value}
    unit_of_it = {} if unit is None else {"unit": unit}
    return {"shortname": name, **unit_of_it, "currentMeasurement": measured, **more}


def mapped(*timeseries: dict[str, Any], **more: Any) -> list[MappedItem]:
    return list(map_station({"uuid": "u", "shortname": "OW", "timeseries": timeseries, **more}, NOW))


def gauge(*timeseries: dict[str, Any], **more: Any) -> dict[str, Any]:
    [found] = [item for item in mapped(*timeseries, **more) if isinstance(item, dict)]
    return found


@pytest.mark.parametrize(
    ("unit", "value", "centimetres", "reference"),
    [
        ("cm", 353, 353, "gauge zero"),
        ("m", 3.53, 353, "gauge zero"),
        ("m+NN", 24.95, 2495, "NN"),
        ("m+NHN", 24.95, 2495, "NHN"),
        ("m+PNP", 3.2, 320, "PNP"),
        ("m. ü. NHN", 24.95, 2495, "NHN"),
        ("m ü NN", -0.5, -50, "NN"),
    ],
)
def test_a_level_is_in_centimetres_whatever_its_unit_and_names_its_reference(
    unit: str, value: float, centimetres: float, reference: str
) -> None:
    found = gauge(series("W", unit, value))
    assert found["waterLevel"] == {
        "value": centimetres,
        "unitCode": "CMT",
        "observedAt": "2026-11-30T19:00:00Z",
    }
    assert found["levelReference"] == reference


def test_marks_are_read_in_their_unit_and_compared_with_the_reference_of_the_level() -> None:
    marks = [
        {"shortname": "MHW", "unit": "m+NN", "value": 25.4},
        {"shortname": "MNW", "unit": "cm", "value": 190},
    ]
    items = mapped(series("W", "m+NN", 24.95, characteristicValues=marks))
    rejected, found = items
    assert isinstance(found, dict)
    assert found["highWaterMark"] == {"value": 2540, "unitCode": "CMT"}
    assert "lowWaterMark" not in found
    assert rejected == Rejected("characteristicValues.MNW", "is above gauge zero, the level above NN")


@pytest.mark.parametrize(
    ("name", "unit", "attribute", "code"),
    [
        ("Q", "m³/s", "flow", "MQS"),
        ("WT", "°C", "waterTemperature", "CEL"),
        ("LT", "°C", "temperature", "CEL"),
        ("DFH", "cm", "clearanceHeight", "CMT"),
        ("DFH", "m", "clearanceHeight", "MTR"),
        ("VA", "m/s", "flowVelocity", "MTS"),
        ("O2", "mg/l", "O2", "M1"),
        ("PH", "--", "pH", "Q30"),
        ("LF", "µS/cm", "conductivity", "G42"),
    ],
)
def test_each_series_has_its_attribute_with_a_code_of_un_cefact(
    name: str, unit: str, attribute: str, code: str
) -> None:
    assert gauge(series(name, unit, 12.3))[attribute]["unitCode"] == code


def test_every_unit_that_is_stored_is_one_of_un_cefact() -> None:
    codes = {code for _, factors in SERIES.values() for code, _ in factors.values()}
    assert codes <= set(list_units())


def test_an_unknown_unit_costs_its_series_and_an_unknown_series_is_counted_by_name() -> None:
    rejected, ignored, found = mapped(
        series("W", "ft", 3), series("XYZ", "kg", 1, longname="UNBEKANNT"), series("WT", "°C", 12.3)
    )
    assert isinstance(rejected, Rejected)
    assert rejected.place == "timeseries.W.unit"
    assert "m+NN, m+NHN, m+PNP, not 'ft' (station OW)" in rejected.reason
    assert ignored == Ignored("a time series that has no attribute", "XYZ UNBEKANNT kg (OW)")
    assert isinstance(found, dict)
    assert "waterLevel" not in found
    assert found["waterTemperature"]["value"] == 12.3


def test_a_level_without_a_unit_takes_the_feeds_and_is_refused_without_one() -> None:
    rejected, found = mapped(series("W", None, 353))
    assert isinstance(rejected, Rejected)
    assert isinstance(found, dict)
    assert "waterLevel" not in found
    assert gauge(series("W", None, 353), unit="cm")["waterLevel"]["value"] == 353


@pytest.mark.parametrize("value", [-777.0, -999, "353", True, [1]])
def test_what_is_no_reading_is_rejected_and_the_marks_are_kept(value: Any) -> None:
    mark = {"shortname": "MHW", "unit": "cm", "value": 840}
    rejected, found = mapped(series("W", "cm", value, characteristicValues=[mark]))
    assert isinstance(rejected, Rejected)
    assert rejected.place == "timeseries.W.currentMeasurement"
    assert isinstance(found, dict)
    assert "waterLevel" not in found
    assert found["highWaterMark"]["value"] == 840


def test_the_seven_series_of_wuerzburg_are_all_kept() -> None:
    document = json.loads((FIXTURES / "pegelonline" / "wuerzburg.json").read_bytes())
    [found] = [item for item in map_station(document, NOW) if isinstance(item, dict)]
    assert {
        "waterLevel",
        "temperature",
        "waterTemperature",
        "flowVelocity",
        "O2",
        "pH",
        "flow",
    } <= found.keys()


@given(st.sampled_from(sorted(SERIES)), st.text(max_size=8))
def test_a_unit_is_known_or_refused_by_name(name: str, unit: str) -> None:
    try:
        quantity = find_quantity(name, unit)
    except UnknownUnit as error:
        assert "must be one of" in str(error)
    else:
        assert quantity is not None
        assert quantity.unit in list_units()
