"""UN/CEFACT common codes of units (Recommendation 20), the `unitCode` of NGSI-LD.

Source of the table: revision 17 (2021), without the codes that are deleted, by way of the data package
`unece-units-of-measure`, licence PDDL 1.0.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

from rhinecloud.kernel.errors import Invalid

TABLE = "unece-rec20.tsv"
_SPELLINGS = str.maketrans({"²": "2", "³": "3", "⁻": "-", "¹": "1", "µ": "u", "μ": "u", " ": None})
_USUAL = MappingProxyType(
    {
        **dict.fromkeys(("%", "percent", "pct", "prozent"), "P1"),
        **dict.fromkeys(("c", "degc", "°c", "℃", "celsius", "grad", "gradcelsius"), "CEL"),
        **dict.fromkeys(("f", "degf", "°f", "fahrenheit"), "FAH"),
        **dict.fromkeys(("°", "deg", "degrees"), "DD"),
        **dict.fromkeys(("v", "volt", "volts"), "VLT"),
        **dict.fromkeys(("a", "amp", "ampere"), "AMP"),
        **dict.fromkeys(("w", "watt"), "WTT"),
        **dict.fromkeys(("m", "meter", "meters"), "MTR"),
        **dict.fromkeys(("km/h", "kmh", "kph"), "KMH"),
        **dict.fromkeys(("m/s", "mps"), "MTS"),
        **dict.fromkeys(("db", "dba", "db(a)"), "2N"),
        **dict.fromkeys(("lx", "lux"), "LUX"),
        **dict.fromkeys(("hpa",), "A97"),
        **dict.fromkeys(("mbar", "mb"), "MBR"),
        **dict.fromkeys(("s", "sec", "seconds"), "SEC"),
        **dict.fromkeys(("min", "minutes"), "MIN"),
        **dict.fromkeys(("h", "hours"), "HUR"),
        **dict.fromkeys(("l", "liter", "litre"), "LTR"),
    }
)
"""Codes of spellings that are none of the table's symbols, or that several codes share."""


@dataclass(frozen=True, slots=True)
class MeasurementUnit:
    """A unit: its code, its English name, and its symbol, '' where it has none."""

    code: str
    name: str
    symbol: str


def read_unit(value: object) -> str:
    """Return a unit's code; raise Invalid, with the code of a unit that is spelled out."""
    units = list_units()
    if isinstance(value, str) and value in units:
        return value
    near = list(dict.fromkeys(_near(str(value), units)))[:3] if value else []
    meant = " or ".join(f"{code} ({units[code].name})" for code in near)
    hint = f"; did you mean {meant}?" if meant else ""
    raise Invalid(f"must be a UN/CEFACT common code such as CEL or MTS, not {value!r}{hint}")


@lru_cache(1)
def list_units() -> Mapping[str, MeasurementUnit]:
    """Return all units by code."""
    text = resources.files(__package__).joinpath(TABLE).read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines()[1:])
    return {code: MeasurementUnit(code, name, symbol) for code, name, symbol in rows}


def _near(text: str, units: Mapping[str, MeasurementUnit]) -> Iterator[str]:
    """Yield the codes that a text may stand for, the likeliest first."""
    spelled = text.translate(_SPELLINGS)
    if spelled.lower() in _USUAL:
        yield _USUAL[spelled.lower()]
    symbols = [(unit.code, unit.symbol.translate(_SPELLINGS)) for unit in units.values() if unit.symbol]
    yield from (code for code, symbol in symbols if symbol == spelled)
    if text.upper() in units:
        yield text.upper()
    yield from (code for code, symbol in symbols if symbol.lower() == spelled.lower())
    names = {unit.name.lower(): unit.code for unit in units.values()}
    yield from (names[name] for name in difflib.get_close_matches(text.lower(), names, 1, 0.8))
