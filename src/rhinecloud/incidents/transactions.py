"""One act as one transaction of the store: the incident, the tasks that it concerns, and what it creates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from rhinecloud.broker.service import Broker
from rhinecloud.incidents.codec import IncidentCodec
from rhinecloud.incidents.errors import NoSuchIncident, StaleVersion
from rhinecloud.incidents.model import COMMENT, INCIDENT, TASK, Act, Incident
from rhinecloud.incidents.rights import IncidentRights, action_of
from rhinecloud.incidents.rules import ActInProgress, Rule
from rhinecloud.incidents.task_codec import CommentCodec, TaskCodec
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.ids import DeriveId, NewId, derived_urn
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.port import Decision


@dataclass(frozen=True, slots=True)
class ActRequest:
    """One act: its rule, the ids of the `tasks` that it concerns, and the `agency` that something is given to.

    With a `key` of the caller's own, what the act creates is created once, however often the act is requested.
    """

    act: Act
    rule: Rule
    tasks: Sequence[str] = ()
    agency: str | None = None
    key: str = ""


class ActTransactions:
    """Does acts to the incidents of one tenant."""

    def __init__(
        self,
        broker: Broker,
        rights: IncidentRights,
        context: Context,
        clock: Clock,
        ids: tuple[NewId, DeriveId],
        tenant: str = "",
    ) -> None:
        self._broker = broker
        self._rights = rights
        self._clock = clock
        self._new_id, self._derive = ids
        self._tenant = tenant
        self._incidents = IncidentCodec(context)
        self._tasks = TaskCodec(context)
        self._comments = CommentCodec(context)

    async def act(self, actor: Actor, incident_id: str, version: int, request: ActRequest) -> Incident:
        """Do one act in one transaction of the store, to the incident and to the tasks that it concerns.

        Raise Denied, StaleVersion, IllegalAct or NoSuchIncident.
        """
        self._rights.check_could(actor, request.act)
        now = format_time(self._clock())
        acting = ActInProgress(
            actor, now, self._id_for(actor, request, incident_id), partial(self._rights.may, actor)
        )

        known = [acting.new_id, *_ids_of_before(actor, request, incident_id)]

        def decide(entities: Mapping[str, Entity | None]) -> Mapping[str, Decision]:
            before = self._read(entities, incident_id, request.tasks)
            task = before.tasks[0] if request.act is Act.CHANGE_TASK and before.tasks else None
            self._rights.check(actor, request.act, before, task=task, agency=request.agency, stored=entities)
            if any(_is_created(entities[each]) for each in known):
                return {}
            if version and version != before.version:
                raise StaleVersion(version, before)
            return self._decisions(before, request.rule(before, acting), entities, now)

        written = await self._broker.edit_jointly(
            actor,
            self._tenant,
            [incident_id, *request.tasks, *known],
            decide,
            subjects=[incident_id, *(request.tasks if request.act is Act.CHANGE_TASK else ())],
            action=action_of(request.act),
        )
        return self._incidents.read(incident_entity(written[incident_id].entity, incident_id))

    def _id_for(self, actor: Actor, request: ActRequest, incident_id: str) -> str:
        """Return the id of the task or comment that an act may create; a key is the actor's own."""
        kind = "Task" if request.act is Act.ADD_TASK else "Comment"
        if not request.key:
            return self._new_id(kind)
        return self._derive(kind, incident_id, actor.id, request.key)

    def _read(
        self, entities: Mapping[str, Entity | None], incident_id: str, tasks: Sequence[str]
    ) -> Incident:
        """Return the incident with those of its tasks that the transaction holds."""
        incident = self._incidents.read(incident_entity(entities[incident_id], incident_id))
        held = [entity for each in tasks if (entity := entities[each]) is not None and TASK in entity.type]
        own = tuple(task for task in map(self._tasks.read, held) if task.incident == incident_id)
        return replace(incident, tasks=own)

    def _decisions(
        self, before: Incident, after: Incident, entities: Mapping[str, Entity | None], now: str
    ) -> dict[str, Decision]:
        """Return what an act changes: the incident, and each task and comment that is new or another."""
        if after is before:
            return {}
        decisions = {after.id: self._incidents.write(after, entities[after.id], now)}
        for task in after.tasks:
            if task not in before.tasks:
                decisions[task.id] = self._tasks.write(task, entities[task.id], now)
        for comment in after.comments:
            decisions[comment.id] = self._comments.write(comment, now)
        return decisions


def _ids_of_before(actor: Actor, request: ActRequest, incident_id: str) -> list[str]:
    """Return the id that version 0 derived from the caller's key: what it created is not created again."""
    kind = "Task" if request.act is Act.ADD_TASK else "Comment"
    return [derived_urn(kind, incident_id, actor.id, request.key)] if request.key else []


def _is_created(entity: Entity | None) -> bool:
    return entity is not None and not {TASK, COMMENT}.isdisjoint(entity.type)


def incident_entity(entity: Entity | None, incident_id: str) -> Entity:
    """Return the entity if it is an incident; raise NoSuchIncident."""
    if entity is None or INCIDENT not in entity.type:
        raise NoSuchIncident(incident_id)
    return entity
