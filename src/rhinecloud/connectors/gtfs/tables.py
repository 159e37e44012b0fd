"""Requirements of GTFS for tables, as far as we rely on them. Source: GTFS Schedule Reference."""

from __future__ import annotations

import math
from collections.abc import Mapping

REQUIRED_TABLES = frozenset({"agency", "stops", "routes", "trips", "stop_times"})

REQUIRED_COLUMNS: dict[str, tuple[str, ...]] = {
    "agency": ("agency_name",),
    "stops": ("stop_id",),
    "routes": ("route_id", "route_type"),
    "trips": ("route_id", "service_id", "trip_id"),
    "stop_times": ("trip_id", "stop_sequence"),
    "calendar": ("service_id", "start_date", "end_date"),
    "calendar_dates": ("service_id", "date", "exception_type"),
    "shapes": ("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"),
}

KEYS = {"stops": "stop_id", "routes": "route_id", "trips": "trip_id"}
"""Columns whose value only one row of the table may have."""

NUMBERS: dict[str, dict[str, float]] = {
    "stops": {"stop_lat": 90.0, "stop_lon": 180.0},
    "shapes": {"shape_pt_lat": 90.0, "shape_pt_lon": 180.0, "shape_pt_sequence": math.inf},
}
"""Columns with a number, and its largest absolute value."""

CHOICES: dict[str, dict[str, frozenset[str]]] = {"trips": {"direction_id": frozenset({"0", "1"})}}
"""Columns with one of a few values."""


def find_row_fault(table: str, row: Mapping[str, str]) -> str:
    """Return the fault of a row, '' where there is none."""
    missing = [name for name in REQUIRED_COLUMNS.get(table, ()) if name not in row]
    if missing:
        return f"{', '.join(missing)} is empty"
    for name, largest in NUMBERS.get(table, {}).items():
        if name in row and not _fits(row[name], largest):
            return f"{name} is {row[name][:40]!r}, not a number up to {largest:g}"
    for name, choices in CHOICES.get(table, {}).items():
        if name in row and row[name] not in choices:
            return f"{name} is {row[name][:40]!r}, none of {', '.join(sorted(choices))}"
    return ""


def _fits(text: str, largest: float) -> bool:
    try:
        return abs(float(text)) <= largest
    except ValueError:
        return False
