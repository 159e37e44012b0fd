"""Which feeds wait for the simulator, and that the others do not."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from app.conftest import free_port, write_city
from rhinecloud.app.city import RunningCity
from rhinecloud.app.sections import read_city
from rhinecloud.connectors.model import FeedState
from rhinecloud.loader import find_packs
from rhinecloud.simulator.part import endpoints_of
from rhinecloud.simulator.settings import SimulatorSettings

DUISBURG = Path(__file__).parents[2] / "examples" / "duisburg"


def test_the_simulator_names_the_endpoints_that_it_opens() -> None:
    settings = SimulatorSettings(ais_address="localhost:1", gtfs_address="127.0.0.1:10111")
    assert list(endpoints_of(settings)) == [("127.0.0.1", 1), ("127.0.0.1", 10111)]


async def test_a_recording_plays_while_a_feed_waits_for_the_simulator(tmp_path: Path) -> None:
    ais, gtfs = free_port(), free_port()
    folder = write_city(
        tmp_path,
        f"""
[simulator]
enabled = true
vehicles = 0
sensors = 0
ais_address = "127.0.0.1:{ais}"
gtfs_address = "127.0.0.1:{gtfs}"

[feeds.vehicles]
connector = "gtfs-rt"
mapping = "transport.gtfs-rt"
url = "http://127.0.0.1:{gtfs}/vehicles.pb"

[feeds.recorded]
connector = "ais"
mapping = "port.ais"
path = "recorded.nmea"
speed = 0
""",
    )
    (folder / "simulation.json").write_text('{"waterway": [[6.7, 51.4], [6.8, 51.5]]}', encoding="utf-8")
    sentence = "!AIVDM,1,1,,A,13aGD3PP00PN?5DMRh878wwn0>`<,0*59\n"
    (folder / "recorded.nmea").write_text(sentence, encoding="ascii")
    city = RunningCity(read_city(folder), packs=find_packs())
    await city.start()
    try:
        async with asyncio.timeout(4):
            while (feeds := await states(city))["recorded"] != (FeedState.ENDED, ""):
                await asyncio.sleep(0.1)
        assert feeds["vehicles"] == (FeedState.WAITING, "the simulator starts")
    finally:
        await city.stop()


async def states(city: RunningCity) -> dict[str, tuple[str, str]]:
    return {each["name"]: (each["state"], each["error"]) for each in (await city.status.collect())["feeds"]}


async def test_simulated_sensors_reach_the_citys_own_mqtt_feed(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    shutil.copytree(DUISBURG, folder, ignore=shutil.ignore_patterns("data"))
    ais, gtfs, mqtt = free_port(), free_port(), free_port()
    (folder / "city.toml").write_text(
        f"""
[server]
port = 0

[stream]
mqtt_port = {mqtt}

[simulator]
enabled = true
vessels = 0
vehicles = 0
sensor_interval_s = 0.2
ais_address = "127.0.0.1:{ais}"
gtfs_address = "127.0.0.1:{gtfs}"

[feeds.air]
connector = "mqtt"
mapping = "mappings/air.yaml"
""",
        encoding="utf-8",
    )
    city = RunningCity(read_city(folder), packs=find_packs())
    await city.start()
    try:
        async with asyncio.timeout(60):
            while (await states(city))["air"][0] != FeedState.LIVE:
                await asyncio.sleep(0.1)
    finally:
        await city.stop()
