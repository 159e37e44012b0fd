"""Where an entity lies, as the geometries that PostGIS indexes: one row an instance of each GeoProperty."""

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

BROKEN = (shapely.errors.ShapelyError, struct.error, ArithmeticError, LookupError, TypeError, ValueError)
"""What a geometry may raise that was stored before anybody checked it."""

_pack_point = struct.Struct("<BIdd").pack


def geometries_of(entity: Entity | None) -> Geometries:
    """Return all that a geographic query may find an entity by."""
    if entity is None:
        return {}
    found: Geometries = {}
    for name, instances in entity.attrs.items():
        for instance in instances:
            if type(instance.value) is dict and is_geometry(instance.value) and fits(name):
                found.setdefault(name, []).append(instance.value)
    return found


def encode_shape(geometry: dict[str, Any]) -> bytes | None:
    """Write a geometry as WKB; its box where it has no valid shape, None where it has no position at all."""
    with contextlib.suppress(*BROKEN):  # it is found by its box
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
