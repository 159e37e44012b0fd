"""What incidents contribute: incidents and agencies, and the consumer that opens incidents for alerts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter
from prometheus_client.core import GaugeMetricFamily, Metric
from pydantic import BaseModel

from rhinecloud.broker.service import Broker
from rhinecloud.changes.shared import SharedFollower
from rhinecloud.history.port import History
from rhinecloud.identity import Identity
from rhinecloud.incidents.actions import incident_actions
from rhinecloud.incidents.agencies import AgencyKeys, read_agencies, seed_agencies
from rhinecloud.incidents.agency_routes import agency_routes
from rhinecloud.incidents.cascade import DeletionCascade
from rhinecloud.incidents.consumer import IncidentConsumer
from rhinecloud.incidents.directory import AgencyDirectory, AgencyView
from rhinecloud.incidents.errors import IllegalAct, StaleVersion
from rhinecloud.incidents.escalation import Escalation
from rhinecloud.incidents.migrations import MIGRATIONS
from rhinecloud.incidents.related import INDEXED
from rhinecloud.incidents.rights import incident_rights
from rhinecloud.incidents.routes import incident_routes
from rhinecloud.incidents.service import Incidents
from rhinecloud.incidents.settings import IncidentSettings
from rhinecloud.incidents.timelines import Timelines
from rhinecloud.kernel.actor import Actor, part
from rhinecloud.kernel.errors import Invalid, RhineCloudError
from rhinecloud.kernel.ids import KeyedIds, new_urn
from rhinecloud.part import (
    CheckFiles,
    ConsumerState,
    ErrorRow,
    Finding,
    Mode,
    OpenPart,
    Part,
    PartContext,
    ProblemFact,
)
from rhinecloud.part.metrics import PREFIX
from rhinecloud.policy import Authorization
from rhinecloud.store.port import Store
from rhinecloud.stream.connection import StreamConnection

TABLE = "agencies"


class IncidentsStatus(BaseModel):
    """Incidents that are not closed."""

    incidents_open: int


class CityAgencies(BaseModel):
    """What incidents add to `/city`."""

    agencies: list[AgencyView]


class IncidentsAssembly:
    """The incidents of one space, with their timelines and their consumer of changes."""

    def __init__(self, context: PartContext, directory: AgencyDirectory) -> None:
        services, vocabulary, space = context.services, context.vocabulary, context.space
        broker = services.get(Broker)
        settings = context.settings.section("incidents", IncidentSettings)
        self._context = context
        self._store = services.get(Store)
        self._directory = directory
        self._name_of = services.get(Identity).accounts.name_of
        derive = services.get(KeyedIds).derive
        self.incidents = Incidents(
            broker, services.get(Authorization), vocabulary, context.clock, new_urn, derive, space
        )
        self.escalation = Escalation(self.incidents, broker, vocabulary, context.clock, settings, space)
        history = services.get(History)
        self._timelines = Timelines(self.incidents, history, broker, vocabulary, space, self._name_of)
        cascade = DeletionCascade(broker, self.incidents.related, space)
        self._consumer = IncidentConsumer(self.escalation, cascade, space)
        self._follower = SharedFollower(
            "incidents", services.get(StreamConnection).stream, select=self._consumer.selection
        )

    def routers(self) -> list[APIRouter]:
        """Build the routes of incidents and agencies."""
        signed_in = self._context.access.signed_in
        return [
            agency_routes(self._directory, signed_in),
            incident_routes(self.incidents, self.escalation, self._timelines, signed_in, self._name_of),
        ]

    async def run(self) -> None:
        """Open incidents for alerts, until cancelled."""
        await self._follower.run(self._consumer.handle)

    def consumers(self) -> list[ConsumerState]:
        """Return how far the consumer of changes is."""
        counters = self._follower.counters
        lag = self._follower.lag(self._store.last_change())
        return [ConsumerState("incidents", lag, counters.failures, counters.error)]

    async def status(self) -> dict[str, Any]:
        """Return the members of `IncidentsStatus`."""
        return {"incidents_open": await self._count()}

    async def metrics(self) -> list[Metric]:
        """Return the figures of one scrape."""
        number = await self._count()
        return [GaugeMetricFamily(f"{PREFIX}incidents_open", "Incidents that are not closed.", number)]

    async def _count(self) -> int:
        try:
            page = await self.incidents.list(part("status"), status="open", limit=1, related=False)
        except RhineCloudError:
            return 0
        return page.total or 0


@asynccontextmanager
async def open_incidents(context: PartContext) -> AsyncIterator[OpenPart]:
    """Open the incidents of this space, and write the agencies that its settings name."""
    services, vocabulary, space = context.services, context.vocabulary, context.space
    broker, accounts = services.get(Broker), services.get(Identity).accounts
    policy = services.get(Authorization)
    directory = AgencyDirectory(broker, policy, accounts, vocabulary, new_urn, space)

    async def describe(actor: Actor | None) -> dict[str, Any]:
        return {"agencies": await directory.list(actor) if actor else []}

    if context.mode is not Mode.RUNNING:
        yield OpenPart(routers=[agency_routes(directory, context.access.signed_in)], city=describe)
        return
    await seed_agencies(broker, space, read_agencies(context.tables[TABLE]), vocabulary)
    made = IncidentsAssembly(context, directory)
    yield OpenPart(
        routers=made.routers(),
        workers={"incidents": made.run},
        actions=incident_actions(made.incidents, directory),
        status=made.status,
        city=describe,
        consumers=made.consumers,
        metrics=made.metrics,
    )


def check_agencies(files: CheckFiles) -> Iterable[Finding]:
    """Read the agencies that the settings name."""
    try:
        yield Finding("agencies", f"{len(read_agencies(files.tables[TABLE]))} agencies")
    except Invalid as error:
        for each in error.faults:
            yield Finding("agencies", each.field or "agencies", str(each), True, each.field, each.reason)


VERSION = ProblemFact("version", "integer", "The version that an incident has now")

PART = Part(
    name="incidents",
    summary="Incidents from their opening to their closing, and the agencies that handle them.",
    open=open_incidents,
    settings={"incidents": IncidentSettings},
    tables={TABLE: AgencyKeys},
    rights=incident_rights(),
    indexes=(INDEXED,),
    migrations=MIGRATIONS,
    errors=(
        ErrorRow(StaleVersion, 409, "conflict", "Conflict", facts=(VERSION,)),
        ErrorRow(IllegalAct, 409, "conflict", "Conflict", facts=(VERSION,)),
    ),
    status=IncidentsStatus,
    city=CityAgencies,
    modes=frozenset({Mode.RUNNING, Mode.OFFLINE}),
    check=check_agencies,
)
