"""Builds the doors over the parts: which routes there are, and what each is given."""

from __future__ import annotations

import logging

from fastapi import APIRouter

from rhinecloud.app.authentication import Authentication
from rhinecloud.app.foundation import Foundation, broker_settings
from rhinecloud.app.logs import LogSettings
from rhinecloud.app.measured import tell
from rhinecloud.app.parts import CityParts as Running
from rhinecloud.app.routes.city import CityDescription, city_routes
from rhinecloud.app.routes.history import HistoryQueries, history_routes
from rhinecloud.app.routes.status import status_routes
from rhinecloud.app.routes.transfer import Transfer, transfer_routes
from rhinecloud.app.settings import ServerSettings
from rhinecloud.app.status import Status
from rhinecloud.broker.http import BrokerApplication
from rhinecloud.broker.http.rendering import Renderer
from rhinecloud.broker.http.route import HandlerContext
from rhinecloud.broker.routes import routes_with
from rhinecloud.connectors.routes import deadletter_routes, feed_routes
from rhinecloud.identity import IdentitySettings
from rhinecloud.identity.routes import session_routes, token_routes, user_routes
from rhinecloud.incidents.agency_routes import agency_routes
from rhinecloud.incidents.directory import AgencyDirectory
from rhinecloud.incidents.routes import incident_routes
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.ids import new_urn
from rhinecloud.policy import Action
from rhinecloud.risk.routes import risk_routes
from rhinecloud.subscriptions.routes import subscription_routes
from rhinecloud.subscriptions.service import Subscriptions
from rhinecloud.views.modules import module_routes, read_modules
from rhinecloud.views.routes import icon_routes
from rhinecloud.views.screen import icons_of

log = logging.getLogger(__name__)


def foundation_routes(foundation: Foundation, gate: Authentication) -> list[APIRouter]:
    """Build the routes that need nothing but the foundation."""
    settings = foundation.settings
    access = settings.section("identity", IdentitySettings).access
    agencies = AgencyDirectory(
        foundation.broker,
        foundation.policy,
        foundation.identity.accounts,
        foundation.context,
        new_urn,
        foundation.tenant,
    )
    portrait = CityDescription(
        foundation.city, access, foundation.packs, agencies, foundation.context, foundation.content
    )
    past = HistoryQueries(
        foundation.history, foundation.broker, foundation.policy, foundation.context, foundation.tenant
    )
    # The past before the state: see `backup`.
    copies = {"history.db": foundation.history.backup, "city.db": foundation.store.backup}
    transfer = Transfer(foundation.broker, copies, foundation.city.name, settings.data, foundation.clock)
    administrator = gate.may(Action.ADMINISTER)
    modules, unreadable = read_modules(module for each in foundation.packs.loaded for module in each.pack.web)
    for each in unreadable:
        log.warning("the page %s is not shown: %s", each.name, each.reason)

    async def describe(actor: Actor | None) -> dict[str, object]:
        return (await portrait.describe(actor)).model_dump(mode="json", by_alias=True)

    secure = settings.section("server", ServerSettings).https
    return [
        session_routes(foundation.identity, describe, secure=secure),
        city_routes(portrait, gate),
        agency_routes(agencies, gate.signed_in),
        history_routes(past, gate),
        user_routes(foundation.identity, administrator),
        token_routes(foundation.identity, administrator),
        transfer_routes(transfer, gate),
        module_routes(modules, gate.signed_in),
        icon_routes(icons_of(foundation.content), gate.signed_in),
    ]


def part_routes(
    foundation: Foundation, parts: Running, gate: Authentication, status: Status
) -> list[APIRouter]:
    """Build the routes of the parts that only a running city has."""
    viewer, operator = gate.may(Action.SEE_STATUS), gate.may(Action.OPERATE)
    return [
        status_routes(status, gate),
        feed_routes(parts.feeds, viewer),
        deadletter_routes(parts.feeds, viewer, operator),
        risk_routes(parts.risk, parts.alerts, viewer, gate.signed_in),
        incident_routes(
            parts.incidents,
            parts.escalation,
            parts.timelines,
            gate.signed_in,
            foundation.identity.accounts.name_of,
        ),
    ]


def broker_application(
    foundation: Foundation, gate: Authentication, subscriptions: Subscriptions | None = None
) -> BrokerApplication:
    """Build the broker's door."""
    settings = broker_settings(foundation.settings)
    parts = HandlerContext(
        broker=foundation.broker,
        contexts=foundation.contexts,
        renderer=Renderer(settings.render_cache),
        settings=settings,
        clock=foundation.clock,
        started_at=foundation.started_at,
    )
    log = tell if foundation.settings.section("log", LogSettings).access else None
    return BrokerApplication(parts, routes_with(subscription_routes(subscriptions)), gate.of_headers, log)
