"""What goes with an incident when its entity is deleted: its tasks and comments. It may be done again without harm."""

from __future__ import annotations

from rhinecloud.broker.service import Broker
from rhinecloud.changes.batch import Batch
from rhinecloud.incidents.model import INCIDENT
from rhinecloud.incidents.related import RelatedEntities
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.errors import NotFound
from rhinecloud.ngsild.change import ChangeKind

ACTOR = part("incidents")


class DeletionCascade:
    """Follows the stream and deletes what belonged to incidents that were deleted."""

    def __init__(self, broker: Broker, related: RelatedEntities, tenant: str = "") -> None:
        self._broker = broker
        self._related = related
        self._tenant = tenant

    async def handle(self, batch: Batch) -> None:
        """Process the deleted incidents of a batch; raise Unavailable where it must be handled again."""
        for change in batch.changes():
            is_gone = change.kind is ChangeKind.DELETED and INCIDENT in change.entity.type
            if is_gone and change.tenant == self._tenant:
                await self._delete_related(change.entity.id)

    async def _delete_related(self, incident_id: str) -> None:
        if await self._broker.find(ACTOR, self._tenant, incident_id) is not None:
            return  # created again under the same id
        ids = [entity.id async for entity in self._related.entities(ACTOR, [incident_id])]
        for entity_id in ids:
            try:
                await self._broker.delete(ACTOR, self._tenant, entity_id)
            except NotFound:
                continue
