"""An MQTT client with a durable session: acknowledged messages are stored, others are sent again."""

from __future__ import annotations

from collections.abc import Sequence

from rhinecloud.connectors.mqtt.connection import MqttConnection, MqttServer
from rhinecloud.connectors.port import Inlet
from rhinecloud.kernel.time import Clock


class MqttLink:
    """Subscribes to topics of one server; each message is a parcel whose origin is its topic."""

    def __init__(self, server: MqttServer, topics: Sequence[str], clock: Clock) -> None:
        self._server = server
        self._topics = tuple(topics)
        self._clock = clock

    async def run(self, inlet: Inlet) -> None:
        """Connect, subscribe and pass messages on; raise LinkBroken when the connection is lost."""
        connection = MqttConnection(self._server, inlet, self._clock)
        try:
            await connection.open(self._topics)
            await connection.watch()
        finally:
            connection.close()
