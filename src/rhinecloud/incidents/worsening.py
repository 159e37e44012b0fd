"""What an alert that becomes more severe does to its incident, also where that is resolved or closed already.

An open incident gets the severity. One that was resolved lately is reopened. Where it was resolved long ago or closed,
whatever the reason, the alert gets a new incident that names the earlier one; of a duplicate the other incident counts.
"""

from __future__ import annotations

from functools import partial

from rhinecloud.incidents import rules
from rhinecloud.incidents.errors import IllegalAct, NoSuchIncident
from rhinecloud.incidents.model import Act, ClosingReason, Incident
from rhinecloud.incidents.opening import ACTOR, AlertIncidents
from rhinecloud.incidents.service import Incidents
from rhinecloud.incidents.signal import AlertSignal
from rhinecloud.incidents.transactions import ActRequest

ATTEMPTS = 3
"""How often an incident is read again that somebody resolved, closed or reopened at the same moment."""
MOST_DUPLICATES = 10


class Worsening:
    """Follows alerts that became more severe."""

    def __init__(self, incidents: Incidents, opening: AlertIncidents) -> None:
        self._incidents = incidents
        self._opening = opening

    async def follow(self, signal: AlertSignal, at: str = "") -> None:
        """Write the severity that an alert reached at `at` (ISO 8601) to its incident, or open a new one.

        Without `at` a resolved or closed incident counts only where the alert is more severe than that.
        """
        for _ in range(ATTEMPTS):
            incident = await self._find(signal.incident)
            if incident is None:
                if at:
                    await self._open_next(signal, signal.incident)
                return
            if await self._apply(signal, at, incident):
                return

    async def _apply(self, signal: AlertSignal, at: str, incident: Incident) -> bool:
        """Return whether the incident was still in the state that it was read in."""
        if incident.is_open:
            return await self._raise(signal, incident)
        if not rules.is_unheard(incident, at, signal.severity):
            return True
        if self._opening.is_recently_resolved(incident):
            return await self._opening.reopen(signal, incident.id) is not None
        if following := await self._open_next(signal, incident.id):
            rule = partial(rules.note_follow_up, following=following.id)
            await self._incidents.act(ACTOR, incident.id, 0, ActRequest(Act.NOTE_FOLLOW_UP, rule))
        return True

    async def _raise(self, signal: AlertSignal, incident: Incident) -> bool:
        rule = partial(rules.raise_severity, severity=signal.severity)
        try:
            await self._incidents.act(ACTOR, incident.id, 0, ActRequest(Act.SEVERITY, rule))
        except IllegalAct:
            return False
        if incident.id != signal.incident:
            await self._opening.join(signal, incident.id)
            await self._opening.link(signal.id, incident.id)
        return True

    async def _open_next(self, signal: AlertSignal, earlier: str) -> Incident | None:
        """Open the incident that follows an earlier one; return None where the alert calls for none."""
        if not signal.calls_for_incident:
            return None
        following = await self._opening.open(ACTOR, signal, follows=earlier)
        await self._opening.link(signal.id, following.id)
        return following

    async def _find(self, incident_id: str) -> Incident | None:
        """Return the incident, for a duplicate the one that it is a duplicate of; None where it is gone."""
        found: Incident | None = None
        try:
            for _ in range(MOST_DUPLICATES):
                found = await self._incidents.get(ACTOR, incident_id)
                if found.closing_reason is not ClosingReason.DUPLICATE:
                    break
                incident_id = found.duplicate_of
        except NoSuchIncident:
            pass
        return found
