"""Tasks and comments are entities of the city: assigned, queried, guarded and followed like all others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from incidents.assembly import (
    CONTEXT,
    FIRE,
    FIREFIGHTER,
    OFFICER,
    OPERATOR,
    POLICE,
    READER,
    IncidentCity,
    open_incidents,
)
from rhinecloud.changes.batch import Batch
from rhinecloud.incidents.cascade import DeletionCascade
from rhinecloud.incidents.errors import LimitReached, NoSuchTask, StaleVersion
from rhinecloud.incidents.model import (
    COMMENT,
    TASK,
    ClosingReason,
    Incident,
    IncidentDraft,
    TaskDraft,
    TaskStatus,
)
from rhinecloud.incidents.related import TaskFilter
from rhinecloud.incidents.rules import MOST_TASKS
from rhinecloud.incidents.timeline import describe_changes
from rhinecloud.kernel.actor import Actor, Role, part
from rhinecloud.kernel.errors import Forbidden, Invalid
from rhinecloud.ngsild.change import ChangeKind
from rhinecloud.ngsild.query import EntityQuery, parse_q
from rhinecloud.ngsild.representation import parse_entity
from rhinecloud.policy import Denied
from rhinecloud.store.port import Stored
from rhinecloud.stream.port import Frame

PARTNER = Actor("user:pia", "Pia", frozenset({Role.PARTNER}))
ADMIN = Actor("user:ada", "Ada", frozenset({Role.ADMIN}))
ROADBLOCK = TaskDraft(title="Close the road", agency=POLICE, due_at="2026-03-01T13:00:00Z")


async def opened(city: IncidentCity, agency: str = FIRE) -> Incident:
    return (await city.incidents.open(OPERATOR, IncidentDraft(title="Flood", agency=agency)))[0]


async def found(city: IncidentCity, actor: Actor, kind: str, q: str = "") -> list[Stored]:
    condition = parse_q(q, CONTEXT) if q else None
    return (await city.broker.query(actor, "", EntityQuery(types=((kind,),), q=condition))).items


async def test_a_task_is_an_entity_that_names_incident_agency_and_due_time(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident = await opened(city)
        incident = await city.incidents.add_task(FIREFIGHTER, incident.id, 1, ROADBLOCK)
        (task,) = incident.tasks
        query = (
            f'incident=="{incident.id}";assignedAgency=="{POLICE}";status=="open";dueAt<2026-03-01T14:00:00Z'
        )
        (stored,) = await found(city, READER, TASK, query)
        entity = stored.entity()
        assert (entity.id, entity.first(CONTEXT.expand("title")).value) == (task.id, "Close the road")
        assert entity.first(CONTEXT.expand("author")).value == FIREFIGHTER.id
        assert task.id.startswith("urn:ngsi-ld:Task:")
        assert await city.incidents.get(READER, incident.id) == incident


async def test_a_comment_is_an_entity_that_names_incident_and_author(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident = await opened(city)
        incident = await city.incidents.comment(FIREFIGHTER, incident.id, 1, "Water falls")
        (stored,) = await found(city, READER, COMMENT, f'incident=="{incident.id}"')
        entity = stored.entity()
        attributes = [entity.first(CONTEXT.expand(name)).value for name in ("text", "author", "authorName")]
        assert attributes == ["Water falls", FIREFIGHTER.id, "Fred"]
        assert [(each.id, each.text) for each in incident.comments] == [(entity.id, "Water falls")]


async def test_an_act_and_its_task_are_one_transaction(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident = await opened(city)
        before = city.store.last_change()
        answers = await asyncio.gather(
            *(city.incidents.add_task(OPERATOR, incident.id, 1, ROADBLOCK) for _ in range(5)),
            return_exceptions=True,
        )
        refused = [each for each in answers if isinstance(each, StaleVersion)]
        assert len(refused) == 4
        assert "you saw version 1, it is at 2, where Olga did: add_task" in str(refused[0])
        assert len(await found(city, READER, TASK)) == 1
        changes = [each for each in await city.changes() if each.seq > before]
        assert [(each.kind, each.actor) for each in changes] == [
            (ChangeKind.UPDATED, OPERATOR.id),
            (ChangeKind.CREATED, OPERATOR.id),
        ]
        assert len({each.at for each in changes}) == 1


async def test_an_agency_changes_its_task_in_an_incident_that_another_one_has(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident = await opened(city)
        incident = await city.incidents.add_task(FIREFIGHTER, incident.id, 1, ROADBLOCK)
        (task,) = incident.tasks
        incident = await city.incidents.change_task(
            OFFICER, incident.id, 2, task.id, {"status": TaskStatus.IN_PROGRESS, "assignee": OFFICER.id}
        )
        incident = await city.incidents.change_task(OFFICER, incident.id, 3, task.id, {"done": True})
        assert (incident.version, incident.tasks[0].done_by) == (4, OFFICER.id)
        with pytest.raises(Denied, match="Paul may not change task Incident"):
            await city.incidents.change_task(OFFICER, incident.id, 4, task.id, {"agency": FIRE})
        with pytest.raises(Denied, match="Paul may not add task Incident"):
            await city.incidents.add_task(OFFICER, incident.id, 4, TaskDraft(title="x"))
        with pytest.raises(Denied):
            await city.incidents.change_task(READER, incident.id, 4, task.id, {"done": False})
        handed = await city.incidents.change_task(FIREFIGHTER, incident.id, 4, task.id, {"agency": FIRE})
        with pytest.raises(Denied):
            await city.incidents.change_task(OFFICER, incident.id, handed.version, task.id, {"done": False})


async def test_an_agency_does_its_tasks_by_acts_and_not_over_ngsi_ld(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident = await opened(city)
        incident = await city.incidents.add_task(FIREFIGHTER, incident.id, 1, ROADBLOCK)
        incident = await city.incidents.add_task(FIREFIGHTER, incident.id, 2, TaskDraft(title="Pump"))
        theirs, other = incident.tasks
        written = {"id": theirs.id, "type": "Task", "status": "done"}
        (answer,) = await city.broker.upsert(OFFICER, "", [parse_entity(written, CONTEXT)])
        assert isinstance(answer, Forbidden)
        assert "incidents.change_task" in str(answer)
        done = {"status": TaskStatus.DONE}
        with pytest.raises(Forbidden):
            await city.incidents.change_task(OFFICER, incident.id, 3, other.id, done)
        await city.incidents.change_task(OFFICER, incident.id, 3, theirs.id, done)
        assert await found(city, PARTNER, TASK) == await found(city, PARTNER, COMMENT) == []
        changes = [each for task in incident.tasks for each in await city.changes(task.id)]
        events = describe_changes([*await city.changes(incident.id), *changes], CONTEXT, {})
        assert [event.act for event in events] == ["open", "add_task", "add_task", "change_task"]


async def test_closing_cancels_open_tasks_in_the_same_transaction(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident = await opened(city)
        for title in ("a", "b", "c"):
            incident = await city.incidents.add_task(
                OPERATOR, incident.id, incident.version, TaskDraft(title=title)
            )
        done = await city.incidents.change_task(
            OPERATOR, incident.id, 4, incident.tasks[1].id, {"done": True}
        )
        closed = await city.incidents.close(OPERATOR, incident.id, done.version, ClosingReason.TEST)
        assert [task.status.value for task in closed.tasks] == ["cancelled", "done", "cancelled"]
        assert len(await found(city, READER, TASK, 'status=="cancelled"')) == 2
        again = await city.incidents.reopen(OPERATOR, incident.id, closed.version)
        opened_again = await city.incidents.change_task(
            OPERATOR, again.id, again.version, again.tasks[0].id, {"status": TaskStatus.OPEN}
        )
        assert [task.status.value for task in opened_again.tasks] == ["open", "done", "cancelled"]


async def test_a_deleted_incident_takes_its_tasks_and_comments_with_it(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        kept = await opened(city)
        await city.incidents.add_task(OPERATOR, kept.id, 1, TaskDraft(title="stays"))
        gone = await opened(city)
        await city.incidents.add_task(OPERATOR, gone.id, 1, TaskDraft(title="goes"))
        await city.incidents.comment(OPERATOR, gone.id, 2, "goes")
        await city.incidents.delete(ADMIN, gone.id)
        cascade = DeletionCascade(city.broker, city.incidents.related)
        for _ in range(2):
            for row in await city.store.changes(0, 1000):
                await cascade.handle(Batch(Frame(row.seq, row.seq, b"[" + row.body + b"]"), row.seq - 1))
        assert [each.id for each in await found(city, READER, TASK)] == [
            (await city.incidents.get(OPERATOR, kept.id)).tasks[0].id
        ]
        assert await found(city, READER, COMMENT) == []


async def test_a_task_of_another_incident_is_not_found_in_this_one(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        one, other = await opened(city), await opened(city)
        one = await city.incidents.add_task(OPERATOR, one.id, 1, TaskDraft(title="x"))
        with pytest.raises(NoSuchTask):
            await city.incidents.change_task(OPERATOR, other.id, 1, one.tasks[0].id, {"done": True})
        with pytest.raises(NoSuchTask):
            await city.incidents.change_task(OPERATOR, other.id, 1, other.id, {"done": True})
        with pytest.raises(Invalid, match="no agency"):
            await city.incidents.add_task(OPERATOR, other.id, 1, TaskDraft(title="x", agency="urn:x:none"))


async def test_an_incident_has_no_more_tasks_than_can_be_shown(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident = await opened(city)
        tasks = [
            parse_entity(
                {"id": f"urn:x:{n}", "type": "Task", "incident": {"object": incident.id}, "title": "x"},
                CONTEXT,
            )
            for n in range(MOST_TASKS)
        ]
        await city.broker.upsert(part("import"), "", tasks)
        with pytest.raises(LimitReached, match="200 tasks"):
            await city.incidents.add_task(OPERATOR, incident.id, 1, TaskDraft(title="x"))


async def test_tasks_are_listed_by_agency_state_and_due_time(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        incident = await opened(city)
        incident = await city.incidents.add_task(OPERATOR, incident.id, 1, ROADBLOCK)
        incident = await city.incidents.add_task(
            OPERATOR, incident.id, 2, TaskDraft(title="Pump", agency=FIRE, assignee="Frida")
        )
        await city.incidents.change_task(OPERATOR, incident.id, 3, incident.tasks[1].id, {"done": True})

        async def titles(wanted: TaskFilter) -> list[str]:
            page = await city.incidents.list_tasks(READER, wanted)
            assert all(of is not None and of.id == incident.id for _, of in page.items)
            assert page.total == len(page.items)
            return [task.title for task, _ in page.items]

        assert await titles(TaskFilter()) == ["Pump", "Close the road"]
        assert await titles(TaskFilter(agency=POLICE)) == ["Close the road"]
        assert await titles(TaskFilter(status="pending")) == ["Close the road"]
        assert await titles(TaskFilter(status="done,cancelled")) == ["Pump"]
        assert await titles(TaskFilter(assignee="Frida", incident=incident.id)) == ["Pump"]
        assert await titles(TaskFilter(due_before="2026-03-01T13:00:01Z")) == ["Close the road"]
        assert await titles(TaskFilter(due_before="2026-03-01T13:00:00Z")) == []
        with pytest.raises(Invalid, match="must be pending, open"):
            await titles(TaskFilter(status="broken"))
