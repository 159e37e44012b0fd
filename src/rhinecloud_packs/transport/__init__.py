"""The transport pack: stops, routes and trips from GTFS; vehicles, delays and service alerts from GTFS-Realtime."""

from pathlib import Path

from rhinecloud.pack import Pack
from rhinecloud_packs.transport.announcements import follow_periods
from rhinecloud_packs.transport.realtime import map_realtime
from rhinecloud_packs.transport.timetable import map_timetable

pack = Pack(
    name="transport",
    root=Path(__file__).parent,
    mappings={"gtfs": map_timetable, "gtfs-rt": map_realtime},
    workers={"alert-periods": follow_periods},
)
