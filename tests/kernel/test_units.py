"""Codes of units: those of UN/CEFACT are taken, a unit that is spelled out is answered with its code."""

from __future__ import annotations

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.units import list_units, read_unit


@pytest.mark.parametrize("code", ["CEL", "B47", "GQ", "2N", "P1", "A97", "Q30"])
def test_a_code_of_the_table_is_taken(code: str) -> None:
    assert read_unit(code) == code


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("°C", "CEL"),
        ("Celsius", "CEL"),
        ("kN", "B47"),
        ("%", "P1"),
        ("µg/m3", "GQ"),  # MICRO SIGN
        ("μg/m³", "GQ"),  # GREEK SMALL LETTER MU
        ("W/m2", "D54"),
        ("m³/s", "MQS"),
        ("cm", "CMT"),
        ("km/h", "KMH"),
        ("dB(A)", "2N"),
        ("V", "VLT"),
        ("milimetre", "MMT"),
        ("cel", "CEL"),
    ],
)
def test_a_unit_that_is_spelled_out_is_answered_with_its_code(written: str, code: str) -> None:
    with pytest.raises(Invalid, match=rf"did you mean {code} \("):
        read_unit(written)


@pytest.mark.parametrize("written", ["XYZ", "", 7, None, ["CEL"]])
def test_anything_else_is_refused_without_a_guess(written: object) -> None:
    with pytest.raises(
        Invalid, match=r"must be a UN/CEFACT common code such as CEL or MTS, not .*$"
    ) as error:
        read_unit(written)
    assert "did you mean" not in str(error.value)


def test_every_code_has_a_name() -> None:
    units = list_units()
    assert len(units) > 1_800
    assert all(unit.code == code and unit.name for code, unit in units.items())
