"""What a GTFS-Realtime entity says: where a vehicle is, how late a trip runs, what the operator announces.

A message is one FeedEntity as plain values under the protocol's own field names (`vehicle`, `trip_update`, `alert`)
with `feed_time`, the frame's moment in POSIX seconds, where it names one. Units: speed in metres a second (MTS),
bearing in degrees (DD), delay in seconds (SEC; negative: early). Source: GTFS Realtime Reference v2.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rhinecloud.pack import EntityFragment, Ignored, MappedItem, Message, read_moment, utc
from rhinecloud_packs.transport.timetable import urn


def map_realtime(message: Message, received: datetime) -> Iterator[MappedItem]:
    """Turn one FeedEntity into the vehicle, trip or service alert that it speaks of."""
    observed = read_moment(message["feed_time"], field="feed_time") if message.get("feed_time") else received
    if message.get("vehicle"):
        yield from _vehicle(message["vehicle"], message, observed)
    if message.get("trip_update"):
        yield from _trip(message["trip_update"], observed)
    if message.get("alert"):
        yield from _alert(message["alert"], message)


def _vehicle(seen: Message, message: Message, observed: datetime) -> Iterator[MappedItem]:
    descriptor = seen.get("vehicle") or {}
    vehicle_id = descriptor.get("id") or descriptor.get("label") or message.get("id")
    position = seen.get("position") or {}
    if not vehicle_id or position.get("longitude") is None:
        yield Ignored("a vehicle without id or place")
        return
    when = _moment(seen.get("timestamp"), observed)
    point = {
        "type": "Point",
        "coordinates": [round(position["longitude"], 6), round(position["latitude"], 6)],
    }
    vehicle: EntityFragment = {
        "id": urn("Vehicle", str(vehicle_id)),
        "type": "Vehicle",
        "name": descriptor.get("label") or str(vehicle_id),
        "fleetVehicleId": str(vehicle_id),
        "location": {"type": "GeoProperty", "value": point, "observedAt": when},
    }
    for member, unit in (("speed", "MTS"), ("bearing", "DD")):
        if position.get(member) is not None:
            vehicle[member] = {"value": round(position[member], 1), "unitCode": unit, "observedAt": when}
    vehicle.update(_trip_links(seen.get("trip") or {}))
    if seen.get("stop_id"):
        vehicle["nextStop"] = {"type": "Relationship", "object": urn("GtfsStop", str(seen["stop_id"]))}
    if seen.get("occupancy_status") is not None:
        vehicle["occupancy"] = seen["occupancy_status"]
    yield vehicle


def _trip_links(trip: Message) -> EntityFragment:
    links: EntityFragment = {}
    if trip.get("trip_id"):
        links["hasTrip"] = {"type": "Relationship", "object": urn("GtfsTrip", str(trip["trip_id"]))}
    if trip.get("route_id"):
        links["hasRoute"] = {"type": "Relationship", "object": urn("GtfsRoute", str(trip["route_id"]))}
    return links


def _trip(update: Message, observed: datetime) -> Iterator[MappedItem]:
    trip = update.get("trip") or {}
    if not trip.get("trip_id"):
        yield Ignored("a trip update without a trip_id")
        return
    when = _moment(update.get("timestamp"), observed)
    entity: EntityFragment = {"id": urn("GtfsTrip", str(trip["trip_id"])), "type": "GtfsTrip"}
    if trip.get("route_id"):
        entity["hasRoute"] = {"type": "Relationship", "object": urn("GtfsRoute", str(trip["route_id"]))}
    if trip.get("schedule_relationship") is not None:
        entity["scheduleRelationship"] = {"value": trip["schedule_relationship"], "observedAt": when}
    delay, stop = _current_delay(update, observed)
    if delay is not None:
        entity["delay"] = {"value": delay, "unitCode": "SEC", "observedAt": when}
    if stop:
        entity["nextStop"] = {"type": "Relationship", "object": urn("GtfsStop", stop)}
    yield entity
    yield from _late_vehicle(update, delay, when)


def _late_vehicle(update: Message, delay: int | None, when: str) -> Iterator[EntityFragment]:
    """The vehicle that runs the trip is as late as the trip."""
    vehicle_id = (update.get("vehicle") or {}).get("id")
    if vehicle_id and delay is not None:
        yield {
            "id": urn("Vehicle", str(vehicle_id)),
            "type": "Vehicle",
            "delay": {"value": delay, "unitCode": "SEC", "observedAt": when},
            **_trip_links(update.get("trip") or {}),
        }


def _current_delay(update: Message, observed: datetime) -> tuple[int | None, str]:
    """Find the delay at the next stop that is not served yet, else the trip's own, else the last one known."""
    now = observed.timestamp()
    last: tuple[int | None, str] = (update.get("delay"), "")
    for each in update.get("stop_time_update") or ():
        event = each.get("departure") or each.get("arrival") or {}
        if event.get("delay") is None:
            continue
        last = (int(event["delay"]), str(each.get("stop_id") or ""))
        if event.get("time") and float(event["time"]) >= now:
            return last
    return last


def _alert(alert: Message, message: Message) -> Iterator[EntityFragment]:
    entity: EntityFragment = {"id": urn("ServiceAlert", str(message.get("id"))), "type": "ServiceAlert"}
    for member, name in (("header_text", "name"), ("description_text", "description")):
        texts = _translations(alert.get(member))
        if texts:
            entity[name] = {"type": "LanguageProperty", "languageMap": texts}
    for member in ("cause", "effect"):
        if alert.get(member) is not None:
            entity[member] = alert[member]
    yield entity


def _translations(text: Any) -> dict[str, str]:
    found = {}
    for each in (text or {}).get("translation", ()):
        found[each.get("language") or "@none"] = each.get("text", "")
    return found


def _moment(written: Any, otherwise: datetime) -> str:
    return utc(read_moment(written, field="timestamp") if written else otherwise)
