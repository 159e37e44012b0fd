"""Checks of values in NGSI-LD: JSON without null, URIs, times, GeoJSON geometries, scopes, language maps.

Each check raises Invalid with the reason alone; the caller knows the field. Source: ETSI GS CIM 009 v1.9.1,
clauses 4.5.0, 4.6.2 to 4.6.5, 4.7 and 4.18; IETF RFC 7946 for geometries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from math import isfinite
from typing import Any

import orjson

from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.entity import NULL

MAX_NESTING = 64
"""How deep a JSON value may nest; deeper input could exhaust the stack of recursive functions."""

GEOMETRY_DEPTH = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""The geometry types of NGSI-LD (GeometryCollection is excluded) and how deep their positions nest."""

_NONCHARACTERS = "".join(
    f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(1, 14)
)
_INVISIBLE = (
    "\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u2800\u3000\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    f"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a{_NONCHARACTERS}\U000e0000-\U0010ffff"
)
"""Characters that RFC 3987 excludes, and invisible ones: two ids that look alike would be different."""

_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*:(?:[^%{_INVISIBLE}<>\"{{}}|\\^`]|%[0-9A-Fa-f]{{2}})+")
_PLAIN_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[!#$&-;=?-\[\]_a-z~]+")
"""Nearly all URIs: ASCII alone, checked five times as fast."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,6})?Z")
_SCOPE = re.compile(r"/?[^\W\d_]\w*(?:/[^\W\d_]\w*)*")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|@none")
_MOMENTS: Mapping[str, Callable[[str], object]] = {
    "DateTime": datetime.fromisoformat,
    "Date": date.fromisoformat,
    "Time": time.fromisoformat,
}
"""The types of clause 4.6.3 that a value object may have, and the function that parses each."""

_VALUE_OBJECT = frozenset({"@value", "@type", "@language", "@direction", "@index"})
"""The members of a value object in JSON-LD 1.1 (section 9.5)."""

MISPLACED_NULL = (
    "NGSI-LD null must be the whole value of an attribute in an update, or a member of one in a merge"
)

GREATEST = 2**64 - 1
LEAST = -(2**63)
"""The range of integers that JSON decoders agree on."""


def is_uri(text: str) -> bool:
    """Return whether a text is an absolute URI or IRI (RFC 3986, RFC 3987)."""
    return _PLAIN_URI.fullmatch(text) is not None or _URI.fullmatch(text) is not None


def check_uri(text: Any) -> str:
    """Return an absolute URI or IRI, other than NGSI-LD null. Raise Invalid."""
    if not isinstance(text, str) or not is_uri(text):
        raise Invalid(f"{_short(text)} is not a URI")
    if text == NULL:
        raise Invalid(MISPLACED_NULL)
    return text


def check_moment(text: Any) -> str:
    """Return a DateTime of clause 4.6.3: complete, in UTC, with `Z`; a decimal comma becomes a point. Raise Invalid."""
    if not isinstance(text, str):
        raise Invalid(f"{_short(text)} is not a DateTime string")
    return _checked_moment(text)


def _check_moment(text: str) -> str:
    if _MOMENT.fullmatch(text) is None:
        raise Invalid(f"{_short(text)} is not a DateTime in UTC (YYYY-MM-DDThh:mm:ssZ)")
    moment = text.replace(",", ".")
    try:
        datetime.fromisoformat(moment)
    except ValueError as error:
        raise Invalid(f"{_short(text)} is not a DateTime: {error}") from None
    return moment


_checked_moment = BoundedCache(
    _check_moment, 8_192, longest=64
).__getitem__  # the readings of a feed have few different times


def check_json(value: Any, *, nulls: bool = False, depth: int = 0) -> None:
    """Raise Invalid for a JSON value with null, NaN, infinities or integers beyond 64 bits.

    `nulls` allows NGSI-LD null as a member, as a merge patch needs it (clause 5.5.12). A JSON literal
    (`{"@type": "@json", …}`) may contain anything.
    """
    kind = type(value)
    if kind is str:
        if not nulls and value == NULL:
            raise Invalid(MISPLACED_NULL)
    elif kind is bool:
        return
    elif kind is int:
        if not LEAST <= value <= GREATEST:
            raise Invalid("an integer must fit into 64 bits")
    elif kind is float:
        if not isfinite(value):
            raise Invalid(f"{value} is not a JSON number")
    elif kind is dict:
        _check_object(value, nulls, depth)
    elif kind is list:
        _check_nesting(depth)
        for each in value:
            check_json(each, depth=depth + 1)
    elif value is None:
        raise Invalid("must not be null")
    else:
        raise Invalid(f"{kind.__name__} is not a JSON type")


def _check_object(value: dict[str, Any], nulls: bool, depth: int) -> None:
    _check_nesting(depth)
    if "@value" in value or "@type" in value:
        _check_value_object(value)
        if value.get("@type") == "@json" and "@value" in value:
            check_raw_json(value["@value"], depth=depth + 1)
            return
    for name, each in value.items():
        if type(name) is not str:
            raise Invalid(f"{name!r} is not the name of a JSON member")
        check_json(each, nulls=nulls, depth=depth + 1)


def _check_value_object(value: dict[str, Any]) -> None:
    """Raise Invalid for a malformed value object of JSON-LD, such as a string with the type DateTime.

    An object without `@value` is one only if it has a type of times.
    """
    kind = value.get("@type")
    reader = _MOMENTS.get(kind) if isinstance(kind, str) else None
    if "@value" not in value:
        if reader is not None:
            raise Invalid(f"must have an @value for the @type {kind}")
        return
    if not isinstance(kind, str | None):
        raise Invalid("the @type beside an @value must be a string")
    if not value.keys() <= _VALUE_OBJECT:
        raise Invalid(f"beside an @value there may only be {', '.join(sorted(_VALUE_OBJECT - {'@value'}))}")
    if reader is not None:
        try:
            reader(value["@value"])
        except (TypeError, ValueError):
            raise Invalid(f"{_short(value['@value'])} is not a {kind}") from None


def check_raw_json(value: Any, *, depth: int = 0) -> None:
    """Raise Invalid only for what is not JSON: the value of a JsonProperty is never interpreted (clause 4.5.24)."""
    if isinstance(value, dict):
        _check_nesting(depth)
        for each in value.values():
            check_raw_json(each, depth=depth + 1)
    elif isinstance(value, list):
        _check_nesting(depth)
        for each in value:
            check_raw_json(each, depth=depth + 1)
    elif value is not None and value != NULL:
        check_json(value)


def _check_nesting(depth: int) -> None:
    if depth > MAX_NESTING:
        raise Invalid(f"must not nest more than {MAX_NESTING} deep")


def is_geometry(value: Any) -> bool:
    """Return whether a value has the outer form of a GeoJSON geometry (clause 4.7.1)."""
    if type(value) is not dict or "coordinates" not in value:
        return False
    kind = value.get("type")
    return isinstance(kind, str) and kind in GEOMETRY_DEPTH


def check_geometry(value: Any) -> dict[str, Any]:
    """Return a GeoJSON geometry, which may be given as a string (clause 4.7.2). Raise Invalid."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise Invalid(f"{_short(value)} is not a GeoJSON geometry") from None
    if not isinstance(value, dict):
        raise Invalid(f"{_short(value)} is not a GeoJSON geometry")
    kind = value.get("type")
    depth = GEOMETRY_DEPTH.get(kind) if isinstance(kind, str) else None
    if depth is None:
        raise Invalid(f"{_short(kind)} is not a geometry type; known: {', '.join(GEOMETRY_DEPTH)}")
    _check_coordinates(value.get("coordinates"), depth)
    if kind in ("LineString", "MultiLineString"):
        for line in [value["coordinates"]] if kind == "LineString" else value["coordinates"]:
            if len(line) < 2:
                raise Invalid("a line must have at least two positions")
    elif kind in ("Polygon", "MultiPolygon"):
        for polygon in [value["coordinates"]] if kind == "Polygon" else value["coordinates"]:
            _check_rings(polygon)
    return value


def _check_coordinates(coordinates: Any, depth: int) -> None:
    if type(coordinates) is not list or not coordinates:
        raise Invalid("coordinates must be a non-empty array")
    if depth:
        for each in coordinates:
            _check_coordinates(each, depth - 1)
        return
    if not 2 <= len(coordinates) <= 4:
        raise Invalid("a position must have a longitude, a latitude and optionally an altitude")
    for number in coordinates:
        kind = type(number)
        if (kind is not float and kind is not int) or not isfinite(number):
            raise Invalid(f"{_short(number)} is not a coordinate")
    if not (-180 <= coordinates[0] <= 180 and -90 <= coordinates[1] <= 90):
        raise Invalid(
            f"longitude {coordinates[0]}, latitude {coordinates[1]} must be a position on Earth (WGS 84)"
        )


def _check_rings(polygon: list[Any]) -> None:
    for ring in polygon:
        if len(ring) < 4:
            raise Invalid("a ring must have at least four positions")
        if ring[0] != ring[-1]:
            raise Invalid("a ring must end at its first position")


def check_scope(text: Any) -> str:
    """Return a Scope of clause 4.18 such as `/Duisburg/Ruhrort`. Raise Invalid."""
    if not isinstance(text, str) or _SCOPE.fullmatch(text) is None:
        raise Invalid(f"{_short(text)} is not a scope (/level/level)")
    return text


def check_language_map(value: Any) -> dict[str, Any]:
    """Return a language map of clause 4.6.5: language tags or `@none` to a string or strings. Raise Invalid."""
    if not isinstance(value, dict) or not value:
        raise Invalid("must be an object of language tags and strings")
    for tag, text in value.items():
        if not isinstance(tag, str) or _LANGUAGE.fullmatch(tag) is None:
            raise Invalid(f"{_short(tag)} is not a language tag (RFC 5646)")
        texts = text if isinstance(text, list) else [text]
        if not all(isinstance(each, str) for each in texts):
            raise Invalid(f"{tag} must have a string or an array of strings")
    return value


def _short(value: Any) -> str:
    """Return a value as JSON, for a message: clients speak no Python."""
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
