"""The running city: every part, opened in the order of the layers and closed in the reverse one."""

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
from rhinecloud.app.body_limit import BodyLimit
from rhinecloud.app.dispatcher import Dispatcher
from rhinecloud.app.folder import CityAccess
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.health import HealthApplication, HealthSettings
from rhinecloud.app.logs import LogSettings
from rhinecloud.app.measured import MeasuredApplication
from rhinecloud.app.memory import trim_memory_regularly
from rhinecloud.app.metrics import Metrics, MetricsSettings
from rhinecloud.app.metrics_collector import MetricsCollector
from rhinecloud.app.readers.reverse_proxy import trust_proxies
from rhinecloud.app.readers.upstream import announce, upstream_of
from rhinecloud.app.readers.worker_pool import WorkerPool
from rhinecloud.app.reloading import Reloader
from rhinecloud.app.routes.actions import action_routes
from rhinecloud.app.routes.backup import backup_routes, backup_stream
from rhinecloud.app.routes.city import city_routes
from rhinecloud.app.routes.reload import reload_routes
from rhinecloud.app.routes.status import status_routes
from rhinecloud.app.security import security_headers
from rhinecloud.app.server import HttpServer, with_port
from rhinecloud.app.settings import LoadedSettings
from rhinecloud.app.space import Space, open_to
from rhinecloud.app.static import StaticFiles
from rhinecloud.app.status import Status
from rhinecloud.app.stream_connection import open_stream
from rhinecloud.app.supervisor import Supervisor
from rhinecloud.identity.presence import CLI_ACTOR
from rhinecloud.kernel.time import Clock, utc_now
from rhinecloud.loader import Packs
from rhinecloud.part import Mode
from rhinecloud.stream.connection import StreamConnection

READY_S = 5.0
"""How long a start waits until every part is ready, which takes a fraction of a second."""

MEMORY = "memory"
"""The name of the assembly's own worker."""

_log = logging.getLogger(__name__)


class RunningCity:
    """One city from `start` to `stop`; `url` is its address."""

    def __init__(self, settings: LoadedSettings, clock: Clock = utc_now, packs: Packs | None = None) -> None:
        """Read the city's files; raise Invalid for a fault. Nothing is opened yet."""
        self.settings = settings = with_port(settings)
        self.foundation = Foundation(settings, clock, packs)
        self.space: Space = open_to(self.foundation, Mode.RUNNING)
        self.reloader = Reloader(self.foundation, self.space.assembly)
        self.supervisor = Supervisor()
        workers = settings.server.workers
        self.worker_pool = WorkerPool(settings, workers) if workers > 1 else None
        self._upstream = self.worker_pool.upstream if self.worker_pool else upstream_of(settings)
        self._closing = AsyncExitStack()
        self.server: HttpServer
        self.dispatcher: Dispatcher
        self.api: FastAPI
        self.status: Status

    @property
    def url(self) -> str:
        """Return the address of the city on this machine."""
        return self.server.url

    @property
    def first_password(self) -> str:
        """Return the one-time password of the account `admin` where this start created it, else ''."""
        return self.foundation.first_password

    async def start(self) -> None:
        """Open everything. Raise the error of a part that cannot be opened, after closing the others."""
        try:
            await self._start()
        except BaseException:
            await self._closing.aclose()
            raise

    async def stop(self) -> None:
        """Accept no more requests, finish the present ones, then close part after part."""
        await self._closing.aclose()

    async def _start(self) -> None:
        foundation, closing = self.foundation, self._closing
        await foundation.open()
        closing.push_async_callback(foundation.close)
        connection = await open_stream(foundation, closing)
        foundation.services.add(StreamConnection, connection)
        assembly = self.space.assembly
        async with AsyncExitStack() as parts:
            await assembly.open(self.space.context(connection.mqtt_url), parts)
            closing.push_async_exit(parts.pop_all())
        closing.push_async_callback(self.supervisor.stop)
        self.supervisor.keep(MEMORY, trim_memory_regularly)
        for name, worker in assembly.workers((MEMORY,)):
            self.supervisor.keep(name, worker)
        self.server = self._build_server(connection)
        await self.server.start()
        closing.push_async_callback(self._drain)
        await self._wait_until_ready()
        await self._start_readers()
        access = CityAccess(self.server.url, foundation.identity.tokens.issue_temporary(CLI_ACTOR))
        foundation.folder.write_access(access)

    async def _start_readers(self) -> None:
        """Start the reader processes, and store the address of this one for other machines."""
        store, pool = self.foundation.store, self.worker_pool
        if pool is not None:
            store.on_records(pool.notify)
            self._closing.push_async_callback(pool.stop)
            await pool.start()
        # Other machines connect to the port: the socket behind the readers is local.
        reached = upstream_of(self.settings) if pool else self._upstream
        if reached is not None:
            await announce(store, reached)

    def _build_server(self, connection: StreamConnection) -> HttpServer:
        server = self.settings.server
        self.status = Status(self.foundation, self.space.assembly, self.supervisor)
        routers = [
            *self.space.assembly.routers(),
            city_routes(self.space.description, self.space.access),
            status_routes(self.status, self.space.access),
            action_routes(self.space.actions, self.space.access),
            reload_routes(self.reloader, self.space.access),
            backup_routes(backup_stream(self.foundation), self.space.access),
        ]
        self.api = build_api(__version__, routers, self.space.problems)
        front: Application = self._build_dispatcher(connection)
        if self._upstream is not None:
            front = trust_proxies(front, self._upstream)
        if self.foundation.telemetry is not None:
            front = self.foundation.telemetry.around_application(front, self.space.assembly.route_of)
        return HttpServer(front, server, socket_path=self.worker_pool.socket if self.worker_pool else None)

    def _build_dispatcher(self, connection: StreamConnection) -> Dispatcher:
        """Return the application that sends each request to its part, or to the pages."""
        settings, assembly, access = self.settings, self.space.assembly, self.space.access
        log = settings.section("log", LogSettings).access
        collector = MetricsCollector(self.foundation, assembly, self.status)
        health = HealthApplication(
            self.foundation,
            connection,
            self.supervisor,
            self.status,
            settings.section("health", HealthSettings),
        )
        metrics = Metrics(
            collector.gather, access.may_see_status, settings.section("metrics", MetricsSettings)
        )
        headers = security_headers(self.foundation.city.tiles_url, https=settings.server.https)
        people = MeasuredApplication(BodyLimit(self.api, settings.server.max_body_bytes), PREFIX, log=log)
        watching = {
            "/health/": MeasuredApplication(health, "/health", log=log),
            "/metrics": MeasuredApplication(metrics, "/metrics", log=log),
        }
        pages = MeasuredApplication(StaticFiles(web_folder(), headers), "pages", log=log)
        applications: dict[str, Application] = {
            **assembly.applications(("/api/", *watching)),
            "/api/": people,
            **watching,
        }
        collector.measured = (people, *watching.values(), *self.space.edge.measured, pages)
        self.dispatcher = Dispatcher(
            list(applications.items()),
            pages,
            self.space.origins(),
            literal_hosts_only=self.foundation.identity.settings.open,
        )
        return self.dispatcher

    async def _drain(self) -> None:
        if not await self.dispatcher.close(self.settings.server.stop_s / 2):
            _log.warning("some requests did not end in time")
        await self.server.stop()

    async def _wait_until_ready(self) -> None:
        """Wait for every part, so that a feed is connected before a device's first message."""
        try:
            async with asyncio.timeout(READY_S):
                await self.space.assembly.ready()
        except TimeoutError:
            _log.warning("some parts are not ready yet: feeds at the city's own MQTT port may miss messages")


def web_folder() -> Path:
    """Return the folder of the built operations centre."""
    return Path(str(files("rhinecloud"))) / "web"
