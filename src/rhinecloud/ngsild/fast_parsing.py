"""Reads the most frequent shapes of an attribute in one step: a feed sends nothing else, ten thousand times a second.

Any other shape, valid or not, is left to `instances`, which also reports what is wrong. So every decision here is made
there too, and `tests/ngsild/test_fast_parsing.py` compares the two. Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.2,
4.5.3 and 4.7.
"""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.entity import NULL, Instance
from rhinecloud.ngsild.values import GREATEST, LEAST, check_geometry, check_moment, is_uri

Whole = Annotated[int, msgspec.Meta(ge=LEAST, le=2**63 - 1)]
"""JSON decoders differ in how they read integers beyond these."""


class PlainPoint(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A GeoJSON Point as it is read from JSON."""

    type: Literal["Point"]
    coordinates: Annotated[list[int | float], msgspec.Meta(min_length=2, max_length=2)]


class PlainAttribute(msgspec.Struct, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """An attribute as it was sent, with no other members than these: decoded in half the time of a `dict`.
    Absent members are UNSET."""

    type: str | UnsetType = UNSET
    value: str | Whole | float | bool | PlainPoint | UnsetType = UNSET
    object: str | UnsetType = UNSET
    observedAt: str | UnsetType = UNSET  # noqa: N815 - the names of NGSI-LD's own members
    unitCode: str | UnsetType = UNSET  # noqa: N815

    def __repr__(self) -> str:
        """Return what was sent, as errors quote it."""
        return repr(self.members())

    def members(self) -> dict[str, Any]:
        """Return what was sent, as a dictionary."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


Item = dict[str, Any]
"""An entity as it was sent: members by name, its attributes either objects or `PlainAttribute`."""

Names = Annotated[list[str], msgspec.Meta(max_length=100)]
Member = PlainAttribute | str | Whole | float | bool | Names

_MEMBERS = frozenset(("type", "value", "object", "observedAt", "unitCode"))

_decode = msgspec.json.Decoder(list[dict[str, Member]]).decode
_decode_one = msgspec.json.Decoder(dict[str, Member]).decode


def decode_items(body: bytes) -> list[Item] | None:
    """Return the entities of a JSON array whose attributes are all plain or bare values, None for any other body.

    Such a body nests no deeper than a Point does and has no long arrays.
    """
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def decode_item(body: bytes) -> Item | None:
    """Return the entity or fragment of a JSON object in the same way."""
    try:
        return _decode_one(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def read_plain(data: dict[str, Any], now: str) -> Instance | None:
    """Return what `read_sent` returns for an attribute that was decoded as a dictionary."""
    return read_sent(PlainAttribute(**data), now) if _MEMBERS.issuperset(data) else None


def read_sent(sent: PlainAttribute, now: str) -> Instance | None:
    """Return an attribute with only a type, a plain value, a time and a unit; None for any other one."""
    kind: Any = sent.type
    value: Any = sent.value
    target: Any = sent.object
    unit: Any = sent.unitCode
    observed: Any = sent.observedAt
    if kind is UNSET:
        kind = "Property" if target is UNSET else "Relationship"
    if kind == "Property":
        shape = type(value)
        if shape is float:
            fits = isfinite(value)
        elif shape is int:
            fits = LEAST <= value <= GREATEST
        else:
            fits = (shape is str and value != NULL) or shape is bool
        if target is not UNSET or not fits:
            return None
    elif unit is not UNSET:
        return None
    elif kind == "Relationship":
        if value is not UNSET or type(target) is not str or not is_uri(target) or target == NULL:
            return None
        value = target
    elif kind != "GeoProperty" or target is not UNSET or (value := _geometry(value)) is None:
        return None
    if unit is UNSET:
        unit = ""
    elif type(unit) is not str or not unit or unit == NULL:
        return None
    if observed is UNSET:
        observed = ""
    elif type(observed) is not str or (observed := _checked_or_none(observed)) is None:
        return None
    return Instance(
        type=kind, value=value, observed_at=observed, unit_code=unit, created_at=now, modified_at=now
    )


def _geometry(value: Any) -> dict[str, Any] | None:
    if type(value) is PlainPoint:
        east, north = value.coordinates
        fits = -180 <= east <= 180 and -90 <= north <= 90
        return {"type": "Point", "coordinates": value.coordinates} if fits else None
    try:
        return value if type(value) is dict and check_geometry(value) is value else None
    except Invalid:
        return None


def _checked_or_none(text: str) -> str | None:
    try:
        return check_moment(text)
    except Invalid:
        return None
