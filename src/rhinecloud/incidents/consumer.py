"""The one consumer of incidents: alerts become incidents, and what belongs to a deleted incident is deleted."""

from __future__ import annotations

from rhinecloud.changes.batch import Batch, Selection
from rhinecloud.incidents.cascade import DeletionCascade
from rhinecloud.incidents.escalation import Escalation
from rhinecloud.incidents.model import ALERT, INCIDENT


class IncidentConsumer:
    """Handles batches of the stream for one tenant; every step is idempotent."""

    def __init__(self, escalation: Escalation, cascade: DeletionCascade, tenant: str = "") -> None:
        self._escalation = escalation
        self._cascade = cascade
        self._tenant = tenant

    @property
    def selection(self) -> Selection:
        """Return the changes that `handle` wants: the alerts and incidents of this tenant."""
        return Selection(self._tenant, frozenset({ALERT, INCIDENT}))

    async def handle(self, batch: Batch) -> None:
        """Process a batch; raise Unavailable where it must be handled again."""
        await self._escalation.handle(batch)
        await self._cascade.handle(batch)
