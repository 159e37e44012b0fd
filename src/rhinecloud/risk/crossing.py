"""Whether an entity is in an area, or has just entered or left it."""

from __future__ import annotations

from typing import Any

from rhinecloud.risk.area import Area
from rhinecloud.risk.facts import EntityFacts
from rhinecloud.risk.model import AreaEvent, Zone
from rhinecloud.risk.state import RiskState, RuleWatch


class Crossings:
    """Evaluates the zones of rules; keeps the geometries of entities that serve as areas."""

    def __init__(self, state: RiskState) -> None:
        self._state = state
        self._areas: dict[str, Area] = {}

    def place(self, entity_id: str, geojson: Any) -> None:
        """Set the geometry of an entity that serves as an area; raise Invalid where it is not an area."""
        self._areas[entity_id] = Area(geojson, entity_id)
        self._state.areas[entity_id] = geojson

    def evaluate(self, zone: Zone, watch: RuleWatch, facts: EntityFacts) -> bool | None:
        """Return whether the zone's condition holds, None where the location or the area is unknown.

        An entity whose first location is inside has not entered the area.
        """
        place = facts.value("location")
        area = zone.area or self._area_of(zone.entity)
        if place is None or area is None:
            return None
        before = facts.before("location")
        was_inside = watch.inside or (before is not None and area.contains(before))
        is_known = watch.inside or (before is not None and not was_inside)
        watch.inside = area.contains(place, zone.margin_m if watch.inside else 0.0)
        is_running = bool(watch.alert) or watch.since is not None
        match zone.event:
            case AreaEvent.INSIDE:
                return watch.inside
            case AreaEvent.ENTER:
                return watch.inside and (is_running or (is_known and not was_inside))
            case AreaEvent.LEAVE:
                return not watch.inside and (is_running or was_inside)

    def _area_of(self, entity_id: str) -> Area | None:
        if entity_id not in self._areas and entity_id in self._state.areas:
            self._areas[entity_id] = Area(self._state.areas[entity_id], entity_id)
        return self._areas.get(entity_id)
