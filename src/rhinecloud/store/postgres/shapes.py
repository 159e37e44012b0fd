"""The geometries of an entity for PostGIS: one row for each instance of a GeoProperty."""

from __future__ import annotations

import contextlib
import struct
from typing import Any

import shapely

from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.geometry import shape_of
from rhinecloud.ngsild.values import is_geometry
from rhinecloud.store.place import box_of
from rhinecloud.store.postgres.names import fits

Geometries = dict[str, list[Any]]
"""GeoJSON geometries by the IRI of their attribute."""

MALFORMED = (shapely.errors.ShapelyError, struct.error, ArithmeticError, LookupError, TypeError, ValueError)
"""Errors of a malformed geometry, stored by an older version."""

_pack_point = struct.Struct("<BIdd").pack


def geometries_of(entity: Entity | None) -> Geometries:
    """Return all geometries by which a geographic query may find an entity."""
    if entity is None:
        return {}
    found: Geometries = {}
    for name, instances in entity.attrs.items():
        for instance in instances:
            if type(instance.value) is dict and is_geometry(instance.value) and fits(name):
                found.setdefault(name, []).append(instance.value)
    return found


def encode_shape(geometry: dict[str, Any]) -> bytes | None:
    """Return a geometry as WKB; its box if it has no valid shape, None if it has no position."""
    with contextlib.suppress(*MALFORMED):  # it is found by its box
        if geometry["type"] == "Point":
            longitude, latitude = geometry["coordinates"][:2]
            return _pack_point(1, 1, longitude, latitude)
        shape = shape_of(geometry)
        if not shape.is_empty:
            return bytes(shapely.to_wkb(shapely.force_2d(shape)))
    box = box_of([geometry])
    if box is None:
        return None
    west, east, south, north = box
    return bytes(shapely.to_wkb(shapely.box(west, south, east, north)))
