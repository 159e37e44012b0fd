"""The core of a city that does not run, behind the routes that make sense then: for the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rhinecloud import __version__
from rhinecloud.app.api import build_api
from rhinecloud.app.asgi import Application
from rhinecloud.app.core import Core
from rhinecloud.app.doors import Doors
from rhinecloud.app.gate import Gate
from rhinecloud.app.mount import broker_door, core_routes
from rhinecloud.app.settings import Settings
from rhinecloud.identity.credentials import Credentials
from rhinecloud.kernel.actor import Actor, part
from rhinecloud.kernel.time import utc_now


@asynccontextmanager
async def open_offline(settings: Settings) -> AsyncIterator[Application]:
    """Open the core; whoever may open its files acts as the house itself. Raises InUse, Unavailable or Invalid."""

    def anyone(credentials: Credentials) -> Actor:
        return part("cli")

    core = Core(settings, utc_now)
    await core.open()
    try:
        gate = Gate(anyone, core.policy, core.tenant)
        api = build_api(__version__, core_routes(core, gate))
        yield Doors([("/ngsi-ld/", broker_door(core, gate))], api)
    finally:
        await core.close()
