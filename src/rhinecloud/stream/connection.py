"""The stream of a running city: a nats-server of its own, or one that others run."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.stream.devices import DeviceStores
from rhinecloud.stream.jetstream import JetStream
from rhinecloud.stream.server import NatsServer


@dataclass(frozen=True, slots=True)
class StreamConnection:
    """The stream, its server where the city runs it, and where devices of this machine reach MQTT ('' for nowhere).

    `devices` bounds what its own server keeps for MQTT clients.
    """

    stream: JetStream
    server: NatsServer | None
    mqtt_url: str
    devices: DeviceStores | None
