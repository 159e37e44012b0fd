"""The topological relations of two shapes, computed in bounded time.

Two shapes of n and m positions may cross n × m times, and one may cross itself n × n times, for which the engine would
need minutes: such relations are computed in a simpler way. Source: OGC 06-103r4, section 6.1.15.
"""

from __future__ import annotations

import shapely
from shapely.geometry.base import BaseGeometry

MADE_VALID = 200
"""Most positions of a polygon that is made valid: the crossings grow with their square (30 ms)."""

RELATIONS = frozenset(("within", "contains", "intersects", "equals", "disjoint", "overlaps"))


def make_valid(shape: BaseGeometry) -> BaseGeometry:
    """Return a valid polygon for one that crosses itself, unless that would take long."""
    if shapely.get_num_coordinates(shape) > MADE_VALID or shape.is_valid:
        return shape
    return shapely.make_valid(shape, method="structure")


def relates(relation: str, target: BaseGeometry, reference: BaseGeometry) -> bool:
    """Return whether `target` has the relation to `reference`, which is a prepared shape."""
    if relation == "intersects":
        return bool(reference.intersects(target))
    if relation == "disjoint":
        return not reference.intersects(target)
    if is_tangled(target) or is_tangled(reference):
        return _relates_tangled(relation, target, reference)
    asked = {"within": "contains", "contains": "within"}.get(relation, relation)
    return bool(getattr(reference, asked)(target))


def is_tangled(shape: BaseGeometry) -> bool:
    """Return whether a shape is large and crosses itself."""
    if shapely.get_num_coordinates(shape) <= MADE_VALID:
        return False
    return not (shape.is_valid if shape.area else shape.is_simple)


def _relates_tangled(relation: str, target: BaseGeometry, reference: BaseGeometry) -> bool:
    """Return the relation of the shapes' positions alone."""
    if relation == "equals":
        return bool(shapely.equals_exact(target, reference, normalize=True))
    if relation == "within":
        return _holds(reference, target)
    if relation == "contains":
        return _holds(target, reference)
    return bool(reference.intersects(target)) and not (_holds(reference, target) or _holds(target, reference))


def _holds(outer: BaseGeometry, inner: BaseGeometry) -> bool:
    """Return whether every position of `inner` lies inside `outer`, or on its edge."""
    places = shapely.get_coordinates(inner)
    shapely.prepare(outer)
    return bool(shapely.intersects_xy(outer, places[:, 0], places[:, 1]).all())
