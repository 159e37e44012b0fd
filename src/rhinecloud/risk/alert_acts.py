"""What people do to alerts, in the words of ISA-18.2 and EEMUA 191: acknowledge, shelve, unshelve, and clear by hand.

An alert that is cleared by hand while its condition still holds comes back by a new onset only: when the condition was
false in between, or when it becomes more severe.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from rhinecloud.broker.service import Broker
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Conflict, Invalid, NotFound
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.policy import Authorization
from rhinecloud.risk.alert_entity import RESOLVED, AlertEdit
from rhinecloud.risk.engine import ALERT
from rhinecloud.store.port import Decision

BY_HAND = "operator"
"""The `resolution` of an alert that a person cleared."""
SHELVING = ("shelvedAt", "shelvedUntil", "shelvedBy", "shelvingReason")


class AlertAct(StrEnum):
    """What people do to an alert."""

    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    CLEAR = "clear"

    @property
    def action(self) -> str:
        """Return the name as an action of the policy."""
        return f"risk.{self}_alert"


Change = Callable[[AlertEdit], None]
"""Writes what an act changes; none where the alert is as it shall be already."""


class AlertActs:
    """Does acts to the alerts of one tenant; each is idempotent."""

    def __init__(
        self,
        broker: Broker,
        policy: Authorization,
        context: Context,
        clock: Clock,
        most_s: float,
        tenant: str = "",
    ) -> None:
        """An alert is shelved for `most_s` seconds at most."""
        self._broker = broker
        self._policy = policy
        self._context = context
        self._clock = clock
        self._most_s = most_s
        self._tenant = tenant

    async def acknowledge(self, actor: Actor, alert_id: str, note: str = "") -> Entity:
        """Record that somebody has seen an alert. Raise NotFound, Denied, or Conflict where it is over."""

        def change(alert: AlertEdit) -> None:
            if not alert.has("acknowledgedAt"):
                alert.set_time("acknowledgedAt", self._clock())
                alert.set_texts(acknowledgedBy=actor.id, acknowledgementNote=note)

        return await self._act(actor, AlertAct.ACKNOWLEDGE, alert_id, change)

    async def shelve(self, actor: Actor, alert_id: str, until: datetime, reason: str) -> Entity:
        """Suppress an alert for some time: no notice and no incident. Raise also Invalid for a time or reason."""
        now = self._clock()
        if not now < until <= now + timedelta(seconds=self._most_s):
            latest = format_time(now + timedelta(seconds=self._most_s))
            raise Invalid(f"must lie in the future, at most at {latest}", field="until")
        if not reason.strip():
            raise Invalid("must not be empty", field="reason")

        def change(alert: AlertEdit) -> None:
            alert.set_time("shelvedAt", now)
            alert.set_time("shelvedUntil", until)
            alert.set_texts(shelvedBy=actor.id, shelvingReason=reason)

        return await self._act(actor, AlertAct.SHELVE, alert_id, change)

    async def unshelve(self, actor: Actor, alert_id: str) -> Entity:
        """End the shelving of an alert before its time."""
        return await self._act(actor, AlertAct.UNSHELVE, alert_id, lambda alert: alert.drop(*SHELVING))

    async def clear(self, actor: Actor, alert_id: str, note: str = "") -> Entity:
        """End an alert by hand."""

        def change(alert: AlertEdit) -> None:
            now = self._clock()
            alert.set_time("resolvedAt", now)
            alert.set_time("validTo", now)
            alert.set_texts(status=RESOLVED, resolution=BY_HAND, resolvedBy=actor.id, resolutionNote=note)
            alert.drop(*SHELVING)

        return await self._act(actor, AlertAct.CLEAR, alert_id, change)

    async def _act(self, actor: Actor, act: AlertAct, alert_id: str, change: Change) -> Entity:
        now = format_time(self._clock())

        def decide(alert: Entity | None) -> Decision:
            if alert is None or ALERT not in alert.type:
                self._policy.check_could(actor, act.action, self._tenant)
                raise NotFound(f"there is no alert {alert_id}")
            self._policy.check(actor, act.action, self._tenant, entity=alert)
            edit = AlertEdit(alert, self._context)
            if edit.value("status") == RESOLVED:
                if act is AlertAct.CLEAR:
                    return None
                raise Conflict(f"the alert is over: {act} is not possible")
            change(edit)
            return edit.decision(now)

        written = await self._broker.edit(actor, self._tenant, alert_id, decide, action=act.action)
        if written.entity is None:
            raise NotFound(f"there is no alert {alert_id}")
        return written.entity
