"""The environment pack: weather warnings from CAP 1.2 and air quality from sensors."""

from pathlib import Path

from rhinecloud.pack import Pack
from rhinecloud_packs.environment.air import map_air
from rhinecloud_packs.environment.warnings import map_cap

pack = Pack(name="environment", root=Path(__file__).parent, mappings={"cap": map_cap, "air": map_air})
