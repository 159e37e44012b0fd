"""What the change pipeline contributes: the relay to the stream and the recorder of the history."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from pydantic import BaseModel, Field

from rhinecloud.changes.recorder import Recorder
from rhinecloud.changes.relay import Relay, RelaySettings
from rhinecloud.history.port import History
from rhinecloud.part import ConsumerState, OpenPart, Part, PartContext
from rhinecloud.part.metrics import PREFIX
from rhinecloud.store.port import Store
from rhinecloud.stream.connection import StreamConnection
from rhinecloud.stream.devices import MqttUsage


class MqttStoreView(BaseModel):
    """What the server keeps for MQTT clients, of one kind; a limit of 0 messages is none."""

    name: str
    bytes: int
    messages: int
    limit_bytes: int
    limit_messages: int
    full: bool = Field(description="It takes nothing new")


class StreamView(BaseModel):
    """The stream: its state, how many changes are not in it yet, and how often its server was started again."""

    state: str
    lag: int
    restarts: int
    mqtt: list[MqttStoreView]


class ChangesStatus(BaseModel):
    """The stream of changes."""

    stream: StreamView


class ChangePipeline:
    """Relay and recorder of one space, and their figures."""

    def __init__(self, context: PartContext) -> None:
        self._connection = context.services.get(StreamConnection)
        self._store = context.services.get(Store)
        settings = context.settings.section("relay", RelaySettings)
        self.relay = Relay(self._store, self._connection.stream, settings)
        self.recorder = Recorder(context.services.get(History), self._connection.stream)

    async def status(self) -> dict[str, Any]:
        """Return the members of `ChangesStatus`."""
        connection = self._connection
        return {
            "stream": {
                "state": "connected" if connection.stream.connected else "away",
                "lag": self.relay.lag,
                "restarts": connection.server.restarts if connection.server else 0,
                "mqtt": [{**asdict(usage), "full": usage.full} for usage in self._mqtt()],
            }
        }

    def _mqtt(self) -> Sequence[MqttUsage]:
        return self._connection.devices.usage if self._connection.devices else ()

    def consumers(self) -> Iterable[ConsumerState]:
        """Return the state of the relay, and of the recorder."""
        yield ConsumerState("relay", self.relay.lag, error=self.relay.counters.error)
        counters = self.recorder.counters
        lag = self.recorder.follower.lag(self._store.last_change())
        yield ConsumerState("history", lag, counters.failures, counters.error)

    async def metrics(self) -> Iterable[Metric]:
        """Return the figures of the stream and of the relay."""
        counters = self.relay.counters
        kept = GaugeMetricFamily(
            f"{PREFIX}mqtt_kept_bytes", "What the server keeps for MQTT clients.", labels=["store"]
        )
        limit = GaugeMetricFamily(
            f"{PREFIX}mqtt_limit_bytes", "From here on it takes nothing new.", labels=["store"]
        )
        full = GaugeMetricFamily(f"{PREFIX}mqtt_full", "1 while it takes nothing new.", labels=["store"])
        for each in self._mqtt():
            kept.add_metric([each.name], each.bytes)
            limit.add_metric([each.name], each.limit_bytes)
            full.add_metric([each.name], each.full)
        return [
            kept,
            limit,
            full,
            GaugeMetricFamily(
                f"{PREFIX}stream_connected", "1 while the stream is there.", self._connection.stream.connected
            ),
            GaugeMetricFamily(
                f"{PREFIX}relay_lag_changes", "Changes that are not in the stream yet.", self.relay.lag
            ),
            CounterMetricFamily(
                f"{PREFIX}relay_frames", "Frames that the stream acknowledged.", counters.frames
            ),
            CounterMetricFamily(
                f"{PREFIX}relay_changes", "Changes that the stream acknowledged.", counters.changes
            ),
            CounterMetricFamily(
                f"{PREFIX}relay_failures", "Times that the stream took no frame.", counters.failures
            ),
        ]


@asynccontextmanager
async def open_changes(context: PartContext) -> AsyncIterator[OpenPart]:
    """Open the pipeline of this space."""
    pipeline = ChangePipeline(context)
    yield OpenPart(
        workers={"relay": pipeline.relay.run, "history": pipeline.recorder.run},
        status=pipeline.status,
        consumers=pipeline.consumers,
        metrics=pipeline.metrics,
    )


PART = Part(
    name="changes",
    summary="Carries every change from the store's log to the stream, and from the stream into the history.",
    open=open_changes,
    settings={"relay": RelaySettings},
    records={"consumer-mark": "The last change that a consumer of the stream is done with."},
    status=ChangesStatus,
)
