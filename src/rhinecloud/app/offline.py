"""The parts of a city that is not running, with the routes that the command line needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from rhinecloud import __version__
from rhinecloud.app.api import build_api
from rhinecloud.app.asgi import Application
from rhinecloud.app.authentication import Authentication
from rhinecloud.app.dispatcher import Dispatcher
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.routes.backup import backup_routes, backup_stream
from rhinecloud.app.routes.city import city_routes
from rhinecloud.app.settings import LoadedSettings
from rhinecloud.app.space import Space
from rhinecloud.identity.credentials import Credentials
from rhinecloud.kernel.actor import Actor, part
from rhinecloud.kernel.time import utc_now
from rhinecloud.part import Mode
from rhinecloud.store.engine import StoreSettings


@asynccontextmanager
async def open_offline(settings: LoadedSettings) -> AsyncIterator[Application]:
    """Open the parts; a user who can open the city's files acts as the system. Raise InUse, Unavailable or Invalid."""

    def anyone(credentials: Credentials) -> Actor:
        return part("cli")

    foundation = Foundation(settings, utc_now)
    async with AsyncExitStack() as closing:
        # On a shared database another process may lead, and only the leader migrates the data.
        await foundation.open(leads=not settings.section("store", StoreSettings).shared)
        closing.push_async_callback(foundation.close)
        access = Authentication(anyone, foundation.policy, foundation.audit, foundation.tenant)
        space = Space(foundation, access, Mode.OFFLINE)
        await space.assembly.open(space.context(), closing)
        routers = [
            *space.assembly.routers(),
            city_routes(space.description, access),
            backup_routes(backup_stream(foundation), access),
        ]
        api = build_api(__version__, routers, space.problems)
        yield Dispatcher(list(space.assembly.applications().items()), api)
