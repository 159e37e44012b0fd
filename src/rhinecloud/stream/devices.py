"""The streams in which the server stores MQTT messages and sessions: in an account of its own, each with a limit.

The server would create these streams when the first client signs in, without limits: one device could then fill the
log's share of the disk with retained messages. So they are created here before a client can sign in, and the server
uses what it finds (`mqttCreateAccountSessionManager` in its `server/mqtt.go`).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext, api
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from rhinecloud.stream.configuration import CITY, DEVICES
from rhinecloud.stream.settings import MEGABYTE, StreamSettings

CHECK_S = 5.0
FULL = 0.98
"""The share of its limit from which a store counts as full: a message of usual size does not fit any more."""
ANSWER_S = 5.0
DAY_S = 86_400.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MqttStream:
    """One of the server's streams for MQTT: its name for people, its part of `mqtt_megabytes`, and its configuration.

    A full stream rejects new messages (`DiscardPolicy.NEW`), so that acknowledged ones are never dropped.
    """

    name: str
    part: float
    stream: str
    subject: str
    retention: api.RetentionPolicy = api.RetentionPolicy.LIMITS
    per_subject: int = -1
    new_per_subject: bool = False


STORES = (
    MqttStream("messages", 1 / 2, "$MQTT_msgs", "$MQTT.msgs.>", api.RetentionPolicy.INTEREST),
    MqttStream("retained", 1 / 4, "$MQTT_rmsgs", "$MQTT.rmsgs.>", per_subject=1),
    MqttStream("incoming", 1 / 8, "$MQTT_qos2in", "$MQTT.qos2.in.>", per_subject=1, new_per_subject=True),
    MqttStream("sessions", 1 / 16, "$MQTT_sess", "$MQTT.sess.>", per_subject=1),
    MqttStream("outgoing", 1 / 16, "$MQTT_out", "$MQTT.out.>", api.RetentionPolicy.INTEREST),
)
"""Messages for clients, retained messages, incoming ones of QoS 2, sessions, receipts of QoS 2."""


@dataclass(frozen=True, slots=True)
class MqttUsage:
    """How much a store holds; a limit of 0 means no limit."""

    name: str
    bytes: int = 0
    messages: int = 0
    limit_bytes: int = 0
    limit_messages: int = 0

    @property
    def full(self) -> bool:
        """Return whether it rejects new messages."""
        by_bytes = self.limit_bytes and self.bytes >= FULL * self.limit_bytes
        by_count = self.limit_messages and self.messages >= self.limit_messages
        return bool(by_bytes or by_count)


class DeviceStores:
    """The stores of one server; `client` belongs to the account of the devices."""

    def __init__(self, client: Client, settings: StreamSettings) -> None:
        self._context: JetStreamContext = client.jetstream(timeout=ANSWER_S)
        self._settings = settings
        self.usage: tuple[MqttUsage, ...] = ()

    async def open(self) -> None:
        """Create the stores, and set the limits of those that exist."""
        for store in STORES:
            await self._ensure(self._config(store))
        await self.refresh()

    async def watch(self) -> None:
        """Refresh the usage at intervals until cancelled."""
        while True:
            await asyncio.sleep(CHECK_S)
            try:
                await self.refresh()
            except (nats.errors.Error, TimeoutError, OSError) as error:
                logger.debug("cannot read the usage of the MQTT stores: %s", error)

    async def refresh(self) -> None:
        """Read the usage of the stores, and log a warning for each that became full or has space again."""
        was_full = {each.name for each in self.usage if each.full}
        self.usage = tuple([await self._usage(store) for store in STORES])
        for each in self.usage:
            if each.full and each.name not in was_full:
                logger.error("MQTT: the store `%s` is full; see stream.mqtt_megabytes", each.name)
            elif not each.full and each.name in was_full:
                logger.warning("MQTT: the store `%s` has space again", each.name)

    async def _usage(self, store: MqttStream) -> MqttUsage:
        info = await self._context.stream_info(store.stream)
        if info.config.max_bytes != bytes_of(
            store, self._settings
        ):  # created by the server, after its folder was lost
            await self._ensure(self._config(store))
            info = await self._context.stream_info(store.stream)
        limits = info.config
        return MqttUsage(
            store.name,
            info.state.bytes,
            info.state.messages,
            max(0, limits.max_bytes or 0),
            max(0, limits.max_msgs or 0),
        )

    async def _ensure(self, config: api.StreamConfig) -> None:
        """Create or update a stream. One over its limit first drops its oldest messages to accept new ones."""
        assert config.name is not None
        try:
            present = (await self._context.stream_info(config.name)).config
        except NotFoundError:
            await self._context.add_stream(config)
            return
        shrunk = replace(config, discard=api.DiscardPolicy.OLD, discard_new_per_subject=False)
        for wanted in (shrunk, config):
            try:
                await self._context.update_stream(wanted)
            except JetStreamError as error:
                logger.warning("MQTT: %s keeps its limits, %s: %s", config.name, present.max_bytes, error)

    def _config(self, store: MqttStream) -> api.StreamConfig:
        settings = self._settings
        return api.StreamConfig(
            name=store.stream,
            subjects=[store.subject],
            storage=api.StorageType.FILE,
            retention=store.retention,
            discard=api.DiscardPolicy.NEW,
            discard_new_per_subject=store.new_per_subject,
            max_msgs_per_subject=store.per_subject,
            max_bytes=bytes_of(store, settings),
            max_msgs=settings.mqtt_sessions if store.name == "sessions" else -1,
            max_age=settings.mqtt_keep_days * DAY_S,
            num_replicas=1,
        )


def bytes_of(store: MqttStream, settings: StreamSettings) -> int:
    """Return the limit of a store in bytes."""
    return int(store.part * settings.mqtt_megabytes * MEGABYTE)


def move_stores(folder: Path) -> None:
    """Move the stores of an earlier release from the account of the log of changes. The server must not be running."""
    before, after = (folder / "jetstream" / account / "streams" for account in (CITY, DEVICES))
    for store in STORES:
        if (before / store.stream).is_dir() and not (after / store.stream).exists():
            after.mkdir(parents=True, exist_ok=True)
            (before / store.stream).rename(after / store.stream)
