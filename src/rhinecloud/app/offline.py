"""The foundation of a city that does not run, behind the routes that make sense then: for the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rhinecloud import __version__
from rhinecloud.app.api import build_api
from rhinecloud.app.asgi import Application
from rhinecloud.app.authentication import Authentication
from rhinecloud.app.dispatcher import Dispatcher
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.mount import broker_application, foundation_routes
from rhinecloud.app.settings import Settings
from rhinecloud.identity.credentials import Credentials
from rhinecloud.kernel.actor import Actor, part
from rhinecloud.kernel.time import utc_now
from rhinecloud.store.engine import StoreSettings


@asynccontextmanager
async def open_offline(settings: Settings) -> AsyncIterator[Application]:
    """Open the foundation; whoever may open its files acts as the house. Raises InUse, Unavailable or Invalid."""

    def anyone(credentials: Credentials) -> Actor:
        return part("cli")

    foundation = Foundation(settings, utc_now)
    # On a database that several processes share, another one may lead: the data is that one's to migrate.
    await foundation.open(leads=not settings.section("store", StoreSettings).shared)
    try:
        gate = Authentication(anyone, foundation.policy, foundation.tenant)
        api = build_api(__version__, foundation_routes(foundation, gate))
        yield Dispatcher([("/ngsi-ld/", broker_application(foundation, gate))], api)
    finally:
        await foundation.close()
