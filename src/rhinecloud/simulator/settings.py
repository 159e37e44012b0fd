"""How much is simulated, how quickly, and where it listens or sends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rhinecloud.kernel.checks import HOST_AND_PORT, address, more_than
from rhinecloud.kernel.settings import setting

_POSITIVE = more_than(0)


@dataclass(frozen=True)
class SimulatorSettings:
    """Section `[simulator]`: what the simulator plays when the city starts it, or `rhinecloud simulate`."""

    enabled: bool = setting(False, "Whether `rhinecloud up` starts the simulator beside the city.")
    scenario: Path = setting(
        Path("simulation.json"),
        "File that says where vessels, vehicles and sensors are, in the city's folder.",
    )
    vessels: int = setting(40, "How many vessels sail; 0 for none.")
    vehicles: int = setting(60, "How many trams and buses run; 0 for none.")
    sensors: int = setting(8, "How many sensors publish over MQTT; 0 for none.")
    interval_s: float = setting(
        2.0, "Pause between two reports of the same vessel or vehicle.", unit="s", check=_POSITIVE
    )
    sensor_interval_s: float = setting(
        10.0, "Pause between two readings of the same sensor.", unit="s", check=_POSITIVE
    )
    speed: float = setting(1.0, "How many times quicker than the clock things move.", check=_POSITIVE)
    seed: int = setting(2018, "Seed of all that is random, so that a run can be repeated.")
    ais_address: str = setting(
        "127.0.0.1:10110", "Where NMEA sentences are served over TCP.", check=HOST_AND_PORT
    )
    gtfs_address: str = setting(
        "127.0.0.1:10111", "Where GTFS and GTFS-Realtime are served over HTTP.", check=HOST_AND_PORT
    )
    mqtt_url: str = setting("mqtt://127.0.0.1:1883", "The city's MQTT port.", check=address("mqtt", "mqtts"))
    mqtt_token: str = setting("", "Token of a device, with which the sensors sign in.")
    topic: str = setting("devices/simulated", "First part of the topics that the sensors publish to.")
