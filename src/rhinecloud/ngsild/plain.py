"""The commonest shapes of an attribute, read in one go: a feed sends nothing else, ten thousand times a second.

Whatever is not exactly one of them, be it wrong or only rarer, is left to `instances`, which says what is wrong and
where; so nothing is decided here that is not decided there too, and `tests/ngsild/test_plain.py` holds one against the
other. Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.2, 4.5.3 and 4.7.
"""

from __future__ import annotations

from functools import lru_cache
from math import isfinite
from typing import Any

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.entity import NULL, Instance
from rhinecloud.ngsild.values import GREATEST, LEAST, check_geometry, check_moment, is_uri

_MEMBERS = {
    "Property": frozenset(("type", "value", "observedAt", "unitCode")),
    "GeoProperty": frozenset(("type", "value", "observedAt")),
    "Relationship": frozenset(("type", "object", "observedAt")),
}


_is_target = lru_cache(4_096)(is_uri)  # many things point to few


def read_plain(data: dict[str, Any], now: str) -> Instance | None:
    """Read an attribute with nothing but a type, a plain value, a moment and a unit; None: it is something else."""
    kind = data.get("type")
    if kind is None:
        kind = "Relationship" if "object" in data else "Property"
    members = _MEMBERS.get(kind) if type(kind) is str else None
    if members is None or not members.issuperset(data):
        return None
    if kind == "Property":
        value = data.get("value")
        fits = _is_scalar(value)
    elif kind == "Relationship":
        value = data.get("object")
        fits = type(value) is str and _is_target(value) and value != NULL
    else:
        value = data.get("value")
        fits = type(value) is dict and _is_geometry(value)
    unit = data.get("unitCode", "")
    observed = _moment(data["observedAt"]) if "observedAt" in data else ""
    if (
        not fits
        or observed is None
        or type(unit) is not str
        or unit == NULL
        or (not unit and "unitCode" in data)
    ):
        return None
    return Instance(
        type=kind, value=value, observed_at=observed, unit_code=unit, created_at=now, modified_at=now
    )


def _is_scalar(value: Any) -> bool:
    kind = type(value)
    if kind is float:
        return isfinite(value)
    if kind is int:
        whole: int = value
        return LEAST <= whole <= GREATEST
    return kind is bool or (kind is str and value != NULL)


def _is_geometry(value: dict[str, Any]) -> bool:
    try:
        return check_geometry(value) is value
    except Invalid:
        return False


def _moment(text: Any) -> str | None:
    try:
        return None if text == NULL else check_moment(text)
    except Invalid:
        return None
