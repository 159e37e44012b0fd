"""What a GTFS-Realtime entity says: where a vehicle is, how late a trip runs, and in `announcements` what is announced.

A message is one FeedEntity as plain values under the protocol's own field names (`vehicle`, `trip_update`, `alert`)
with `feed_time`, the frame's moment in POSIX seconds, where it names one. Units: speed in metres a second (MTS),
bearing in degrees (DD), delay in seconds (SEC; negative: early). Source: GTFS Realtime Reference v2.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rhinecloud.pack import EntityFragment, Ignored, MappedItem, Message, Rejected, read_moment, utc
from rhinecloud_packs.transport.announcements import map_alert
from rhinecloud_packs.transport.timetable import urn

RUN = ("trip_id", "start_date", "start_time")
ROUTE_RUN = ("route_id", "direction_id", "start_date", "start_time")
NOT_SERVED = frozenset({"SKIPPED", "NO_DATA"})


def map_realtime(message: Message, received: datetime) -> Iterator[MappedItem]:
    """Turn one FeedEntity into the vehicle, trip or service alert that it speaks of, or end that which has gone."""
    observed = read_moment(message["feed_time"], field="feed_time") if message.get("feed_time") else received
    for fault in message.get("faults") or ():
        yield Rejected(fault["place"], fault["reason"])
    gone = message.get("is_deleted") is True
    if "vehicle" in message:
        yield from _vehicle(message["vehicle"], observed, gone)
    if "trip_update" in message:
        yield from _trip(message["trip_update"], observed, gone)
    if "alert" in message:
        yield from map_alert(message["alert"], str(message.get("id")), observed, gone)
    if not {"vehicle", "trip_update", "alert"} & message.keys():
        yield Ignored("an entity that was deleted and is not known" if gone else "an entity of another kind")


def vehicle_key(descriptor: Message, trip: Message) -> str:
    """Return what identifies a vehicle from frame to frame, '' for nothing: its id, else its run, else its label.

    The id of the feed's entity does not: it is unique within a frame only.
    """
    if descriptor.get("id"):
        return str(descriptor["id"])
    run = [str(trip[name]) for name in RUN if trip.get(name)] if trip.get("trip_id") else []
    return ":".join(["trip", *run]) if run else trip_key(trip) or str(descriptor.get("label") or "")


def trip_key(trip: Message) -> str:
    """Return what identifies a trip, '' for nothing: `trip_id`, with its start where there are several runs of it, else
    the route, direction and start."""
    if trip.get("trip_id"):
        names = RUN if trip.get("several_runs") else RUN[:1]
        return ":".join(str(trip[name]) for name in names if trip.get(name))
    if not trip.get("route_id") or not trip.get("start_time"):
        return ""
    return ":".join(["route", *(str(trip[name]) for name in ROUTE_RUN if trip.get(name) is not None)])


def _vehicle(seen: Message, observed: datetime, gone: bool) -> Iterator[MappedItem]:
    descriptor, trip = seen.get("vehicle") or {}, seen.get("trip") or {}
    key = vehicle_key(descriptor, trip)
    if not key:
        yield Rejected(
            "vehicle.vehicle.id", "must be there, or a trip_id, or route_id and start_time of the trip"
        )
        return
    if gone:
        yield {"id": urn("Vehicle", key), "status": "ended"}
        return
    position = seen.get("position") or {}
    if position.get("longitude") is None or position.get("latitude") is None:
        yield Ignored("a vehicle without a place")
        return
    when = _moment(seen.get("timestamp"), observed)
    point = {
        "type": "Point",
        "coordinates": [round(position["longitude"], 6), round(position["latitude"], 6)],
    }
    vehicle: EntityFragment = {
        "id": urn("Vehicle", key),
        "type": "Vehicle",
        "status": "active",
        "name": descriptor.get("label") or descriptor.get("id") or str(trip.get("route_id") or key),
        "location": {"type": "GeoProperty", "value": point, "observedAt": when},
    }
    if descriptor.get("id"):
        vehicle["fleetVehicleId"] = str(descriptor["id"])
    for member, unit in (("speed", "MTS"), ("bearing", "DD")):
        if position.get(member) is not None:
            vehicle[member] = {"value": round(position[member], 1), "unitCode": unit, "observedAt": when}
    vehicle.update(_trip_links(trip))
    if seen.get("stop_id"):
        vehicle["nextStop"] = {"type": "Relationship", "object": urn("GtfsStop", str(seen["stop_id"]))}
    if seen.get("occupancy_status") is not None:
        vehicle["occupancy"] = seen["occupancy_status"]
    yield vehicle


def _trip_links(trip: Message) -> EntityFragment:
    links: EntityFragment = {}
    key = trip_key(trip)
    if key:
        links["hasTrip"] = {"type": "Relationship", "object": urn("GtfsTrip", key)}
    if trip.get("route_id"):
        links["hasRoute"] = {"type": "Relationship", "object": urn("GtfsRoute", str(trip["route_id"]))}
    return links


def _trip(update: Message, observed: datetime, gone: bool) -> Iterator[MappedItem]:
    trip = update.get("trip") or {}
    key = trip_key(trip)
    if not key:
        yield Rejected("trip_update.trip", "must have a trip_id, or route_id and start_time")
        return
    if gone:
        yield {"id": urn("GtfsTrip", key), "status": "ended"}
        return
    when = _moment(update.get("timestamp"), observed)
    entity: EntityFragment = {"id": urn("GtfsTrip", key), "type": "GtfsTrip", "status": "active"}
    if trip.get("route_id"):
        entity["hasRoute"] = {"type": "Relationship", "object": urn("GtfsRoute", str(trip["route_id"]))}
    if trip.get("direction_id") is not None:
        entity["direction"] = trip["direction_id"]
    if trip.get("start_time"):
        entity["tripStart"] = f"{trip.get('start_date', '')} {trip['start_time']}".strip()
    if trip.get("schedule_relationship") is not None:
        entity["scheduleRelationship"] = {"value": trip["schedule_relationship"], "observedAt": when}
    delay, expected, stop = _next_stop(update, observed)
    if delay is not None:
        entity["delay"] = {"value": delay, "unitCode": "SEC", "observedAt": when}
    if expected:
        moment = {"@type": "DateTime", "@value": _moment(expected, observed)}
        entity["nextStopTime"] = {"type": "Property", "value": moment, "observedAt": when}
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


def _next_stop(update: Message, observed: datetime) -> tuple[int | None, int | None, str]:
    """Return delay, expected time (POSIX seconds) and stop_id of the next stop not served yet, else of the last.

    A stop without a time is not known to be served. Where the stops name no delay, the trip's own counts; where they
    name times alone, the delay is that against `scheduled_time`, if that is there.
    """
    now = observed.timestamp()
    last: tuple[int | None, int | None, str] = (update.get("delay"), None, "")
    for each in update.get("stop_time_update") or ():
        if each.get("schedule_relationship") in NOT_SERVED:
            continue
        delay, time = _event(each)
        if delay is None and time is None:
            continue
        last = (update.get("delay") if delay is None else delay, time, str(each.get("stop_id") or ""))
        if time is None or time >= now:
            break
    return last


def _event(stop: Message) -> tuple[int | None, int | None]:
    """Return delay and time of a stop: those of the departure, each else of the arrival."""
    events = [stop.get("departure") or {}, stop.get("arrival") or {}]
    delays = [delay for each in events if (delay := _delay(each)) is not None]
    times = [int(each["time"]) for each in events if each.get("time")]
    return next(iter(delays), None), next(iter(times), None)


def _delay(event: Message) -> int | None:
    if event.get("delay") is not None:
        return int(event["delay"])
    if event.get("time") and event.get("scheduled_time"):
        return int(event["time"]) - int(event["scheduled_time"])
    return None


def _moment(written: Any, otherwise: datetime) -> str:
    return utc(read_moment(written, field="timestamp") if written else otherwise)
