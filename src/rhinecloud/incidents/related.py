"""The tasks and comments of incidents, found by the Relationship `incident` of their entities."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from rhinecloud.broker.service import Broker
from rhinecloud.incidents.model import COMMENT, TASK, Comment, Incident, Task, TaskStatus
from rhinecloud.incidents.task_codec import CommentCodec, TaskCodec
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.expression import Expression
from rhinecloud.ngsild.ordering import parse_order
from rhinecloud.ngsild.query import EntityQuery, parse_q

AT_ONCE = 100
"""Incidents of one query: with the index on `incident` a hundred take 8 ms, and `q` takes no more than 256 values."""
PAGE = 1_000
INDEXED = "incident"
"""The term of the attribute that these queries need an index on."""


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks to list; what is empty does not matter. `status` is one, several joined by commas, or `pending`."""

    incident: str = ""
    agency: str = ""
    assignee: str = ""
    status: str = ""
    due_before: str = ""


class RelatedEntities:
    """Reads the tasks and comments of one tenant."""

    def __init__(self, broker: Broker, context: Context, tenant: str = "") -> None:
        self._broker = broker
        self._context = context
        self._tenant = tenant
        self._tasks = TaskCodec(context)
        self._comments = CommentCodec(context)

    async def fill(self, actor: Actor, incidents: Sequence[Incident]) -> list[Incident]:
        """Return incidents with the tasks and comments that the actor may read, oldest first."""
        tasks: dict[str, list[Task]] = {each.id: [] for each in incidents}
        comments: dict[str, list[Comment]] = {each.id: [] for each in incidents}
        async for entity in self.entities(actor, tasks):
            if TASK in entity.type:
                task = self._tasks.read(entity)
                tasks[task.incident].append(task)
            else:
                comment = self._comments.read(entity)
                comments[comment.incident].append(comment)
        return [
            replace(
                each,
                tasks=tuple(sorted(tasks[each.id], key=lambda task: task.created_at)),
                comments=tuple(sorted(comments[each.id], key=lambda comment: comment.at)),
            )
            for each in incidents
        ]

    async def entities(self, actor: Actor, incident_ids: Iterable[str]) -> AsyncIterator[Entity]:
        """Return the entities that belong to some incidents, in the order of their creation."""
        ids = list(incident_ids)
        for start in range(0, len(ids), AT_ONCE):
            listed = ",".join(json.dumps(each) for each in ids[start : start + AT_ONCE])
            q = parse_q(f"incident=={listed}", self._context)
            offset, more = 0, True
            while more:
                query = EntityQuery(types=((TASK,), (COMMENT,)), q=q, limit=PAGE, offset=offset)
                page = await self._broker.query(actor, self._tenant, query)
                for stored in page.items:
                    yield stored.entity()
                offset, more = offset + PAGE, page.more

    async def list_tasks(
        self, actor: Actor, wanted: TaskFilter, *, limit: int = 100, offset: int = 0
    ) -> Page[Task]:
        """Return tasks of any incident, the newest first; raise Invalid for an unknown state."""
        query = EntityQuery(
            types=((TASK,),),
            q=self._condition(wanted),
            order=parse_order("createdAt;desc", self._context),
            limit=limit,
            offset=offset,
            count=True,
        )
        page = await self._broker.query(actor, self._tenant, query)
        items = [self._tasks.read(stored.entity()) for stored in page.items]
        return Page(items, page.offset, page.more, page.total)

    def _condition(self, wanted: TaskFilter) -> Expression | None:
        links = {"incident": wanted.incident, "assignedAgency": wanted.agency, "assignee": wanted.assignee}
        parts = [f"{name}=={json.dumps(value)}" for name, value in links.items() if value]
        if wanted.status:
            states = [TaskStatus.OPEN, TaskStatus.IN_PROGRESS]
            named = states if wanted.status == "pending" else wanted.status.split(",")
            for state in named:
                if state not in list(TaskStatus):
                    raise Invalid(f"must be pending, {', '.join(TaskStatus)}, not {state!r}", field="status")
            parts.append("status==" + ",".join(json.dumps(str(state)) for state in named))
        if wanted.due_before:
            parts.append(f"dueAt<{wanted.due_before}")
        return parse_q(";".join(parts), self._context) if parts else None
