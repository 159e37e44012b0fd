"""The port pack: vessels from AIS, Rhine gauges from PEGELONLINE, berth areas, low and high water."""

from pathlib import Path

from rhinecloud.pack import Pack
from rhinecloud_packs.port.gauges import map_row, map_station
from rhinecloud_packs.port.vessels import map_ais

pack = Pack(
    name="port",
    root=Path(__file__).parent,
    mappings={"ais": map_ais, "pegelonline": map_station, "gauge-csv": map_row},
)
