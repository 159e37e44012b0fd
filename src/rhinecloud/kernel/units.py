"""Units of measure: UN/CEFACT Recommendation 20 common codes as NGSI-LD's `unitCode`, with their signs for people."""

from __future__ import annotations

SIGNS = {
    "CMT": "cm",
    "MTR": "m",
    "KMT": "km",
    "KMH": "km/h",
    "KNT": "kn",
    "MTS": "m/s",
    "DD": "°",
    "CEL": "°C",
    "P1": "%",
    "GQ": "µg/m³",
    "MMT": "mm",
    "MQS": "m³/s",
    "SEC": "s",
    "MIN": "min",
    "A97": "hPa",
    "2N": "dB",
    "LTR": "l",
    "TNE": "t",
    "C62": "",
}


def sign_of(unit_code: str) -> str:
    """Give the sign that people read for a common code, or the code itself where it is not in the table."""
    return SIGNS.get(unit_code, unit_code)
