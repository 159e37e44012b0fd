"""The worker that ends what suppresses alerts when its time is over, also after a restart."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from rhinecloud.broker.service import Broker
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.kernel.time import Clock, format_time, parse_time
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.query import EntityQuery, parse_q
from rhinecloud.risk.alert_acts import SHELVING
from rhinecloud.risk.alert_entity import RESOLVED, AlertEdit
from rhinecloud.risk.engine import ALERT
from rhinecloud.risk.model import RuleOutcome
from rhinecloud.risk.silences import AlertSilence, AlertTraits, Silences
from rhinecloud.store.port import Decision

ACTOR = part("risk")
PAGE = 1000
POLL_S = 5.0
"""Interval at which the entities are read again: another process may have changed them."""

logger = logging.getLogger(__name__)


class Suppression:
    """Unshelves the alerts of one tenant, and marks those that silences match. Every step is idempotent."""

    def __init__(
        self, broker: Broker, silences: Silences, context: Context, clock: Clock, tenant: str = ""
    ) -> None:
        self._silences = silences
        self._known: list[AlertSilence] = []
        self._broker = broker
        self._context = context
        self._clock = clock
        self._tenant = tenant
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Look at once: something was shelved."""
        self._changed.set()

    def silences_of(self, outcome: RuleOutcome) -> list[str]:
        """Return the ids of the silences in force for a new alert."""
        types = tuple(outcome.entity_types)
        traits = AlertTraits(outcome.rule, types, outcome.entity_id, outcome.category, outcome.location)
        return self._matching(traits)

    def _matching(self, traits: AlertTraits) -> list[str]:
        now = self._clock()
        return sorted(each.view.id for each in self._known if each.is_active(now) and each.matches(traits))

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._changed.clear()
            due: datetime | None = None
            try:
                due = await self.update()
            except RhineCloudError as error:
                logger.warning("suppressed alerts could not be updated: %s", error)
            wait_s = min(POLL_S, max(0.0, (due - self._clock()).total_seconds())) if due else POLL_S
            try:
                await asyncio.wait_for(self._changed.wait(), wait_s)
            except TimeoutError:
                continue

    async def update(self) -> datetime | None:
        """Unshelve what is due; return when there is something to do next, None for nothing known."""
        views = await self._silences.list(ACTOR)
        self._known = [AlertSilence(each) for each in views if each.status != "expired"]
        now = self._clock()
        dues = [at for each in self._known for at in (each.starts_at, each.ends_at) if at > now]
        silenced = "suppressedBy" if not self._known else ""
        for alert in await self._entities(
            ALERT, f'(status=="active"|!status){";" * bool(silenced)}{silenced}'
        ):
            if self._silence(alert) is not None:
                await self._broker.edit(ACTOR, self._tenant, alert.id, self._silence)
        for alert in await self._entities(ALERT, "shelvedUntil"):
            until = _time(AlertEdit(alert, self._context).value("shelvedUntil"))
            if until is None or until <= self._clock():
                await self._unshelve(alert.id)
            else:
                dues.append(until)
        return min(dues, default=None)

    def _silence(self, alert: Entity | None) -> Decision:
        """Decide which silences stand in an alert: those that match it now."""
        edit = AlertEdit(alert, self._context) if alert else None
        if edit is None or edit.value("status") == RESOLVED:
            return None
        wanted, present = self._matching(_traits(edit)), edit.value("suppressedBy") or []
        if wanted == ([present] if isinstance(present, str) else sorted(present)):
            return None
        if wanted:
            edit.put("suppressedBy", Instance(type="Relationship", value=wanted))
        else:
            edit.drop("suppressedBy")
        return edit.decision(format_time(self._clock()))

    async def _unshelve(self, alert_id: str) -> None:
        now = self._clock()

        def decide(alert: Entity | None) -> Decision:
            edit = AlertEdit(alert, self._context) if alert else None
            until = _time(edit.value("shelvedUntil")) if edit else None
            if edit is None or until is None or until > now or edit.value("status") == RESOLVED:
                return None
            edit.drop(*SHELVING)
            return edit.decision(format_time(now))

        await self._broker.edit(ACTOR, self._tenant, alert_id, decide)

    async def _entities(self, iri: str, condition: str) -> list[Entity]:
        found: list[Entity] = []
        while True:
            query = EntityQuery(
                types=((iri,),), q=parse_q(condition, self._context), limit=PAGE, offset=len(found)
            )
            page = await self._broker.query(ACTOR, self._tenant, query)
            found += [stored.entity() for stored in page.items]
            if not page.more:
                return found


def _traits(alert: AlertEdit) -> AlertTraits:
    types, source = alert.value("alertSourceType") or (), str(alert.value("alertSource") or "")
    listed = (types,) if isinstance(types, str) else tuple(types)
    rule, category = str(alert.value("rule") or ""), str(alert.value("category") or "")
    return AlertTraits(rule, listed, source, category, alert.value("location"))


def _time(text: object) -> datetime | None:
    """Return a DateTime that this part wrote; None for any other value."""
    try:
        return parse_time(str(text)) if text else None
    except RhineCloudError:
        return None
