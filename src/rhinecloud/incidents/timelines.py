"""The timelines of incidents: the history of an incident's entity and of its tasks, with the agencies' names."""

from __future__ import annotations

from rhinecloud.broker.service import Broker
from rhinecloud.history.port import History
from rhinecloud.incidents.contract import NameOf
from rhinecloud.incidents.model import AGENCY, Incident
from rhinecloud.incidents.service import Incidents
from rhinecloud.incidents.timeline import LANGUAGES, Event, describe_changes
from rhinecloud.kernel.actor import Actor
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.query import EntityQuery

MOST_AGENCIES = 1000
MOST_CHANGES = 2000


class Timelines:
    """Reads the history of incidents."""

    def __init__(
        self,
        incidents: Incidents,
        history: History,
        broker: Broker,
        context: Context,
        tenant: str = "",
        name_of: NameOf = str,
    ) -> None:
        self._incidents = incidents
        self._history = history
        self._broker = broker
        self._context = context
        self._tenant = tenant
        self._name_of = name_of

    async def timeline(self, actor: Actor, incident_id: str) -> list[Event]:
        """Return what happened to an incident, oldest first; raise NoSuchIncident, or Forbidden as reading it does."""
        incident = await self._incidents.get(actor, incident_id)
        changes = await self._history.changes_of(self._tenant, incident_id, limit=MOST_CHANGES)
        version = changes[-1].entity.first(self._context.expand("version")) if changes else None
        newest = await self._newest(actor, incident)
        if newest is not None and (version is None or version.value != incident.version):
            changes = [*changes, newest]
        for task in incident.tasks:
            changes += await self._history.changes_of(self._tenant, task.id, limit=MOST_CHANGES)
        return describe_changes(changes, self._context, await self._agencies(actor), self._name_of)

    async def _newest(self, actor: Actor, incident: Incident) -> Change | None:
        """Return the last act's change, made of the entity as it is: the history has it a moment later."""
        stored = await self._broker.find(actor, self._tenant, incident.id)
        if stored is None or incident.last is None:
            return None
        entity = stored.entity()
        return Change(
            kind=ChangeKind.CREATED if incident.version == 1 else ChangeKind.UPDATED,
            at=entity.modified_at,
            actor=incident.last.by,
            entity=entity,
            changed=[self._context.expand("act")],
        )

    async def _agencies(self, actor: Actor) -> dict[str, dict[str, str]]:
        """Return the names of agencies by language, by id; a single name stands for every language."""
        query = EntityQuery(types=((AGENCY,),), limit=MOST_AGENCIES)
        page = await self._broker.query(actor, self._tenant, query)
        names = {}
        for stored in page.items:
            entity = stored.entity()
            name, title = (entity.first(self._context.expand(each)) for each in ("name", "title"))
            single = str(name.value) if name else stored.id
            titles = title.value if title and isinstance(title.value, dict) else {}
            names[stored.id] = {**dict.fromkeys(LANGUAGES, single), **titles}
        return names
