"""The incidents of a city: each act is one decision in the store's transaction, so that two cannot both be first."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from rhinecloud.broker.service import Broker
from rhinecloud.incidents import rules
from rhinecloud.incidents.codec import IncidentCodec
from rhinecloud.incidents.errors import LimitReached
from rhinecloud.incidents.model import (
    AGENCY,
    INCIDENT,
    Act,
    ActRecord,
    ClosingReason,
    Incident,
    IncidentDraft,
    IncidentStatus,
    Task,
    TaskDraft,
)
from rhinecloud.incidents.related import RelatedEntities, TaskFilter
from rhinecloud.incidents.rights import DELETE, IncidentRights, action_of
from rhinecloud.incidents.rules import MOST_COMMENTS, MOST_TASKS, ActInProgress
from rhinecloud.incidents.transactions import ActRequest, ActTransactions, incident_entity
from rhinecloud.kernel.actor import Actor, part
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.ids import DeriveId, NewId
from rhinecloud.kernel.page import Page
from rhinecloud.kernel.severity import Severity
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.expression import Expression
from rhinecloud.ngsild.ordering import parse_order
from rhinecloud.ngsild.query import EntityQuery, parse_q
from rhinecloud.ngsild.values import check_geometry
from rhinecloud.policy import Authorization
from rhinecloud.store.port import Decision, Remove

logger = logging.getLogger(__name__)

OPEN_STATES = (IncidentStatus.NEW, IncidentStatus.ACKNOWLEDGED, IncidentStatus.IN_PROGRESS)


class Incidents:
    """The incidents of one tenant. Every act names the version that the actor saw; 0 acts on any version."""

    def __init__(
        self,
        broker: Broker,
        policy: Authorization,
        context: Context,
        clock: Clock,
        new_id: NewId,
        derive: DeriveId,
        tenant: str = "",
    ) -> None:
        """`derive` makes the ids of what is opened once for an alert or for a key of the caller's."""
        self._broker = broker
        self._context = context
        self._clock = clock
        self._new_id = new_id
        self.derive = derive
        self._tenant = tenant
        self._codec = IncidentCodec(context)
        self.rights = IncidentRights(policy, context, tenant)
        self._transactions = ActTransactions(broker, self.rights, context, clock, (new_id, derive), tenant)
        self.related = RelatedEntities(broker, context, tenant)

    async def get(self, actor: Actor, incident_id: str) -> Incident:
        """Return an incident with its tasks and comments; raise NoSuchIncident."""
        stored = await self._broker.find(actor, self._tenant, incident_id)
        entity = stored.entity() if stored else None
        return await self._filled(actor, self._codec.read(incident_entity(entity, incident_id)))

    async def list(
        self,
        actor: Actor,
        *,
        status: str = "",
        agency: str = "",
        limit: int = 100,
        offset: int = 0,
        related: bool = True,
    ) -> Page[Incident]:
        """Return incidents, the newest first, with tasks and comments where they are `related`.

        `status` is one state, several joined by commas, `open`, or '' for all; raise Invalid for any other.
        """
        query = EntityQuery(
            types=((INCIDENT,),),
            q=self._condition(status, agency),
            order=parse_order("createdAt;desc", self._context),
            limit=limit,
            offset=offset,
            count=True,
        )
        page = await self._broker.query(actor, self._tenant, query)
        items = [self._codec.read(stored.entity()) for stored in page.items]
        if related:
            items = await self.related.fill(actor, items)
        return Page(items, page.offset, page.more, page.total)

    async def list_tasks(
        self, actor: Actor, wanted: TaskFilter, *, limit: int = 100, offset: int = 0
    ) -> Page[tuple[Task, Incident | None]]:
        """Return tasks, the newest first, each with its incident (None where that is gone); raise Invalid."""
        page = await self.related.list_tasks(actor, wanted, limit=limit, offset=offset)
        ids = {task.incident for task in page.items}
        stored = await self._broker.find_many(actor, self._tenant, ids)
        incidents = {each.id: self._codec.read(each.entity()) for each in stored}
        items = [(task, incidents.get(task.incident)) for task in page.items]
        return Page(items, page.offset, page.more, page.total)

    async def open(self, actor: Actor, draft: IncidentDraft, incident_id: str = "") -> tuple[Incident, bool]:
        """Open an incident; under an id that exists already return the present one, and False.

        Where the id belongs to an entity of another type, which is logged, another one is taken.
        Raise Denied, or Invalid for an empty title, an unknown agency or a wrong location.
        """
        self.rights.check_could(actor, Act.OPEN)
        if not draft.title.strip():
            raise Invalid("an incident must have a title", field="title")
        await self._check_links(actor, draft.agency, draft.location)
        now = format_time(self._clock())
        fields = {name: getattr(draft, name) for name in draft.__struct_fields__}
        opened = Incident(
            id=incident_id or self._new_id("Incident"),
            **fields,
            opened_by=actor.id,
            last=ActRecord(Act.OPEN, actor.id, actor.name, actor.agency),
        )

        def decide(entity: Entity | None) -> Decision:
            return None if entity is not None else self._codec.write(opened, None, now)

        while True:
            written = await self._broker.edit(
                actor, self._tenant, opened.id, decide, action=action_of(Act.OPEN)
            )
            if written.entity is None or INCIDENT in written.entity.type:
                break
            opened = replace(opened, id=self._another_id(written.entity))
        incident = self._codec.read(incident_entity(written.entity, opened.id))
        return (incident, True) if written.created else (await self._filled(actor, incident), False)

    def _another_id(self, taken: Entity) -> str:
        another = self.derive("Incident", taken.id)
        logger.error(
            "the id of an incident is taken: %s is an entity of type %s; the incident is opened as %s",
            *(taken.id, ", ".join(taken.type), another),
        )
        return another

    async def find_opened(self, incident_id: str, *, alert: str = "", by: str = "") -> Incident | None:
        """Return the incident with an id of version 0 if it is of that alert, or opened by that actor; else None."""
        stored = await self._broker.find(part("incidents"), self._tenant, incident_id)
        if stored is None or INCIDENT not in stored.entity().type:
            return None
        found = self._codec.read(stored.entity())
        return found if alert in found.alerts or (by and found.opened_by == by) else None

    async def acknowledge(self, actor: Actor, incident_id: str, version: int) -> Incident:
        """Take it."""
        return await self.act(actor, incident_id, version, ActRequest(Act.ACKNOWLEDGE, rules.acknowledge))

    async def start(self, actor: Actor, incident_id: str, version: int) -> Incident:
        """Begin the work."""
        return await self.act(actor, incident_id, version, ActRequest(Act.START, rules.start))

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
        """Assign it to an agency, a person, or both; raise Invalid when there is no such agency."""
        await self._check_links(actor, agency or "", None)

        def rule(incident: Incident, acting: ActInProgress) -> Incident:
            return rules.assign(incident, acting, agency, assignee, note)

        return await self.act(actor, incident_id, version, ActRequest(Act.ASSIGN, rule, agency=agency))

    async def change_severity(
        self, actor: Actor, incident_id: str, version: int, severity: Severity, note: str = ""
    ) -> Incident:
        """Set the severity."""

        def rule(incident: Incident, acting: ActInProgress) -> Incident:
            return rules.change_severity(incident, acting, severity, note)

        return await self.act(actor, incident_id, version, ActRequest(Act.SEVERITY, rule))

    async def describe(
        self, actor: Actor, incident_id: str, version: int, changes: Mapping[str, Any]
    ) -> Incident:
        """Change any of title, description, category, location and address."""
        await self._check_links(actor, "", changes.get("location"))

        def rule(incident: Incident, acting: ActInProgress) -> Incident:
            return rules.describe(incident, acting, changes)

        return await self.act(actor, incident_id, version, ActRequest(Act.DESCRIBE, rule))

    async def comment(
        self, actor: Actor, incident_id: str, version: int, text: str, key: str = ""
    ) -> Incident:
        """Add a comment, once for each `key` that is not empty; raise LimitReached."""
        present = await self._related_to(actor, incident_id)
        _check_limit(incident_id, "comments", len(present.comments), MOST_COMMENTS)

        def rule(incident: Incident, acting: ActInProgress) -> Incident:
            return rules.comment(incident, acting, text)

        return await self.act(actor, incident_id, version, ActRequest(Act.COMMENT, rule, key=key))

    async def add_task(self, actor: Actor, incident_id: str, version: int, draft: TaskDraft) -> Incident:
        """Add something to be done, once for each `draft.key`; raise LimitReached, or Invalid for an unknown agency."""
        await self._check_links(actor, draft.agency, None)
        present = await self._related_to(actor, incident_id)
        _check_limit(incident_id, "tasks", len(present.tasks), MOST_TASKS)

        def rule(incident: Incident, acting: ActInProgress) -> Incident:
            return rules.add_task(incident, acting, draft)

        return await self.act(actor, incident_id, version, ActRequest(Act.ADD_TASK, rule, key=draft.key))

    async def change_task(
        self, actor: Actor, incident_id: str, version: int, task_id: str, changes: Mapping[str, Any]
    ) -> Incident:
        """Change any of title, description, status, agency, assignee and due_at; `done` stands for a status."""
        agency = changes.get("agency")
        await self._check_links(actor, agency or "", None)

        def rule(incident: Incident, acting: ActInProgress) -> Incident:
            return rules.change_task(incident, acting, task_id, changes)

        request = ActRequest(Act.CHANGE_TASK, rule, (task_id,), agency)
        return await self.act(actor, incident_id, version, request)

    async def resolve(self, actor: Actor, incident_id: str, version: int, resolution: str = "") -> Incident:
        """Record that it is dealt with, and how."""

        def rule(incident: Incident, acting: ActInProgress) -> Incident:
            return rules.resolve(incident, acting, resolution)

        return await self.act(actor, incident_id, version, ActRequest(Act.RESOLVE, rule))

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
        """End it for a reason; tasks that are still open are cancelled with it."""
        if duplicate_of:
            await self.get(actor, duplicate_of)
        present = await self._related_to(actor, incident_id)
        still_open = [task.id for task in present.tasks if task.status.is_open]

        def rule(incident: Incident, acting: ActInProgress) -> Incident:
            return rules.close(incident, acting, reason, duplicate_of=duplicate_of, note=note)

        return await self.act(actor, incident_id, version, ActRequest(Act.CLOSE, rule, still_open))

    async def reopen(self, actor: Actor, incident_id: str, version: int, note: str = "") -> Incident:
        """Open it again."""

        def rule(incident: Incident, acting: ActInProgress) -> Incident:
            return rules.reopen(incident, acting, note)

        return await self.act(actor, incident_id, version, ActRequest(Act.REOPEN, rule))

    async def delete(self, actor: Actor, incident_id: str) -> None:
        """Delete an incident, its tasks and comments; raise Denied or NoSuchIncident."""

        def decide(entity: Entity | None) -> Decision:
            found = incident_entity(entity, incident_id)
            self.rights.check_delete(actor, found)
            return Remove(found)

        await self._broker.edit(actor, self._tenant, incident_id, decide, action=DELETE)

    async def act(self, actor: Actor, incident_id: str, version: int, request: ActRequest) -> Incident:
        """Do one act in one transaction; raise Denied, StaleVersion, IllegalAct or NoSuchIncident."""
        return await self._filled(actor, await self._transactions.act(actor, incident_id, version, request))

    async def _filled(self, actor: Actor, incident: Incident) -> Incident:
        return (await self.related.fill(actor, [incident]))[0]

    async def _related_to(self, actor: Actor, incident_id: str) -> Incident:
        """Return an incident of which only tasks and comments are read; none where there is no such incident."""
        return await self._filled(actor, Incident(id=incident_id, title="", severity=Severity.MEDIUM))

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

    def _condition(self, status: str, agency: str) -> Expression | None:
        parts = []
        if status:
            states = OPEN_STATES if status == "open" else status.split(",")
            for state in states:
                if state not in list(IncidentStatus):
                    raise Invalid(f"must be open, {', '.join(IncidentStatus)}, not {state!r}", field="status")
            parts.append("status==" + ",".join(json.dumps(str(state)) for state in states))
        if agency:
            parts.append(f"assignedAgency=={json.dumps(agency)}")
        return parse_q(";".join(parts), self._context) if parts else None


def _check_limit(incident_id: str, what: str, count: int, most: int) -> None:
    if count >= most:
        raise LimitReached(incident_id, what, most)
