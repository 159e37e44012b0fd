"""Entities that a subscription's relationships lead to, as far as its owner may read them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from rhinecloud.broker.links.join import Find
from rhinecloud.broker.links.loading import EntityLoader
from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.port import Store
from rhinecloud.subscriptions.model import Subscription
from rhinecloud.subscriptions.rights import SubscriptionRights

T = TypeVar("T")


class SubscriptionLinks:
    """Reads linked entities for conditions and for notifications."""

    def __init__(self, store: Store, rights: SubscriptionRights) -> None:
        self._store = store
        self._rights = rights
        self._loader = EntityLoader(self._read)

    async def resolve(self, function: Callable[[], T]) -> T:
        """Return what `function` returns, with every entity that it asks for by a function of `finder_for`."""
        return await self._loader.run(function)

    def finder_for(self, subscription: Subscription) -> Find:
        """Return the function that finds entities for a subscription, within `resolve`."""

        def find(entity_id: str) -> Entity | None:
            entity = self._loader.find((subscription.tenant, entity_id))
            if entity is None or not self._rights.may_read(subscription, entity):
                return None
            return entity

        return find

    async def _read(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Entity]:
        found: dict[tuple[str, str], Entity] = {}
        for tenant in {tenant for tenant, _ in keys}:
            stored = await self._store.get_many(tenant, [name for owner, name in keys if owner == tenant])
            found.update(((tenant, name), each.entity()) for name, each in stored.items())
        return found
