"""Checks the places that messages name, once for all mappings: what cannot be, and what is outside of the feed's area.

A place that cannot be is refused alone: the rest of the entity is kept, and the last good place stays.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.entity import NULL
from rhinecloud.ngsild.region import Region
from rhinecloud.ngsild.values import GEOMETRY_DEPTH, check_geometry, is_geometry
from rhinecloud.pack.codec import Ignored, Rejected
from rhinecloud.pack.mapping import EntityFragment

NOWHERE_DEGREES = 1e-4
"""What is nearer to longitude 0, latitude 0 than this (11 m) is a device without a position."""
MOST_REMEMBERED = 10_000
"""Entities outside of the area that are remembered."""
OUTSIDE = "it is outside of the feed's area"
LOCATION = "location"
VALUE_MEMBERS = frozenset({"value", "coordinates", "json", "languageMap", "valueList", "objectList"})
"""Members of an attribute whose objects are values, and no sub-attributes."""

Position = Sequence[Any]


@dataclass(slots=True)
class CheckedPlaces:
    """The fragment without what is refused, None where nothing of it is left or it is dropped; and what to say of it.

    `outside` names the entity and its place where it is outside of the area and kept, else ''.
    """

    fragment: EntityFragment | None
    rejected: list[Rejected] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    outside: str = ""


class PlaceCheck:
    """Checks the places of one feed, whose things can be in `area`; None: anywhere."""

    def __init__(self, area: Region | None = None, *, drop: bool = False) -> None:
        """`drop` leaves out what is outside of the area, and what else is said of it while it is there."""
        self._area = area
        self._drop = drop
        self._dropped: OrderedDict[str, None] = OrderedDict()

    def check(self, fragment: EntityFragment) -> CheckedPlaces:
        """Return what is left of an entity: its GeoProperties that can be, and all that is no place."""
        kept: EntityFragment = {}
        checked = CheckedPlaces(kept)
        for name, attribute in fragment.items():
            try:
                kept[name] = self._checked(attribute)
            except Invalid as error:
                checked.rejected.append(Rejected(f"{fragment.get('id')} {name}", error.reason))
        if checked.rejected and not kept.keys() - {"id", "type"}:
            checked.fragment = None
        else:
            self._look_outside(checked, kept)
        return checked

    def _checked(self, attribute: Any) -> Any:
        """Return an attribute with its places checked, and the places of its sub-attributes; raise Invalid."""
        if isinstance(attribute, list):
            for each in attribute:
                self._checked(each)
        elif isinstance(attribute, dict):
            if (geometry := _geometry_of(attribute)) is not None:
                self._check_geometry(geometry)
            for name, each in attribute.items():
                if isinstance(each, dict | list) and name not in VALUE_MEMBERS:
                    self._checked(each)
        return attribute

    def _check_geometry(self, geometry: Any) -> None:
        if geometry == NULL or self._is_in_area(geometry):
            return
        if is_geometry(geometry):
            positions = _positions(geometry)
            for position in positions:
                self._check_numbers(position)
            self._check_swapped(positions)
            for longitude, latitude in positions:
                if not (abs(longitude) <= 180 and abs(latitude) <= 90):
                    raise Invalid(
                        f"out of range: longitude {longitude:g}, latitude {latitude:g} "
                        "must be -180 to 180 and -90 to 90"
                    )
            if self._is_null_island(geometry["type"], positions):
                raise Invalid("null island: longitude 0, latitude 0 is where devices without a position are")
        check_geometry(geometry)

    def _is_in_area(self, geometry: Any) -> bool:
        """Return at little cost whether it is a point in the feed's area, as nearly all places are."""
        if self._area is None or not is_geometry(geometry) or geometry["type"] != "Point":
            return False
        place = geometry["coordinates"]
        if (
            type(place) is not list
            or len(place) != 2
            or type(place[0]) is not float
            or type(place[1]) is not float
        ):
            return False
        is_nowhere = -NOWHERE_DEGREES < place[0] < NOWHERE_DEGREES
        return not is_nowhere and self._area.contains(place[0], place[1])

    def _check_numbers(self, position: Position) -> None:
        for number in position:
            if isinstance(number, bool) or not isinstance(number, int | float) or not isfinite(number):
                comma = " (a decimal comma?)" if isinstance(number, str) and "," in number else ""
                raise Invalid(f"not a number: longitude and latitude must be numbers, not {number!r}{comma}")

    def _check_swapped(self, positions: Sequence[Position]) -> None:
        """Raise Invalid where the positions can only be, or are in the feed's area only, the other way round."""
        if any(abs(latitude) > 90 for _, latitude in positions):
            swapped = all(abs(longitude) <= 90 and abs(latitude) <= 180 for longitude, latitude in positions)
        else:
            swapped = self._fits(positions, _turned) and not self._fits(positions, tuple, some=True)
        if swapped and positions:
            longitude, latitude = positions[0]
            raise Invalid(
                f"swapped: {longitude:g}, {latitude:g} must be longitude and latitude, in this order"
            )

    def _fits(
        self, positions: Sequence[Position], turn: Callable[[Position], Position], *, some: bool = False
    ) -> bool:
        if self._area is None:
            return False
        inside = (self._area.contains(*turn(position)) for position in positions)
        return any(inside) if some else all(inside)

    def _is_null_island(self, kind: str, positions: Sequence[Position]) -> bool:
        """Return whether a geometry has the position of a device without one.

        An area may have a corner there where it is larger than what the feed's things can be in: a warning for half the
        world.
        """
        nowhere = [max(map(abs, position)) < NOWHERE_DEGREES for position in positions]
        if not kind.endswith("Polygon") or all(nowhere):
            return any(nowhere)
        others = [position for position, is_nowhere in zip(positions, nowhere, strict=True) if not is_nowhere]
        return any(nowhere) and self._fits(others, tuple)

    def _look_outside(self, checked: CheckedPlaces, fragment: EntityFragment) -> None:
        if self._area is None:
            return
        entity_id, geometry = str(fragment.get("id")), _geometry_of(fragment.get(LOCATION))
        if not is_geometry(geometry):
            if entity_id in self._dropped:
                checked.fragment = None
                checked.ignored.append(Ignored(OUTSIDE, entity_id))
            return
        self._dropped.pop(entity_id, None)
        if self._area.touches(geometry):
            return
        sample = f"{entity_id} at {_first(geometry)}"
        if not self._drop:
            checked.outside = sample
            return
        self._dropped[entity_id] = None
        if len(self._dropped) > MOST_REMEMBERED:
            self._dropped.popitem(last=False)
        checked.fragment = None
        checked.ignored.append(Ignored(OUTSIDE, sample))


def _geometry_of(attribute: Any) -> Any:
    """Return what stands for the geometry of a GeoProperty in concise form; None for any other attribute."""
    if not isinstance(attribute, Mapping):
        return None
    if attribute.get("type") == "GeoProperty":
        return attribute.get("value") or {}
    if attribute.get("type") in GEOMETRY_DEPTH and "coordinates" in attribute:
        return attribute
    value = attribute.get("value")
    return value if "type" not in attribute and is_geometry(value) else None


def _positions(geometry: Mapping[str, Any]) -> list[Position]:
    """Return longitude and latitude of each position; nothing of what is no position."""
    found = [geometry["coordinates"]]
    for _ in range(GEOMETRY_DEPTH[geometry["type"]]):
        found = [each for part in found if isinstance(part, list) for each in part]
    return [each[:2] for each in found if isinstance(each, list) and len(each) >= 2]


def _turned(position: Position) -> Position:
    return position[1], position[0]


def _first(geometry: Mapping[str, Any]) -> str:
    return ", ".join(f"{number:g}" for number in _positions(geometry)[0])
