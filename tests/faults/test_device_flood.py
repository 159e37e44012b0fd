"""One device floods the city with retained messages: the others and the city work on, also after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from faults.whole_city import SETTINGS, City, running_city
from stream.running import free_port

pytestmark = pytest.mark.fault

STREAM = """
[stream]
mqtt_port = {port}
keep_megabytes = 8
mqtt_megabytes = 16

[feeds.levels]
connector = "mqtt"
mapping = "levels.yaml"
"""
MAPPING = """
topic: "devices/{name}/level"
id: "urn:ngsi-ld:Gauge:{name}"
type: Gauge
attributes:
  level: { from: level }
"""


async def test_a_flood_of_retained_messages_stops_nobody(tmp_path: Path) -> None:
    port = free_port()
    settings = SETTINGS.replace("[stream]\nmqtt_port = 0\n", STREAM.format(port=port))
    (tmp_path / "levels.yaml").write_text(MAPPING, encoding="utf-8")
    async with running_city(tmp_path, settings=settings) as city:
        bad, good = await token(city, "bad"), await token(city, "good")
        await flood(port, bad)
        await it_works(city, port, good, 1)
        async with asyncio.timeout(60):
            while not (stores := await full_stores(city)):
                await asyncio.sleep(0.2)
        assert stores == ["retained"]
        async with city.client.get("/metrics") as answer:
            assert 'rhinecloud_mqtt_full{store="retained"} 1.0' in await answer.text()
    async with running_city(tmp_path, settings=settings) as city:
        await it_works(city, port, good, 2)
        async with aiomqtt.Client("127.0.0.1", port, username="x", password=bad) as device:
            async with city.client.delete("/api/v1/tokens/bad") as answer:
                assert answer.status == 204
            await is_cut(device)
        with pytest.raises(aiomqtt.MqttError):
            await flood(port, bad)
        await it_works(city, port, good, 3)


async def token(city: City, name: str) -> str:
    """Make a device's token."""
    async with city.client.post("/api/v1/tokens", json={"name": name, "roles": ["device"]}) as answer:
        assert answer.status == 201
        return str((await answer.json())["secret"])


async def flood(port: int, secret: str) -> None:
    async with aiomqtt.Client("127.0.0.1", port, username="x", password=secret) as device:
        for number in range(249):
            await device.publish(f"devices/x{number}/junk/{number}", b"x" * 60_000, qos=1, retain=True)


async def it_works(city: City, port: int, secret: str, level: int) -> None:
    """A reading comes in, is published to the stream, and everybody is well."""
    async with aiomqtt.Client("127.0.0.1", port, username="x", password=secret) as device:
        await device.publish("devices/a/level", f'{{"level": {level}}}'.encode(), qos=1)
    async with asyncio.timeout(60):
        while await the_level(city) != level or (await status(city))["stream"]["lag"]:
            await asyncio.sleep(0.05)
    async with city.client.get("/health/ready") as answer:
        assert answer.status == 200, await answer.text()


async def the_level(city: City) -> Any:
    code, entity = await city.call("GET", "/entities/urn:ngsi-ld:Gauge:a?format=keyValues")
    return entity["level"] if code == 200 else None


async def status(city: City) -> Any:
    async with city.client.get("/api/v1/status") as answer:
        return await answer.json()


async def full_stores(city: City) -> list[str]:
    return [store["name"] for store in (await status(city))["stream"]["mqtt"] if store["full"]]


async def is_cut(device: aiomqtt.Client) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with asyncio.timeout(60):
            async for _ in device.messages:
                pass
