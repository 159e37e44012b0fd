"""From alert to incident: by rule or by hand, once for each alert, and what follows when the alerts are over.

What counts is what each change of an alert says: one that came and went before it was heard opens its incident as well.
Every step is idempotent: an incident's id is derived from its first alert's, an alert that is attached stays attached,
and that all alerts are over is noted once.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from rhinecloud.broker.service import Broker
from rhinecloud.changes.batch import Batch
from rhinecloud.incidents import rules
from rhinecloud.incidents.model import Act, Incident
from rhinecloud.incidents.opening import ACTOR, AlertIncidents
from rhinecloud.incidents.service import Incidents
from rhinecloud.incidents.settings import IncidentSettings
from rhinecloud.incidents.signal import SUPPRESSING, AlertSignal, is_alert, read_signal
from rhinecloud.incidents.transactions import ActRequest
from rhinecloud.incidents.worsening import Worsening
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import NotFound, RhineCloudError, Unavailable
from rhinecloud.kernel.severity import Severity
from rhinecloud.kernel.time import Clock
from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.context import Context

logger = logging.getLogger(__name__)


class Escalation:
    """Follows alerts on the stream and opens incidents; also opens one on request."""

    def __init__(
        self,
        incidents: Incidents,
        broker: Broker,
        context: Context,
        clock: Clock,
        settings: IncidentSettings,
        tenant: str = "",
    ) -> None:
        self._incidents = incidents
        self._broker = broker
        self._context = context
        self._tenant = tenant
        self._opening = AlertIncidents(incidents, broker, context, clock, settings, tenant)
        self._worsening = Worsening(incidents, self._opening)
        self.refused = 0

    async def handle(self, batch: Batch) -> None:
        """Process the alerts of a batch; raise Unavailable where it must be handled again."""
        for change in batch.changes():
            if change.tenant != self._tenant or not is_alert(change.entity):
                continue
            try:
                await self._process(change)
            except Unavailable:
                raise
            except RhineCloudError as error:
                self.refused += 1
                logger.warning("alert %s led to no incident: %s", change.entity.id, error)

    async def open_by_hand(self, actor: Actor, alert_id: str) -> Incident:
        """Open the incident of an alert, or return the one that has it; raise NotFound or Denied."""
        stored = await self._broker.find(actor, self._tenant, alert_id)
        entity = stored.entity() if stored else None
        if entity is None or not is_alert(entity):
            raise NotFound(f"there is no alert {alert_id}")
        self._incidents.rights.check_could(actor, Act.OPEN)
        return await self._opening.escalate(actor, read_signal(entity, self._context))

    async def _process(self, change: Change) -> None:
        """Act on what the change says: that an alert was active, or became more severe, stays a fact when it is over.

        Its incident is read from the alert as it is now, because an earlier change may have opened one.
        """
        then = read_signal(change.entity, self._context)
        stored = await self._broker.find(ACTOR, self._tenant, then.id)
        now = read_signal(stored.entity(), self._context) if stored and is_alert(stored.entity()) else None
        signal = replace(then, incident=(now or then).incident)
        if change.kind is not ChangeKind.DELETED and then.is_active and not then.is_suppressed:
            if then.calls_for_incident and not signal.incident:
                signal = replace(signal, incident=(await self._opening.escalate(ACTOR, signal)).id)
            elif signal.incident and self._is_worse(change, then):
                await self._worsening.follow(signal, change.at)
            elif signal.incident and self._is_released(change):
                await self._worsening.follow(signal)
        if signal.incident and (now is None or not (then.is_active or now.is_active)):
            await self._note_alerts_over(signal.incident)

    def _is_released(self, change: Change) -> bool:
        """Return whether a change ended what suppressed an alert; it may have become more severe meanwhile."""
        return any(self._context.expand(name) in change.previous for name in SUPPRESSING)

    def _is_worse(self, change: Change, now: AlertSignal) -> bool:
        """Return whether a change raised the severity of an alert."""
        before = change.previous.get(self._context.expand("severity"), [])
        return any(
            each.value in list(Severity) and Severity(each.value).rank < now.severity.rank for each in before
        )

    async def _note_alerts_over(self, incident_id: str) -> None:
        """Note in the incident that none of its alerts is active any more, where that is so."""
        stored = await self._broker.find(ACTOR, self._tenant, incident_id)
        if stored is None:
            return
        for alert_id in (await self._incidents.get(ACTOR, incident_id)).alerts:
            alert = await self._broker.find(ACTOR, self._tenant, alert_id)
            if alert is not None and read_signal(alert.entity(), self._context).is_active:
                return
        await self._incidents.act(ACTOR, incident_id, 0, ActRequest(Act.ALERTS_OVER, rules.alerts_over))
