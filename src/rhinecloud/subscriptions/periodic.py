"""Subscriptions that are told at intervals, whatever has changed.

Source: ETSI GS CIM 009 v1.9.1, clause 5.8.6.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial

from rhinecloud.broker.service import Broker
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.port import Stored
from rhinecloud.subscriptions.matching.prepared import ServedSubscription, key_of
from rhinecloud.subscriptions.model.subscription import EntityInfo, status_of
from rhinecloud.subscriptions.notifier import Notifier

log = logging.getLogger(__name__)

PAGE = 1_000
"""Entities that are asked for, and told, at a time."""

LEAST_S = 0.1
"""No subscription is told more often, whatever it asks for."""
LONGEST_S = 366 * 86_400.0


class Periodic:
    """One task a periodic subscription."""

    def __init__(self, broker: Broker, notifier: Notifier, clock: Clock) -> None:
        self._broker = broker
        self._notifier = notifier
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def follow(self, ready: ServedSubscription) -> None:
        """Begin, or go on with, telling a subscription as it is now."""
        self.forget(key_of(ready.subscription))
        if ready.subscription.interval_s:
            name = f"notify periodically {ready.subscription.id}"
            self._tasks[key_of(ready.subscription)] = asyncio.create_task(self._run(ready), name=name)

    def forget(self, key: str) -> None:
        """Stop telling a subscription."""
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()

    def close(self) -> None:
        """Stop telling anybody."""
        for key in list(self._tasks):
            self.forget(key)

    async def _run(self, ready: ServedSubscription) -> None:
        subscription = ready.subscription
        while True:
            await asyncio.sleep(min(max(subscription.interval_s, LEAST_S), LONGEST_S))
            active = status_of(subscription, format_time(self._clock())) == "active"
            if not active or self._notifier.is_waiting(subscription):
                continue  # who has not taken the last one gains nothing by the next
            try:
                await self._tell(ready)
            except RhineCloudError as error:
                log.warning("%s cannot be told: %s", subscription.id, error)

    async def _tell(self, ready: ServedSubscription) -> None:
        """Queue all entities that match, a page a notification; none, when there is none."""
        told: set[str] = set()
        for selector in ready.subscription.entities or [EntityInfo()]:
            query = replace(
                ready.conditions,
                types=tuple(tuple(each) for each in selector.types),
                ids=tuple(selector.ids),
                id_pattern="" if selector.ids else selector.id_pattern,
                limit=PAGE,
            )
            await self._tell_selected(ready, query, told)

    async def _tell_selected(self, ready: ServedSubscription, query: EntityQuery, told: set[str]) -> None:
        subscription = ready.subscription
        more, offset = True, 0
        while more and (owner := self._notifier.rights.owner(subscription)) is not None:
            page = await self._broker.query(owner, subscription.tenant, replace(query, offset=offset))
            items: list[Stored] = [each for each in page.items if each.id not in told]
            told.update(each.id for each in items)
            if items:
                shown = [
                    await self._notifier.linked.run(partial(ready.show_entity, each.entity()))
                    for each in items
                ]
                self._notifier.put(subscription, b",".join(shown))
            more, offset = page.more, offset + PAGE
