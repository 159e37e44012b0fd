"""The environment pack: official warnings from CAP 1.2 and air quality from sensors."""

from pathlib import Path

from rhinecloud.pack import Pack
from rhinecloud_packs.environment.air import map_air
from rhinecloud_packs.environment.warnings import end_expired, map_cap

pack = Pack(
    name="environment",
    root=Path(__file__).parent,
    mappings={"cap": map_cap, "air": map_air},
    workers={"expiry": end_expired},
)
