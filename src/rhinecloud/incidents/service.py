"""The incidents of a city: each verb is one decision in the store's transaction, so two cannot both be first."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from rhinecloud.broker.service import Broker
from rhinecloud.incidents import rules
from rhinecloud.incidents.codec import IncidentCodec
from rhinecloud.incidents.errors import NoSuchIncident, NotYours, StaleVersion
from rhinecloud.incidents.model import (
    AGENCY,
    INCIDENT,
    Act,
    ClosingReason,
    Incident,
    IncidentRecord,
    IncidentStatus,
)
from rhinecloud.incidents.rules import ActInProgress
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.ids import NewId
from rhinecloud.kernel.page import Page
from rhinecloud.kernel.severity import Severity
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.ordering import parse_order
from rhinecloud.ngsild.query import EntityQuery, parse_q
from rhinecloud.ngsild.values import check_geometry
from rhinecloud.store.port import Decision, Written

Change = Callable[[Incident, ActInProgress], Incident]
"""One of `rules`, with everything but the incident and the doing filled in."""


class IncidentDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says when opening an incident."""

    title: str
    severity: Severity = Severity.MEDIUM
    titles: dict[str, str] = {}
    description: str = ""
    descriptions: dict[str, str] = {}
    category: str = "other"
    location: dict[str, Any] | None = None
    address: str = ""
    agency: str = ""
    assignee: str = ""
    alerts: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    simulated: bool = False
    settles: bool = False


class Incidents:
    """The incidents of one tenant. Every act names the version that the actor saw; 0 acts on any version."""

    def __init__(
        self, broker: Broker, context: Context, clock: Clock, new_id: NewId, tenant: str = ""
    ) -> None:
        self._broker = broker
        self._context = context
        self._clock = clock
        self._new_id = new_id
        self._tenant = tenant
        self._form = IncidentCodec(context)

    async def get(self, actor: Actor, incident_id: str) -> Incident:
        """Give an incident; raises NoSuchIncident."""
        stored = await self._broker.find(actor, self._tenant, incident_id)
        entity = stored.entity() if stored else None
        return self._form.read(_incident(entity, incident_id))

    async def list(
        self, actor: Actor, *, status: str = "", agency: str = "", limit: int = 100, offset: int = 0
    ) -> Page[Incident]:
        """Give incidents, the newest first; `status` is one state, several joined by commas, `open` or '' for all."""
        query = EntityQuery(
            types=((INCIDENT,),),
            q=self._condition(status, agency),
            order=parse_order("createdAt;desc", self._context),
            limit=limit,
            offset=offset,
            count=True,
        )
        page = await self._broker.query(actor, self._tenant, query)
        items = [self._form.read(stored.entity()) for stored in page.items]
        return Page(items, page.offset, page.more, page.total)

    async def open(self, actor: Actor, draft: IncidentDraft, incident_id: str = "") -> tuple[Incident, bool]:
        """Open an incident; under an id that exists already the present one is given, and False."""
        check_opener(actor)
        if not draft.title.strip():
            raise Invalid("an incident needs a title", field="title")
        await self._check_links(actor, draft.agency, draft.location)
        now = format_time(self._clock())
        fields = {name: getattr(draft, name) for name in draft.__struct_fields__}
        made = Incident(
            id=incident_id or self._new_id("Incident"),
            **fields,
            opened_by=actor.id,
            last=IncidentRecord(Act.OPEN, actor.id, actor.name, actor.agency),
        )

        def decide(entity: Entity | None) -> Decision:
            return None if entity is not None else self._form.write(made, None, now)

        written = await self._broker.edit(actor, self._tenant, made.id, decide)
        return self._form.read(_incident(written.entity, made.id)), written.created

    async def acknowledge(self, actor: Actor, incident_id: str, version: int) -> Incident:
        """Take it."""
        return await self.act(actor, incident_id, version, rules.acknowledge)

    async def start(self, actor: Actor, incident_id: str, version: int) -> Incident:
        """Begin the work."""
        return await self.act(actor, incident_id, version, rules.start)

    async def assign(
        self,
        actor: Actor,
        incident_id: str,
        version: int,
        *,
        agency: str | None = None,
        assignee: str | None = None,
        note: str = "",
    ) -> Incident:
        """Give it to an agency, a person, or both; raises Invalid when there is no such agency."""
        await self._check_links(actor, agency or "", None)

        def change(incident: Incident, doing: ActInProgress) -> Incident:
            return rules.assign(incident, doing, agency, assignee, note)

        return await self.act(actor, incident_id, version, change)

    async def change_severity(
        self, actor: Actor, incident_id: str, version: int, severity: Severity, note: str = ""
    ) -> Incident:
        """Say how grave it is."""

        def change(incident: Incident, doing: ActInProgress) -> Incident:
            return rules.change_severity(incident, doing, severity, note)

        return await self.act(actor, incident_id, version, change)

    async def describe(self, actor: Actor, incident_id: str, version: int, words: dict[str, Any]) -> Incident:
        """Word it anew: any of title, description, category, location and address."""
        await self._check_links(actor, "", words.get("location"))
        return await self.act(
            actor, incident_id, version, lambda incident, doing: rules.describe(incident, doing, words)
        )

    async def comment(self, actor: Actor, incident_id: str, version: int, text: str) -> Incident:
        """Say something about it."""
        return await self.act(
            actor, incident_id, version, lambda incident, doing: rules.comment(incident, doing, text)
        )

    async def add_task(
        self, actor: Actor, incident_id: str, version: int, title: str, assignee: str = ""
    ) -> Incident:
        """Add something to be done."""

        def change(incident: Incident, doing: ActInProgress) -> Incident:
            return rules.add_task(incident, doing, title, assignee)

        return await self.act(actor, incident_id, version, change)

    async def change_task(
        self, actor: Actor, incident_id: str, version: int, task_id: str, fields: dict[str, Any]
    ) -> Incident:
        """Tick a task off (`done`), or word (`title`) or assign it (`assignee`) anew."""

        def change(incident: Incident, doing: ActInProgress) -> Incident:
            return rules.change_task(incident, doing, task_id, **fields)

        return await self.act(actor, incident_id, version, change)

    async def resolve(self, actor: Actor, incident_id: str, version: int, resolution: str = "") -> Incident:
        """Say that it is dealt with, and how."""
        return await self.act(
            actor, incident_id, version, lambda incident, doing: rules.resolve(incident, doing, resolution)
        )

    async def close(
        self,
        actor: Actor,
        incident_id: str,
        version: int,
        reason: ClosingReason,
        *,
        duplicate_of: str = "",
        note: str = "",
    ) -> Incident:
        """End it for a reason."""
        if duplicate_of:
            await self.get(actor, duplicate_of)

        def change(incident: Incident, doing: ActInProgress) -> Incident:
            return rules.close(incident, doing, reason, duplicate_of=duplicate_of, note=note)

        return await self.act(actor, incident_id, version, change)

    async def reopen(self, actor: Actor, incident_id: str, version: int, note: str = "") -> Incident:
        """It was not over."""
        return await self.act(
            actor, incident_id, version, lambda incident, doing: rules.reopen(incident, doing, note)
        )

    async def act(self, actor: Actor, incident_id: str, version: int, change: Change) -> Incident:
        """Do one act in the store's transaction; raises StaleVersion, IllegalAct, NotYours or NoSuchIncident."""
        doing = ActInProgress(actor, format_time(self._clock()), self._new_id("Note"))

        def decide(entity: Entity | None) -> Decision:
            incident = self._form.read(_incident(entity, incident_id))
            if version and version != incident.version:
                raise StaleVersion(version, incident)
            after = change(incident, doing)
            return None if after is incident else self._form.write(after, entity, doing.now)

        written: Written = await self._broker.edit(actor, self._tenant, incident_id, decide)
        return self._form.read(_incident(written.entity, incident_id))

    async def _check_links(self, actor: Actor, agency: str, location: Any) -> None:
        if location is not None:
            try:
                check_geometry(location)
            except Invalid as error:
                raise Invalid(error.reason, field="location") from None
        if agency:
            stored = await self._broker.find(actor, self._tenant, agency)
            if stored is None or AGENCY not in stored.entity().type:
                raise Invalid(f"there is no agency {agency}", field="agency")

    def _condition(self, status: str, agency: str) -> Any:
        parts = []
        states = (
            [IncidentStatus.NEW, IncidentStatus.ACKNOWLEDGED, IncidentStatus.IN_PROGRESS]
            if status == "open"
            else status.split(",")
        )
        for state in filter(None, states):
            if state not in list(IncidentStatus):
                raise Invalid(f"{state!r} is not a state: open, {', '.join(IncidentStatus)}", field="status")
        if status:
            parts.append("status==" + ",".join(f'"{state}"' for state in states))
        if agency:
            parts.append(f"assignedAgency=={json.dumps(agency)}")
        return parse_q(";".join(parts), self._context) if parts else None


def check_opener(actor: Actor) -> None:
    """Pass in silence; raises NotYours unless the actor may open incidents."""
    if not actor.roles & {Role.ADMIN, Role.OPERATOR, Role.SYSTEM}:
        raise NotYours(actor, Act.OPEN, "only operators open incidents")


def _incident(entity: Entity | None, incident_id: str) -> Entity:
    if entity is None or INCIDENT not in entity.type:
        raise NoSuchIncident(incident_id)
    return entity
