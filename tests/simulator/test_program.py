"""The simulator speaks the protocols of real devices: read back here with the protocols' own libraries."""

import asyncio
import io
import json
import os
import random
import signal
import socket
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from google.transit import gtfs_realtime_pb2
from pyais import IterMessages
from pyais.stream import TagBlockQueue

from rhinecloud.kernel.errors import Invalid
from rhinecloud.simulator.program import simulate
from rhinecloud.simulator.scenario import read_scenario
from rhinecloud.simulator.sensors import SensorField
from rhinecloud.simulator.settings import SimulatorSettings

DUISBURG = Path(__file__).parents[2] / "examples" / "duisburg"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def opened(address: str, task: asyncio.Task[None]) -> None:
    """Wait until something listens, or fail with what ended the task."""
    host, _, port = address.partition(":")
    for _ in range(100):
        if task.done():
            task.result()
        try:
            _reader, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise AssertionError(f"nothing listens at {address}")


@pytest.fixture
async def playing():
    settings = SimulatorSettings(
        vessels=7,
        vehicles=9,
        sensors=0,
        interval_s=0.2,
        ais_address=f"127.0.0.1:{free_port()}",
        gtfs_address=f"127.0.0.1:{free_port()}",
    )
    task = asyncio.create_task(simulate(settings, DUISBURG))
    for address in (settings.ais_address, settings.gtfs_address):
        await opened(address, task)
    yield settings
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_vessels_send_tagged_sentences_that_lie_on_the_rhine(playing: SimulatorSettings) -> None:
    host, _, port = playing.ais_address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [await asyncio.wait_for(reader.readline(), 60) for _ in range(60)]
    writer.close()
    assert all(line.startswith(b"\\s:sim,c:") for line in lines)
    queue = TagBlockQueue()
    messages = [each.decode() for each in IterMessages(lines, tbq=queue)]
    positions = [each for each in messages if each.msg_type == 1]
    assert {each.mmsi for each in positions} == {211_900_000 + index for index in range(7)}
    assert all(6.55 < each.lon < 6.95 and 51.2 < each.lat < 51.65 for each in positions)
    assert {each.msg_type for each in messages} == {1, 5, 8}


async def test_a_simulator_that_is_interrupted_ends_without_a_word_while_vessels_are_listened_to() -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "rhinecloud", "simulate", "--city", str(DUISBURG)]
    settings = {"AIS_ADDRESS": address, "GTFS_ADDRESS": f"127.0.0.1:{free_port()}", "SENSORS": "0"}
    process = await asyncio.create_subprocess_exec(
        *command,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {f"RHINECLOUD_SIMULATOR_{name}": value for name, value in settings.items()},
    )
    try:
        await opened(address, asyncio.create_task(asyncio.sleep(60)))
        reader, writer = await asyncio.open_connection(*address.split(":"))
        await reader.readline()
        process.send_signal(signal.SIGINT)
        _, written = await asyncio.wait_for(process.communicate(), 30)
        writer.close()
    finally:
        if process.returncode is None:
            process.kill()
    assert b"Traceback" not in written


async def test_vehicles_move_between_two_frames(playing: SimulatorSettings) -> None:
    async with aiohttp.ClientSession() as session:

        async def frame(name: str) -> gtfs_realtime_pb2.FeedMessage:
            async with session.get(f"http://{playing.gtfs_address}/{name}") as response:
                feed = gtfs_realtime_pb2.FeedMessage()
                feed.ParseFromString(await response.read())
                return feed

        before = {each.id: each.vehicle.position.latitude for each in (await frame("vehicles.pb")).entity}
        await asyncio.sleep(1.0)
        after = {each.id: each.vehicle.position.latitude for each in (await frame("vehicles.pb")).entity}
        trips = await frame("trips.pb")
    assert len(before) == 9
    assert before.keys() == after.keys()
    assert any(before[each] != after[each] for each in before)
    assert all(each.startswith("sim-") for each in before)
    assert all(each.trip_update.stop_time_update[0].stop_id.startswith("sim-") for each in trips.entity)


async def test_the_timetable_names_every_stop_of_every_line(playing: SimulatorSettings) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{playing.gtfs_address}/gtfs.zip") as response,
    ):
        archive = zipfile.ZipFile(io.BytesIO(await response.read()))
    rows = archive.read("stops.txt").decode().splitlines()
    scenario = read_scenario(DUISBURG / "simulation.json")
    assert len(rows) - 1 == sum(len(line.stops) for line in scenario.lines)


def test_sensors_say_that_they_are_simulated_and_stay_near_their_usual_values() -> None:
    scenario = read_scenario(DUISBURG / "simulation.json")
    field = SensorField(20, scenario.sensors, random.Random(1))
    assert len({each.id for each in field.sensors}) == 20
    readings = [json.loads(field.read(0, datetime(2026, 1, 1, tzinfo=UTC))) for _ in range(500)]
    assert all(each["simulated"] is True for each in readings)
    assert all(0 <= each["no2"] < 100 for each in readings)


def test_each_fault_of_a_scenario_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"waterway": [[6.7, 151.3]],\n "lines": [{"id": "x", "name": "X", "stops": []}]}')
    with pytest.raises(Invalid) as caught:
        read_scenario(broken)
    assert [str(each).removeprefix(f"{broken}, ") for each in caught.value.faults] == [
        "line 1, column 21: waterway[0][1]: must be -90 to 90, not 151.3",
        "line 2, column 12: lines[0].route_type: this key is missing",
        "line 2, column 12: lines[0].color: this key is missing",
        "line 2, column 46: lines[0].stops: must have at least 2 items",
    ]
