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
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.query import EntityQuery, parse_q
from rhinecloud.risk.alert_acts import SHELVING
from rhinecloud.risk.alert_entity import RESOLVED, AlertEdit
from rhinecloud.risk.engine import ALERT
from rhinecloud.store.port import Decision

ACTOR = part("risk")
PAGE = 1000
POLL_S = 5.0
"""Interval at which the entities are read again: another process may have changed them."""

logger = logging.getLogger(__name__)


class Suppression:
    """Unshelves the alerts of one tenant. Every step is idempotent."""

    def __init__(self, broker: Broker, context: Context, clock: Clock, tenant: str = "") -> None:
        self._broker = broker
        self._context = context
        self._clock = clock
        self._tenant = tenant
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Look at once: something was shelved."""
        self._changed.set()

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
        dues = []
        for alert in await self._entities(ALERT, "shelvedUntil"):
            until = _time(AlertEdit(alert, self._context).value("shelvedUntil"))
            if until is None or until <= self._clock():
                await self._unshelve(alert.id)
            else:
                dues.append(until)
        return min(dues, default=None)

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


def _time(text: object) -> datetime | None:
    """Return a DateTime that this part wrote; None for any other value."""
    try:
        return parse_time(str(text)) if text else None
    except RhineCloudError:
        return None
