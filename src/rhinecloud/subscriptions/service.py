"""Subscriptions: created, read, changed and deleted by their owners, stored, and served by the notifier.

Source: ETSI GS CIM 009 v1.9.1, clause 5.8.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec

from rhinecloud.broker.contexts import Contexts
from rhinecloud.broker.errors import AlreadyExists
from rhinecloud.broker.service import Broker
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Invalid, NotFound, RhineCloudError
from rhinecloud.kernel.ids import NewId
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.ngsild.context import Context
from rhinecloud.outgoing import PrivateAddress, check_url
from rhinecloud.policy import CoreAction
from rhinecloud.store.port import Record, Store
from rhinecloud.subscriptions.delivery.statistics import NotifierState
from rhinecloud.subscriptions.delivery.store import read_all
from rhinecloud.subscriptions.model import SEPARATOR, DeliveryCounters, Subscription, key_of, status_of
from rhinecloud.subscriptions.notifier import Notifier
from rhinecloud.subscriptions.parsing.subscription import (
    SubscriptionReading,
    parse_subscription,
    parse_update,
)
from rhinecloud.subscriptions.periodic import Periodic
from rhinecloud.subscriptions.served import ServedSubscription
from rhinecloud.subscriptions.transports.message import HTTP_SCHEMES, MQTT_SCHEMES

log = logging.getLogger(__name__)

KIND = "subscription"
RETRY_S = 10.0
"""A subscription that cannot be served is tried again after this time."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Subscription)


@dataclass(frozen=True, slots=True)
class BrokenSubscription:
    """A record of a subscription that cannot be read."""

    id: str
    tenant: str
    record_id: str
    reason: str


class Subscriptions:
    """All subscriptions of the city."""

    def __init__(
        self,
        store: Store,
        broker: Broker,
        contexts: Contexts,
        notifier: Notifier,
        clock: Clock,
        new_id: NewId,
        *,
        allow_private: bool,
    ) -> None:
        self._store = store
        self._broker = broker
        self._contexts = contexts
        self._notifier = notifier
        self._rights = notifier.rights
        self._periodic = Periodic(broker, notifier, clock)
        self._clock = clock
        self._new_id: Callable[[], str] = partial(new_id, "Subscription")
        self._allow_private = allow_private
        self._all: dict[tuple[str, str], Subscription] = {}
        self._unserved: dict[tuple[str, str], str] = {}
        """Why a subscription cannot be served now, by tenant and id."""
        self._broken: dict[tuple[str, str], BrokenSubscription] = {}

    async def open(self) -> None:
        """Read all subscriptions; `run` then serves them."""
        served = []
        async for record in read_all(self._store, KIND):
            try:
                subscription = _decoder.decode(record.body)
            except ValueError as error:  # of JSON, of UTF-8, of a newer version
                self._set_aside(record, str(error))
                continue
            self._all[subscription.tenant, subscription.id] = subscription
            self._broker.know_tenant(subscription.tenant)
            compiled = await self._try_to_compile(subscription)
            if compiled is not None:
                served.append(compiled)
        await self._notifier.open(served)
        for each in served:
            self._periodic.serve(each)

    async def run(self) -> None:
        """Serve all subscriptions until cancelled; it may be started again after it failed."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._notifier.run(), name="notifier")
            tasks.create_task(self._retry(), name="subscriptions: retry")

    async def close(self) -> None:
        """Stop serving, after `run` has ended; pending notifications stay in the store."""
        self._periodic.close()
        await self._notifier.close()

    async def create(
        self, actor: Actor, tenant: str, data: Any, context: Context, source: Any
    ) -> Subscription:
        """Create a subscription (clause 5.8.1). Raise Invalid, Unsupported, AlreadyExists or ContextNotAvailable."""
        self._broker.allow(actor, CoreAction.SUBSCRIBE, tenant)
        reading = SubscriptionReading(context, source, format_time(self._clock()), actor, tenant)
        subscription = parse_subscription(data, reading, self._new_id)
        self._check_receiver(subscription)
        key = (tenant, subscription.id)
        if key in self._all or key in self._broken:
            raise AlreadyExists(f"{subscription.id} already exists")
        subscription.since = self._store.last_change()
        self._all[key] = subscription
        try:
            await self._save_and_serve(subscription, source)
        except BaseException:
            del self._all[key]
            raise
        self._broker.know_tenant(tenant)
        return subscription

    async def update(
        self, actor: Actor, tenant: str, name: str, data: Any, context: Context, source: Any
    ) -> None:
        """Change a subscription (clause 5.8.2). Raise NotFound and what `create` raises.

        If the owner is gone, the actor becomes the owner.
        """
        before = await self.get(actor, tenant, name)
        now = format_time(self._clock())
        reading = SubscriptionReading(context, source, now, before.owner, tenant)
        subscription = parse_update(data, reading, before)
        if self._notifier.rights.present_owner(before) is None:
            subscription.owner = actor
        self._check_receiver(subscription)
        if status_of(before, now) != "active" and status_of(subscription, now) == "active":
            subscription.since = self._store.last_change()
        await self._save_and_serve(subscription, source)
        if before.owner.id != actor.id:
            self._rights.record(actor, "update", name)

    async def get(self, actor: Actor, tenant: str, name: str) -> Subscription:
        """Return a subscription that the actor may read (clause 5.8.3). Raise NotFound."""
        self._broker.allow(actor, CoreAction.SUBSCRIBE, tenant)
        found = self._all.get((tenant, name))
        if found is None or not self._rights.may_see(actor, found):
            await self._broker.need_tenant(tenant)
            raise NotFound(f"there is no subscription {name}")
        return found

    def list(self, actor: Actor, tenant: str) -> list[Subscription]:
        """Return the subscriptions that an actor may read, in order of creation (clause 5.8.4)."""
        self._broker.allow(actor, CoreAction.SUBSCRIBE, tenant)
        return [
            each for each in self._all.values() if each.tenant == tenant and self._rights.may_see(actor, each)
        ]

    def broken(self, actor: Actor, tenant: str) -> tuple[BrokenSubscription, ...]:
        """Return the unreadable records, to actors that may read all subscriptions: their owner is not known."""
        if not self._rights.may_manage(actor, tenant):
            return ()
        return tuple(each for each in self._broken.values() if each.tenant == tenant)

    def find_broken(self, actor: Actor, tenant: str, name: str) -> BrokenSubscription | None:
        """Return the unreadable record of a subscription, None where there is none."""
        return next((each for each in self.broken(actor, tenant) if each.id == name), None)

    async def delete(self, actor: Actor, tenant: str, name: str) -> None:
        """Delete a subscription and its pending notifications (clause 5.8.5). Raise NotFound.

        Of an unreadable record, pending notifications stay.
        """
        self._broker.allow(actor, CoreAction.SUBSCRIBE, tenant)
        broken = self.find_broken(actor, tenant, name)
        if broken is not None:
            await self._store.delete_record(KIND, "", broken.record_id)
            self._broken.pop((tenant, name), None)
            self._rights.record(actor, "delete", name)
            return
        subscription = await self.get(actor, tenant, name)
        del self._all[tenant, name]
        self._unserved.pop((tenant, name), None)
        self._periodic.forget(key_of(subscription))
        await self._store.delete_record(KIND, "", key_of(subscription))
        await self._notifier.forget(subscription)
        if subscription.owner.id != actor.id:
            self._rights.record(actor, "delete", name)

    def counters(self, subscription: Subscription) -> DeliveryCounters:
        """Return what became of a subscription's notifications."""
        return self._notifier.deliveries.counters(subscription)

    def status_reason(self, subscription: Subscription) -> str:
        """Return why an active subscription causes no notifications, '' where it does."""
        reason = self._unserved.get((subscription.tenant, subscription.id), "")
        return reason or self._notifier.rights.refusal(subscription)

    def count(self) -> int:
        """Return the number of subscriptions of all tenants."""
        return len(self._all)

    def state(self) -> NotifierState:
        """Return the notifier's figures for the status page."""
        state = self._notifier.state()
        return replace(state, unreadable=state.unreadable + len(self._broken))

    async def _save_and_serve(self, subscription: Subscription, source: Any) -> None:
        """Determine a subscription's @context, store it, then serve it as it is now."""
        if not subscription.jsonld_context:
            subscription.jsonld_context = await self._contexts.host(subscription.tenant, _only(source))
        served = await self._compile(subscription)
        key = (subscription.tenant, subscription.id)
        record = Record(KIND, "", key_of(subscription), _encoder.encode(subscription))
        await self._store.put_records([record])
        self._all[key] = subscription
        self._unserved.pop(key, None)
        self._notifier.serve(served)
        self._periodic.serve(served)

    async def _compile(self, subscription: Subscription) -> ServedSubscription:
        tenant = subscription.tenant
        written_in = await self._contexts.compiled(tenant, subscription.written_in)
        shown_in = await self._contexts.compiled(tenant, subscription.jsonld_context or None)
        find = self._notifier.links.finder_for(subscription)
        return ServedSubscription(subscription, written_in.context, shown_in.context, find)

    async def _try_to_compile(self, subscription: Subscription) -> ServedSubscription | None:
        """Return a subscription compiled; None where it cannot be served now, because its @context is away, say."""
        key = (subscription.tenant, subscription.id)
        try:
            self._check_receiver(subscription)
            served = await self._compile(subscription)
        except (RhineCloudError, ValueError, TypeError, KeyError) as error:
            reason = f"it cannot be served now: {error}"
            if self._unserved.get(key) != reason:
                log.error("the subscription %s: %s", subscription.id, reason)  # noqa: TRY400
            self._unserved[key] = reason
            return None
        self._unserved.pop(key, None)
        return served

    def _set_aside(self, record: Record, reason: str) -> None:
        """Note an unreadable record; it stays where it is and must not stop the others."""
        log.error("the record %s %r cannot be read and is skipped: %s", record.kind, record.id, reason)
        tenant, _, name = record.id.rpartition(SEPARATOR)
        self._broken[tenant, name] = BrokenSubscription(
            name, tenant, record.id, f"its record cannot be read: {reason}"
        )

    async def _retry(self) -> None:
        """Try to serve those that could not be served; they get no notifications of changes in between."""
        while self._unserved:
            await asyncio.sleep(RETRY_S)
            for key in list(self._unserved):
                subscription = self._all[key]
                served = await self._try_to_compile(subscription)
                if served is not None and self._all.get(key) is subscription:
                    self._notifier.serve(served)
                    self._periodic.serve(served)

    def _check_receiver(self, subscription: Subscription) -> None:
        field = "notification.endpoint.uri"
        uri = subscription.notification.endpoint.uri
        try:
            check_url(uri, allow_private=self._allow_private, schemes=HTTP_SCHEMES + MQTT_SCHEMES)
        except PrivateAddress as error:
            hint = "see the setting notifications.allow_private_receivers"
            raise Invalid(f"{error.reason}; {hint}", field=field) from None
        except Invalid as error:
            raise Invalid(error.reason, field=field) from None


def _only(source: Any) -> Any:
    """Return the member of a list of one, which means the same."""
    return source[0] if isinstance(source, list) and len(source) == 1 else source
