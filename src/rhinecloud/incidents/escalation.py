"""From alert to incident: by rule or by hand, once for each alert, and what follows when the alerts are over.

Every step is idempotent: an incident's id is derived from its first alert's, an alert that is attached stays attached,
and that all alerts are over is noted once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from rhinecloud.broker.service import Broker
from rhinecloud.changes.batch import Batch
from rhinecloud.incidents import rules
from rhinecloud.incidents.errors import IllegalAct
from rhinecloud.incidents.model import Act, Incident, IncidentDraft
from rhinecloud.incidents.service import Incidents
from rhinecloud.incidents.settings import IncidentSettings
from rhinecloud.incidents.signal import AlertSignal, choose, is_alert, read_signal
from rhinecloud.incidents.transactions import ActRequest
from rhinecloud.kernel.actor import Actor, part
from rhinecloud.kernel.errors import NotFound, RhineCloudError, Unavailable
from rhinecloud.kernel.ids import derived_urn
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.change import Change
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.geometry import distance_m
from rhinecloud.store.port import Decision, Put

NAME = "incidents"
ACTOR = part(NAME)
MOST_OPEN = 1000

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
        self._clock = clock
        self._settings = settings
        self._tenant = tenant
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
        self._incidents.rights.check_open(actor)
        return await self._escalate(actor, read_signal(entity, self._context))

    async def _process(self, change: Change) -> None:
        """Act on the alert as it is now: the change may be long past."""
        stored = await self._broker.find(ACTOR, self._tenant, change.entity.id)
        if stored is None:
            return
        signal = read_signal(stored.entity(), self._context)
        if signal.is_active and signal.calls_for_incident and not signal.incident:
            await self._escalate(ACTOR, signal)
        elif not signal.is_active and signal.incident:
            await self._note_alerts_over(signal.incident)
        elif signal.is_active and signal.incident and self._context.expand("severity") in change.previous:
            rule = partial(rules.raise_severity, severity=signal.severity)
            await self._incidents.act(ACTOR, signal.incident, 0, ActRequest(Act.SEVERITY, rule))

    async def _escalate(self, actor: Actor, signal: AlertSignal) -> Incident:
        incident = await self._join(signal, signal.incident) if signal.incident else None
        incident = incident or await self._join_open(signal)
        if incident is None:
            incident, _ = await self._incidents.open(
                actor, self._draft(signal), derived_urn("Incident", signal.id)
            )
        await self._link(signal.id, incident.id)
        return incident

    async def _join_open(self, signal: AlertSignal) -> Incident | None:
        """Attach the alert to an open incident that is about the same: it has it, or the fingerprint, or the place."""
        page = await self._incidents.list(ACTOR, status="open", limit=MOST_OPEN, related=False)
        about: tuple[Callable[[Incident], bool], ...] = (
            lambda incident: signal.id in incident.alerts,
            lambda incident: bool(signal.fingerprint) and signal.fingerprint in incident.fingerprints,
            lambda incident: self._is_near(signal, incident),
        )
        for is_about in about:
            for incident in page.items:
                if is_about(incident):
                    return await self._join(signal, incident.id)
        return None

    async def _join(self, signal: AlertSignal, incident_id: str) -> Incident | None:
        rule = partial(
            rules.attach_alert,
            alert_id=signal.id,
            fingerprint=signal.fingerprint,
            severity=signal.severity,
        )
        try:
            return await self._incidents.act(ACTOR, incident_id, 0, ActRequest(Act.ATTACH_ALERT, rule))
        except (NotFound, IllegalAct):
            return None  # closed or gone since: the alert gets one of its own

    def _is_near(self, signal: AlertSignal, incident: Incident) -> bool:
        reach = self._settings.attach_distance_m
        if not reach or signal.location is None or incident.location is None:
            return False
        same = signal.category == incident.category and signal.simulated == incident.simulated
        return same and distance_m(signal.location, incident.location) <= reach

    def _draft(self, signal: AlertSignal) -> IncidentDraft:
        language = self._settings.language
        return IncidentDraft(
            title=choose(signal.title, language) or "Alert",
            titles=_by_language(signal.title),
            description=choose(signal.text, language),
            descriptions=_by_language(signal.text),
            severity=signal.severity,
            category=signal.category,
            location=signal.location,
            alerts=(signal.id,),
            fingerprints=(signal.fingerprint,) if signal.fingerprint else (),
            simulated=signal.simulated,
            resolves_with_alerts=signal.resolves_incident,
        )

    async def _link(self, alert_id: str, incident_id: str) -> None:
        """Write the alert's Relationship to its incident."""
        now = format_time(self._clock())
        iri = self._context.expand("incident")

        def decide(alert: Entity | None) -> Decision:
            present = alert.first(iri) if alert else None
            if alert is None or (present is not None and present.value == incident_id):
                return None
            link = Instance(type="Relationship", value=incident_id)
            patched = patch.append(alert, Entity(id=alert.id, type=[], attrs={iri: [link]}), now)
            return Put(patched.entity, patched.changed, patched.previous)

        await self._broker.edit(ACTOR, self._tenant, alert_id, decide)

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


def _by_language(texts: dict[str, str]) -> dict[str, str]:
    """Return a text by language where the languages differ."""
    return dict(texts) if len(set(texts.values())) > 1 else {}
