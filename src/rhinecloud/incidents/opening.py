"""Which incident an alert belongs to: an open one that is about the same, one that was resolved lately, or its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from rhinecloud.broker.service import Broker
from rhinecloud.incidents import rules
from rhinecloud.incidents.errors import IllegalAct
from rhinecloud.incidents.model import Act, Incident, IncidentDraft, IncidentStatus
from rhinecloud.incidents.service import Incidents
from rhinecloud.incidents.settings import IncidentSettings
from rhinecloud.incidents.signal import AlertSignal, choose
from rhinecloud.incidents.transactions import ActRequest
from rhinecloud.kernel.actor import Actor, part
from rhinecloud.kernel.errors import NotFound
from rhinecloud.kernel.ids import derived_urn
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.geometry import distance_m
from rhinecloud.store.port import Decision, Put

ACTOR = part("incidents")
MOST_LISTED = 1000


class AlertIncidents:
    """Opens the incidents of alerts. Every step is idempotent: an alert that is attached stays attached."""

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

    async def escalate(self, actor: Actor, signal: AlertSignal) -> Incident:
        """Return the incident of an alert: the one it names, one that is about the same, or a new one."""
        incident = await self.join(signal, signal.incident) if signal.incident else None
        incident = incident or await self._join_similar(signal) or await self.open(actor, signal)
        await self.link(signal.id, incident.id)
        return incident

    async def open(self, actor: Actor, signal: AlertSignal, follows: str = "") -> Incident:
        """Open an incident of the alert's own, once; a further one for each incident that it `follows`."""
        before = await self._incidents.find_opened(derived_urn("Incident", signal.id), alert=signal.id)
        if before is not None and not follows:
            return before
        incident_id = self._incidents.derive("Incident", *filter(None, (signal.id, follows)))
        incident, _ = await self._incidents.open(actor, self._draft(signal, follows), incident_id)
        return incident

    async def join(self, signal: AlertSignal, incident_id: str) -> Incident | None:
        """Attach the alert to an incident; return None where that is closed or gone."""
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

    async def reopen(self, signal: AlertSignal, incident_id: str) -> Incident | None:
        """Reopen a resolved incident for an alert; return None where it is closed or gone."""
        rule = partial(
            rules.reopen_with_alert,
            alert_id=signal.id,
            fingerprint=signal.fingerprint,
            severity=signal.severity,
        )
        try:
            return await self._incidents.act(ACTOR, incident_id, 0, ActRequest(Act.REOPEN_WITH_ALERT, rule))
        except (NotFound, IllegalAct):
            return None

    async def link(self, alert_id: str, incident_id: str) -> None:
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

    def is_recently_resolved(self, incident: Incident) -> bool:
        """Return whether an incident was resolved so lately that it is opened again instead of a new one."""
        if incident.status is not IncidentStatus.RESOLVED or not incident.resolved_at:
            return False
        since = self._clock() - datetime.fromisoformat(incident.resolved_at)
        return since <= timedelta(seconds=self._settings.reopen_within_s)

    async def _join_similar(self, signal: AlertSignal) -> Incident | None:
        """Attach the alert to an incident that has it, or its fingerprint, or is near to it.

        One that was resolved lately is reopened for the same fingerprint.
        """
        still_open = await self._listed("open")
        if (found := _first(still_open, lambda incident: signal.id in incident.alerts)) or (
            found := _first(still_open, partial(_has_fingerprint, signal))
        ):
            return await self.join(signal, found.id)
        resolved = await self._listed(IncidentStatus.RESOLVED)
        if found := _first(resolved, lambda incident: signal.id in incident.alerts):
            return found  # the process ended before the alert named it
        if (found := _first(resolved, partial(_has_fingerprint, signal))) and self.is_recently_resolved(
            found
        ):
            return await self.reopen(signal, found.id)
        near = _first(still_open, partial(self._is_near, signal))
        return await self.join(signal, near.id) if near else None

    async def _listed(self, status: str) -> list[Incident]:
        page = await self._incidents.list(ACTOR, status=status, limit=MOST_LISTED, related=False)
        return list(page.items)

    def _is_near(self, signal: AlertSignal, incident: Incident) -> bool:
        reach = self._settings.attach_distance_m
        if not reach or signal.location is None or incident.location is None:
            return False
        same = signal.category == incident.category and signal.simulated == incident.simulated
        return same and distance_m(signal.location, incident.location) <= reach

    def _draft(self, signal: AlertSignal, follows: str) -> IncidentDraft:
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
            follows=follows,
        )


def _first(incidents: list[Incident], matches: Callable[[Incident], bool]) -> Incident | None:
    return next(filter(matches, incidents), None)


def _has_fingerprint(signal: AlertSignal, incident: Incident) -> bool:
    return bool(signal.fingerprint) and signal.fingerprint in incident.fingerprints


def _by_language(texts: dict[str, str]) -> dict[str, str]:
    """Return a text by language where the languages differ."""
    return dict(texts) if len(set(texts.values())) > 1 else {}
