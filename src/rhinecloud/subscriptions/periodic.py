"""Subscriptions with a `timeInterval`: notified at intervals, whatever has changed.

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
from rhinecloud.subscriptions.model import EntityInfo, key_of, status_of
from rhinecloud.subscriptions.notifier import Notifier
from rhinecloud.subscriptions.served import ServedSubscription

log = logging.getLogger(__name__)

PAGE = 1_000
"""Entities in one query and in one notification."""

SHORTEST_S = 0.1
"""No subscription is notified more often."""
LONGEST_S = 366 * 86_400.0


class Periodic:
    """One task a periodic subscription."""

    def __init__(self, broker: Broker, notifier: Notifier, clock: Clock) -> None:
        self._broker = broker
        self._notifier = notifier
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def serve(self, served: ServedSubscription) -> None:
        """Start to notify a subscription, or notify it from now on as it is now."""
        self.forget(key_of(served.subscription))
        if served.subscription.interval_s:
            name = f"notify periodically {served.subscription.id}"
            self._tasks[key_of(served.subscription)] = asyncio.create_task(self._run(served), name=name)

    def forget(self, key: str) -> None:
        """Stop notifying a subscription."""
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()

    def close(self) -> None:
        """Stop all."""
        for key in list(self._tasks):
            self.forget(key)

    async def _run(self, served: ServedSubscription) -> None:
        subscription = served.subscription
        while True:
            await asyncio.sleep(min(max(subscription.interval_s, SHORTEST_S), LONGEST_S))
            active = status_of(subscription, format_time(self._clock())) == "active"
            if not active or self._notifier.deliveries.is_waiting(subscription):
                continue  # the previous notification is pending
            try:
                await self._notify(served)
            except RhineCloudError as error:
                log.warning("%s cannot be notified: %s", subscription.id, error)

    async def _notify(self, served: ServedSubscription) -> None:
        """Queue all entities that match, one page in a notification; none where nothing matches."""
        seen: set[str] = set()
        for selector in served.subscription.entities or [EntityInfo()]:
            query = replace(
                served.conditions,
                types=tuple(tuple(each) for each in selector.types),
                ids=tuple(selector.ids),
                id_pattern="" if selector.ids else selector.id_pattern,
                limit=PAGE,
            )
            await self._notify_selected(served, query, seen)

    async def _notify_selected(self, served: ServedSubscription, query: EntityQuery, seen: set[str]) -> None:
        subscription = served.subscription
        more, offset = True, 0
        while more and (owner := self._notifier.rights.present_owner(subscription)) is not None:
            page = await self._broker.query(owner, subscription.tenant, replace(query, offset=offset))
            items: list[Stored] = [each for each in page.items if each.id not in seen]
            seen.update(each.id for each in items)
            if items:
                rendered = [
                    await self._notifier.links.resolve(partial(served.render_entity, each.entity()))
                    for each in items
                ]
                self._notifier.deliveries.put(subscription, b",".join(rendered))
            more, offset = page.more, offset + PAGE
