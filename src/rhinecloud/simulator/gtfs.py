"""Serves the simulated lines as GTFS (`/gtfs.zip`) and GTFS-Realtime (`/vehicles.pb`, `/trips.pb`) over HTTP.

Source: GTFS Schedule Reference; GTFS Realtime Reference v2.0.
"""

from __future__ import annotations

import asyncio
import csv
import io
import time
import zipfile
from typing import Any

from aiohttp import web
from google.transit import gtfs_realtime_pb2

from rhinecloud.simulator.vehicles import Vehicle, VehicleFleet

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class GtfsServer:
    """An HTTP server like that of a transit agency; a response is made for each request."""

    def __init__(self, fleet: VehicleFleet) -> None:
        self._fleet = fleet

    async def serve(self, host: str, port: int, step_s: float, speed: float) -> None:
        """Serve HTTP and move the vehicles every `step_s`, until cancelled."""
        app = web.Application()
        app.router.add_get("/gtfs.zip", self._timetable)
        app.router.add_get("/vehicles.pb", self._vehicles)
        app.router.add_get("/trips.pb", self._trips)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            while True:
                await asyncio.sleep(step_s)
                self._fleet.move(step_s * speed)
        finally:
            await runner.cleanup()

    async def _timetable(self, _request: web.Request) -> web.Response:
        return web.Response(body=timetable(self._fleet), content_type="application/zip")

    async def _vehicles(self, _request: web.Request) -> web.Response:
        return _frame(vehicle_positions(self._fleet, int(time.time())))

    async def _trips(self, _request: web.Request) -> web.Response:
        return _frame(trip_updates(self._fleet, int(time.time())))


def vehicle_positions(fleet: VehicleFleet, unix_time: int) -> bytes:
    """Return a FeedMessage of VehiclePositions."""
    feed = _feed(unix_time)
    for vehicle in fleet.vehicles:
        fix = vehicle.fix()
        seen = feed.entity.add(id=vehicle.id).vehicle
        _name_trip(seen.trip, vehicle)
        seen.vehicle.id = vehicle.id
        seen.vehicle.label = vehicle.label
        seen.position.longitude = fix.longitude
        seen.position.latitude = fix.latitude
        seen.position.bearing = fix.bearing
        seen.position.speed = 0.0 if vehicle.halt_s > 0 else vehicle.speed_mps
        seen.timestamp = unix_time
        number, stop = vehicle.next_stop()
        seen.current_stop_sequence = number
        seen.stop_id = stop.id
    return bytes(feed.SerializeToString())


def trip_updates(fleet: VehicleFleet, unix_time: int) -> bytes:
    """Return a FeedMessage of TripUpdates: the delay at each vehicle's next stop."""
    feed = _feed(unix_time)
    for vehicle in fleet.vehicles:
        update = feed.entity.add(id=vehicle.id).trip_update
        _name_trip(update.trip, vehicle)
        update.vehicle.id = vehicle.id
        update.timestamp = unix_time
        number, stop = vehicle.next_stop()
        at_stop = update.stop_time_update.add(stop_sequence=number, stop_id=stop.id)
        at_stop.arrival.delay = int(vehicle.delay_s)
        at_stop.arrival.time = unix_time + int(abs(stop.distance_m - vehicle.distance_m) / vehicle.speed_mps)
    return bytes(feed.SerializeToString())


def timetable(fleet: VehicleFleet) -> bytes:
    """Return a GTFS archive of the lines and their stops, with one trip for each vehicle."""
    stops = [
        [stop.id, stop.name, f"{stop.place[1]:.6f}", f"{stop.place[0]:.6f}"]
        for line in fleet.lines
        for stop in line.stops
    ]
    routes = [[line.id, "sim", line.name, line.name, line.route_type, line.color] for line in fleet.lines]
    trips = [[each.line.id, "daily", each.trip_id, each.line.stops[-1].name] for each in fleet.vehicles]
    tables: dict[str, tuple[list[str], list[list[Any]]]] = {
        "agency.txt": (
            ["agency_id", "agency_name", "agency_url", "agency_timezone"],
            [["sim", "Simulated transit", "https://example.org", "Europe/Berlin"]],
        ),
        "stops.txt": (["stop_id", "stop_name", "stop_lat", "stop_lon"], stops),
        "routes.txt": (
            ["route_id", "agency_id", "route_short_name", "route_long_name", "route_type", "route_color"],
            routes,
        ),
        "trips.txt": (["route_id", "service_id", "trip_id", "trip_headsign"], trips),
        "stop_times.txt": (["trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence"], []),
        "calendar.txt": (
            [
                "service_id",
                *DAYS,
                "start_date",
                "end_date",
            ],
            [["daily", 1, 1, 1, 1, 1, 1, 1, "20240101", "20351231"]],
        ),
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, (header, rows) in tables.items():
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([header, *rows])
            folder.writestr(name, text.getvalue())
    return archive.getvalue()


def _feed(unix_time: int) -> gtfs_realtime_pb2.FeedMessage:
    feed = gtfs_realtime_pb2.FeedMessage()
    feed.header.gtfs_realtime_version = "2.0"
    feed.header.timestamp = unix_time
    return feed


def _name_trip(trip: gtfs_realtime_pb2.TripDescriptor, vehicle: Vehicle) -> None:
    trip.trip_id = vehicle.trip_id
    trip.route_id = vehicle.line.id
    trip.direction_id = 0 if vehicle.outbound else 1


def _frame(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/x-protobuf")
