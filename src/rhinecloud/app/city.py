"""The running city: every part, opened in the order in which they need each other and closed in the reverse one."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI

from rhinecloud import __version__
from rhinecloud.app.api import PREFIX, build_api
from rhinecloud.app.asgi import Application
from rhinecloud.app.authentication import Authentication
from rhinecloud.app.body_limit import BodyLimit
from rhinecloud.app.dispatcher import Dispatcher
from rhinecloud.app.folder import Access
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.health import HealthApplication, HealthSettings
from rhinecloud.app.housekeeping import Housekeeping
from rhinecloud.app.logs import LogSettings
from rhinecloud.app.measured import MeasuredApplication
from rhinecloud.app.metrics import Metrics, MetricsSettings
from rhinecloud.app.metrics_collector import MetricsCollector
from rhinecloud.app.mount import broker_application, foundation_routes, part_routes
from rhinecloud.app.parts import CityParts, make_parts
from rhinecloud.app.readers.reverse_proxy import from_readers
from rhinecloud.app.readers.upstream import announce, inside_of
from rhinecloud.app.readers.worker_pool import WorkerPool
from rhinecloud.app.sections import own_origins, read_feeds
from rhinecloud.app.security import security_headers
from rhinecloud.app.seed import read_seeds, seed_entities
from rhinecloud.app.server import HttpServer, with_port
from rhinecloud.app.settings import Settings
from rhinecloud.app.simulation import feeds_played, play, until_it_plays
from rhinecloud.app.static import StaticFiles
from rhinecloud.app.status import Status
from rhinecloud.app.supervisor import Supervisor
from rhinecloud.identity.presence import CLI_ACTOR
from rhinecloud.incidents.agencies import read_agencies, seed_agencies
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.time import Clock, utc_now
from rhinecloud.loader import Packs
from rhinecloud.simulator.settings import SimulatorSettings

LISTEN_S = 5.0
"""How long a start waits for the feeds at the city's own MQTT port, which need a fraction of a second."""

_log = logging.getLogger(__name__)


class City:
    """One city from `start` to `stop`. `url` is where it answers."""

    def __init__(self, settings: Settings, clock: Clock = utc_now, packs: Packs | None = None) -> None:
        """Put everything together; raises Invalid where a file of the city is wrong. Nothing is opened yet."""
        self.settings = settings = with_port(settings)
        self.foundation = Foundation(settings, clock, packs)
        self.feeds = read_feeds(settings)
        self.agencies = read_agencies(settings.agencies)
        self.seeds = read_seeds(settings.folder, self.foundation.context)
        self.supervisor = Supervisor()
        workers = settings.server.workers
        self.crew = WorkerPool(settings, workers) if workers > 1 else None
        self._inside = self.crew.inside if self.crew else inside_of(settings)
        self._closing = AsyncExitStack()
        self._clock = clock
        self.server: HttpServer
        self.doors: Dispatcher
        self.api: FastAPI
        self.status: Status

    @property
    def url(self) -> str:
        """Give the address that reaches the city from this machine."""
        return self.server.url

    @property
    def first_password(self) -> str:
        """Give the one-time password of the account `admin` where this start made it, else ''."""
        return self.foundation.first_password

    async def start(self) -> None:
        """Open everything; raises what the part that cannot be opened raises, after closing those that were."""
        try:
            await self._start()
        except BaseException:
            await self._closing.aclose()
            raise

    async def stop(self) -> None:
        """Let nobody in any more, let those inside finish, then close part after part."""
        await self._closing.aclose()

    async def _start(self) -> None:
        foundation, closing = self.foundation, self._closing
        await foundation.open()
        closing.push_async_callback(foundation.close)
        gate = Authentication(foundation.identity.actor_of, foundation.policy, foundation.tenant)
        parts = await make_parts(foundation, gate, self.feeds, closing)
        closing.push_async_callback(self.supervisor.stop)
        await seed_agencies(foundation.broker, foundation.tenant, self.agencies, foundation.context)
        await seed_entities(
            foundation.store, foundation.broker, foundation.tenant, self.seeds, foundation.context
        )
        self._follow(parts)
        closing.push_async_callback(parts.feeds.stop)
        self._play(parts)
        self.server = self._build_server(parts, gate)
        await self.server.start()
        closing.push_async_callback(self._leave)
        await self._listen(parts)
        if self.crew is not None:
            foundation.store.on_records(self.crew.tell)
            closing.push_async_callback(self.crew.stop)
            await self.crew.start()
        # Other machines come in by the port: the socket behind readers is of this one.
        if (reached := inside_of(self.settings) if self.crew else self._inside) is not None:
            await announce(foundation.store, reached)
        access = Access(self.server.url, foundation.identity.tokens.lend(CLI_ACTOR))
        foundation.folder.leave_access(access)

    def _follow(self, parts: CityParts) -> None:
        """Start what works in the background."""
        chores, keep = Housekeeping(self.foundation), self.supervisor.keep
        keep("relay", parts.relay.run)
        keep("history", parts.recorder.run)
        keep("notifier", parts.subscriptions.run)
        keep("live", parts.live.run)
        keep("risk", parts.risk.run)
        keep("incidents", lambda: parts.incident_follower.run(parts.incident_consumer.handle))
        keep("expiry", self.foundation.broker.sweep_always)
        keep("sessions", chores.flush_identity)
        keep("past", chores.expire_history)
        keep("memory", chores.give_memory_back)

    def _build_server(self, parts: CityParts, gate: Authentication) -> HttpServer:
        foundation, server = self.foundation, self.settings.server
        self.status = Status(foundation, parts, self.supervisor)
        self.api = build_api(
            __version__,
            [*foundation_routes(foundation, gate), *part_routes(foundation, parts, gate, self.status)],
        )
        health = HealthApplication(
            foundation, parts, self.supervisor, self.status, self.settings.section("health", HealthSettings)
        )
        log = self.settings.section("log", LogSettings).access
        collector = MetricsCollector(foundation, parts, self.status)
        collector.door = door = broker_application(foundation, gate, parts.subscriptions)
        metrics = Metrics(
            collector.gather, gate.may_see_status, self.settings.section("metrics", MetricsSettings)
        )
        people = MeasuredApplication(BodyLimit(self.api, server.max_body_bytes), PREFIX, log=log)
        watching = (
            MeasuredApplication(health, "/health", log=log),
            MeasuredApplication(metrics, "/metrics", log=log),
        )
        pages = StaticFiles(web_folder(), security_headers(foundation.city.tiles_url, https=server.https))
        seen = MeasuredApplication(pages, "pages", log=log)
        collector.watched = (people, *watching, seen)
        self.doors = Dispatcher(
            [
                ("/ngsi-ld/", door),
                ("/live", parts.live),
                ("/api/", people),
                ("/health/", watching[0]),
                ("/metrics", watching[1]),
            ],
            seen,
            own_origins(self.settings),
            literal_hosts_only=foundation.identity.settings.open,
        )
        front: Application = self.doors
        if self._inside is not None:
            front = from_readers(front, self._inside)
        if foundation.telemetry is not None:
            front = foundation.telemetry.around_door(front)
        return HttpServer(front, server, socket_path=self.crew.socket if self.crew else None)

    async def _leave(self) -> None:
        if not await self.doors.close(self.settings.server.stop_s / 2):
            _log.warning("some requests did not end in time")
        await self.server.stop()

    def _play(self, parts: CityParts) -> None:
        """Start the feeds; those for which a simulator plays get a moment for it to be there."""
        settings = self.settings.section("simulator", SimulatorSettings)
        if settings.enabled:
            device = Actor(
                id="urn:rhinecloud:token:simulator", name="simulator", roles=frozenset({Role.DEVICE})
            )
            token = self.foundation.identity.tokens.lend(device)
            self.supervisor.keep(
                "simulator", lambda: play(self.settings.folder, parts.upstream.mqtt_url, token)
            )

        played = feeds_played(self.feeds, settings) if settings.enabled else {}

        async def start_feeds() -> None:
            await parts.feeds.start(dict.fromkeys(played, "the simulator starts"))
            if played:
                await until_it_plays(set(played.values()))
                parts.feeds.start_waiting()

        self.supervisor.keep("feeds", start_feeds)

    async def _listen(self, parts: CityParts) -> None:
        """Let nobody believe that the city is up while a device's first message would find nobody listening."""
        try:
            async with asyncio.timeout(LISTEN_S):
                await parts.feeds.listening()
        except TimeoutError:
            _log.warning("feeds at the city's own MQTT port do not listen yet")


def web_folder() -> Path:
    """Give the folder of the built operations centre."""
    return Path(str(files("rhinecloud"))) / "web"
