"""Section [simulator]: how much is simulated, how fast, and at which addresses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rhinecloud.kernel.checks import HOST_AND_PORT, address, more_than
from rhinecloud.kernel.settings import setting

_POSITIVE = more_than(0)


@dataclass(frozen=True)
class SimulatorSettings:
    """Settings of the simulator, whether the city starts it or `rhinecloud simulate`."""

    enabled: bool = setting(False, "Whether `rhinecloud up` starts the simulator beside the city.")
    scenario: Path = setting(
        Path("simulation.json"),
        "File in the city's folder with the places of vessels, vehicles and sensors.",
    )
    vessels: int = setting(40, "Number of vessels.")
    vehicles: int = setting(60, "Number of trams and buses.")
    sensors: int = setting(8, "Number of sensors that publish over MQTT.")
    interval_s: float = setting(
        2.0, "Pause between two reports of the same vessel or vehicle.", unit="s", check=_POSITIVE
    )
    sensor_interval_s: float = setting(
        10.0, "Pause between two readings of the same sensor.", unit="s", check=_POSITIVE
    )
    speed: float = setting(1.0, "Speed of everything that moves, relative to real time.", check=_POSITIVE)
    seed: int = setting(2018, "Seed of the random numbers, so that a run can be repeated.")
    ais_address: str = setting(
        "127.0.0.1:10110", "Address at which NMEA sentences are served over TCP.", check=HOST_AND_PORT
    )
    gtfs_address: str = setting(
        "127.0.0.1:10111",
        "Address at which GTFS and GTFS-Realtime are served over HTTP.",
        check=HOST_AND_PORT,
    )
    mqtt_url: str = setting("mqtt://127.0.0.1:1883", "The city's MQTT port.", check=address("mqtt", "mqtts"))
    mqtt_token: str = setting("", "Token of a device for the sensors.")
    topic: str = setting("devices/simulated", "First levels of the topics to which the sensors publish.")
