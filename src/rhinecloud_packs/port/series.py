"""Which attribute a time series of PEGELONLINE becomes, in which unit: by the series' name and the unit that it names.

Levels are stored in centimetres (CMT), also those of canals, which are sent as heights above a datum (`m+NN`, `m+NHN`,
`m+PNP`): `levelReference` then names the datum, and the marks are converted alike. Any other quantity keeps its unit as
a code of UN/CEFACT. Source: PEGELONLINE REST v2 (`timeseries[].shortname`, `unit`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GAUGE_ZERO = "gauge zero"
DATUM = re.compile(r"m\s*(?:\+|\.?\s*(?:ü|ue|u)\.?)\s*(?P<datum>[A-Z]{2,4})\.?", re.IGNORECASE)
"""Metres above a datum: `m+NN`, `m+NHN`, `m+PNP`, `m. ü. NHN`."""

Factors = Mapping[str, tuple[str, float]]
"""Units as they are sent, each with the code and the factor by which it is stored."""

LEVELS: Factors = {"cm": ("CMT", 1), "m": ("CMT", 100), "mm": ("CMT", 0.1)}
LENGTHS: Factors = {"cm": ("CMT", 1), "m": ("MTR", 1), "mm": ("MMT", 1)}
FLOWS: Factors = {"m³/s": ("MQS", 1), "m3/s": ("MQS", 1), "l/s": ("G51", 1)}
TEMPERATURES: Factors = {"°c": ("CEL", 1), "grad c": ("CEL", 1)}
SPEEDS: Factors = {"m/s": ("MTS", 1), "km/h": ("KMH", 1), "cm/s": ("2M", 1)}
ANGLES: Factors = {"°": ("DD", 1), "grad": ("DD", 1)}
SHARES: Factors = {"%": ("P1", 1)}
CONTENTS: Factors = {"mg/l": ("M1", 1)}
CONDUCTIVITIES: Factors = {
    "µs/cm": ("G42", 1),
    "μs/cm": ("G42", 1),
    "ms/cm": ("H61", 1),
}  # two letters look like µ
PH: Factors = {"": ("Q30", 1), "-": ("Q30", 1), "--": ("Q30", 1), "---": ("Q30", 1), "ph": ("Q30", 1)}
PRESSURES: Factors = {"hpa": ("A97", 1), "mbar": ("MBR", 1)}
RATES: Factors = {"mm/h": ("H67", 1)}
PERIODS: Factors = {"s": ("SEC", 1)}
TURBIDITIES: Factors = {"ntu": ("NTU", 1)}

SERIES: Mapping[str, tuple[str, Factors]] = {
    "W": ("waterLevel", LEVELS),
    "GRU": ("groundwaterLevel", LEVELS),
    "Q": ("flow", FLOWS),
    "ABFLUSS": ("flow", FLOWS),
    "DFH": ("clearanceHeight", LENGTHS),
    "WT": ("waterTemperature", TEMPERATURES),
    "LT": ("temperature", TEMPERATURES),
    "VA": ("flowVelocity", SPEEDS),
    "R": ("flowDirection", ANGLES),
    "O2": ("O2", CONTENTS),
    "PH": ("pH", PH),
    "LF": ("conductivity", CONDUCTIVITIES),
    "TR": ("turbidity", TURBIDITIES),
    "CL": ("chloride", CONTENTS),
    "WG": ("windSpeed", SPEEDS),
    "WR": ("windDirection", ANGLES),
    "NIEDERSCHLAG": ("precipitation", LENGTHS),
    "NIEDERSCHLAGSINTENSITÄT": ("precipitationRate", RATES),
    "HL": ("relativeHumidity", SHARES),
    "LUFTDRUCK": ("atmosphericPressure", PRESSURES),
    "SIGH": ("significantWaveHeight", LENGTHS),
    "MAXH": ("maximumWaveHeight", LENGTHS),
    "TP": ("wavePeriod", PERIODS),
}
NO_READING = frozenset({-777.0, -999.0, -9999.0})
"""Values that stand for a reading that failed."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """How a series is stored: its attribute, the unit's code, the factor, and above what a level is measured."""

    attribute: str
    unit: str
    factor: float
    reference: str = ""


class UnknownUnit(ValueError):
    """The unit of a series is not known; the text says what must be."""


class NoReading(ValueError):
    """A value is no reading; the text says why."""


def find_quantity(name: str, unit: Any) -> Quantity | None:
    """Return how a series of a name and unit is stored, None for a series without an attribute; raise UnknownUnit."""
    if name.upper() not in SERIES:
        return None
    attribute, factors = SERIES[name.upper()]
    text = " ".join(str(unit or "").split())
    if text.lower() in factors:
        code, factor = factors[text.lower()]
        return Quantity(attribute, code, factor, GAUGE_ZERO if factors is LEVELS else "")
    datum = DATUM.fullmatch(text) if factors is LEVELS else None
    if datum:
        return Quantity(attribute, "CMT", 100, datum["datum"].upper())
    known = ", ".join(each for each in factors if each)
    more = " or m+NN, m+NHN, m+PNP" if factors is LEVELS else ""
    raise UnknownUnit(f"the unit must be one of {known}{more}, not {text[:40]!r}")


def stored(value: Any, quantity: Quantity) -> float:
    """Return a value as it is stored; raise NoReading."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NoReading(f"must be a number, not {value!r}")
    if float(value) in NO_READING:
        raise NoReading(f"{value} stands for a reading that failed")
    return value if quantity.factor == 1 else round(value * quantity.factor, 4)
