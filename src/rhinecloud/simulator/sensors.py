"""Sensors that publish JSON readings over MQTT, each to its own topic; every message has `"simulated": true`."""

from __future__ import annotations

import asyncio
import random
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiomqtt
import orjson

from rhinecloud.simulator.scenario import Sensor
from rhinecloud.simulator.settings import SimulatorSettings

LONGEST_PAUSE_S = 15.0


class SensorField:
    """All simulated sensors; their values vary around the usual ones."""

    def __init__(self, count: int, sensors: tuple[Sensor, ...], chance: random.Random) -> None:
        self._chance = chance
        self.sensors = (
            [self._place(index, sensors[index % len(sensors)], len(sensors)) for index in range(count)]
            if sensors
            else []
        )
        self._values = [
            {name: usual for name, (usual, _spread) in each.quantities.items()} for each in self.sensors
        ]

    def _place(self, index: int, sensor: Sensor, known: int) -> Sensor:
        """Return a sensor of the scenario, or, beyond their number, another one of the same kind near it."""
        if index < known:
            return sensor
        near = (sensor.place[0] + self._chance.gauss(0, 0.01), sensor.place[1] + self._chance.gauss(0, 0.006))
        return Sensor(f"{sensor.id}-{index}", sensor.kind, f"{sensor.name} {index}", near, sensor.quantities)

    def read(self, index: int, now: datetime) -> bytes:
        """Return the next reading of a sensor as its MQTT payload."""
        sensor = self.sensors[index]
        values = self._values[index]
        for name, (usual, spread) in sensor.quantities.items():
            pull = (usual - values[name]) * 0.1
            values[name] = max(0.0, values[name] + pull + self._chance.gauss(0, spread * 0.3))
        return orjson.dumps(
            {
                "station": sensor.id,
                "name": sensor.name,
                "lon": round(sensor.place[0], 6),
                "lat": round(sensor.place[1], 6),
                "time": now.isoformat(),
                "simulated": True,
                **{name: round(value, 1) for name, value in values.items()},
            }
        )


class Publisher:
    """The MQTT connection of the sensors: reconnects with growing pauses, publishes at QoS 1."""

    def __init__(self, field: SensorField, settings: SimulatorSettings) -> None:
        self._field = field
        self._settings = settings
        self.sent = 0

    async def run(self) -> None:
        """Publish a reading of every sensor in each interval, spread evenly over it, until cancelled."""
        pause = 0.5
        while True:
            try:
                async with self._client() as client:
                    pause = 0.5
                    await self._publish(client)
            except aiomqtt.MqttError:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)

    def _client(self) -> aiomqtt.Client:
        url = urlsplit(self._settings.mqtt_url)
        return aiomqtt.Client(
            hostname=url.hostname or "127.0.0.1",
            port=url.port or (8883 if url.scheme == "mqtts" else 1883),
            username="simulator" if self._settings.mqtt_token else None,
            password=self._settings.mqtt_token or None,
            identifier="simulator",
            tls_context=ssl.create_default_context() if url.scheme == "mqtts" else None,
        )

    async def _publish(self, client: aiomqtt.Client) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for index, sensor in enumerate(self._field.sensors):
                topic = f"{self._settings.topic}/{sensor.kind}/{sensor.id}"
                await client.publish(topic, self._field.read(index, datetime.now(UTC)), qos=1)
                self.sent += 1
                due += self._settings.sensor_interval_s / len(self._field.sensors)
                await asyncio.sleep(max(0.0, due - loop.time()))
