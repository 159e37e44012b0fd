"""What a row of a GTFS timetable says: Smart Data Models' `GtfsAgency`, `GtfsStop`, `GtfsRoute` and `GtfsTrip`.

A message is `{"table": "stops", "row": {...}}` with GTFS' own column names. Source: GTFS Schedule Reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

from rhinecloud.pack import EntityFragment, Ignored, MappedItem, Message, point

Row = Message


def map_timetable(message: Message, received: datetime) -> Iterator[MappedItem]:
    """Turn one row of `agency`, `stops`, `routes` or `trips` into its entity; other tables are ignored."""
    mapped = {"agency": _agency, "stops": _stop, "routes": _route, "trips": _trip}.get(message["table"])
    if mapped is None:
        yield Ignored(f"the table {message['table']} is not mapped")
        return
    yield from mapped(message["row"])


def urn(kind: str, gtfs_id: str) -> str:
    """Return the entity id of a GTFS id; characters that a URI cannot hold are escaped."""
    return f"urn:ngsi-ld:{kind}:{quote(gtfs_id, safe='-._~')}"


def _agency(row: Row) -> Iterator[EntityFragment]:
    name = row.get("agency_name", "")
    yield {"id": urn("GtfsAgency", row.get("agency_id") or name), "type": "GtfsAgency", "name": name}


def _stop(row: Row) -> Iterator[MappedItem]:
    if not row.get("stop_id") or not row.get("stop_lon") or not row.get("stop_lat"):
        yield Ignored("a stop without id or place")
        return
    stop: EntityFragment = {
        "id": urn("GtfsStop", row["stop_id"]),
        "type": "GtfsStop",
        "name": row.get("stop_name") or row["stop_id"],
        "location": {"type": "GeoProperty", "value": point(row["stop_lon"], row["stop_lat"])},
    }
    if row.get("stop_code"):
        stop["code"] = row["stop_code"]
    yield stop


def _route(row: Row) -> Iterator[EntityFragment]:
    route: EntityFragment = {"id": urn("GtfsRoute", row["route_id"]), "type": "GtfsRoute"}
    for column, name in (
        ("route_long_name", "name"),
        ("route_short_name", "shortName"),
        ("route_color", "routeColor"),
        ("route_text_color", "routeTextColor"),
        ("route_type", "routeType"),
    ):
        if row.get(column):
            route[name] = row[column]
    if row.get("agency_id"):
        route["operatedBy"] = {"type": "Relationship", "object": urn("GtfsAgency", row["agency_id"])}
    yield route


def _trip(row: Row) -> Iterator[EntityFragment]:
    trip: EntityFragment = {
        "id": urn("GtfsTrip", row["trip_id"]),
        "type": "GtfsTrip",
        "hasRoute": {"type": "Relationship", "object": urn("GtfsRoute", row["route_id"])},
    }
    for column, name in (("trip_headsign", "headSign"), ("trip_short_name", "shortName")):
        if row.get(column):
            trip[name] = row[column]
    if row.get("direction_id"):
        trip["direction"] = int(row["direction_id"])
    yield trip
