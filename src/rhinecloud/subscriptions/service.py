"""Subscriptions: created, seen, changed and deleted by their owners, kept in the store, served by the notifier.

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
from rhinecloud.policy import Action
from rhinecloud.store.port import Record, Store
from rhinecloud.subscriptions.delivery.pending import SEPARATOR
from rhinecloud.subscriptions.delivery.sender import HTTP
from rhinecloud.subscriptions.delivery.statistics import NotifierState
from rhinecloud.subscriptions.delivery.store import read_all
from rhinecloud.subscriptions.matching.prepared import ServedSubscription, key_of
from rhinecloud.subscriptions.model.parsing import SubscriptionReading, parse_subscription, parse_update
from rhinecloud.subscriptions.model.subscription import DeliveryCounters, Subscription, status_of
from rhinecloud.subscriptions.notifier import Notifier
from rhinecloud.subscriptions.periodic import Periodic
from rhinecloud.subscriptions.transports.mqtt import SCHEMES as MQTT

log = logging.getLogger(__name__)

KIND = "subscription"
AGAIN_S = 10.0
"""After so long a subscription is tried again that could not be served at the start."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Subscription)


@dataclass(frozen=True, slots=True)
class BrokenSubscription:
    """A record that should be a subscription and cannot be read."""

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
        self._unready: dict[tuple[str, str], str] = {}
        """Why a subscription cannot be served now, by its key."""
        self._broken: dict[tuple[str, str], BrokenSubscription] = {}

    async def open(self) -> None:
        """Read what is kept; `run` then serves it."""
        ready = []
        async for record in read_all(self._store, KIND):
            try:
                subscription = _decoder.decode(record.body)
            except ValueError as error:  # of JSON, of UTF-8, of what a newer version means by it
                self._set_aside(record, str(error))
                continue
            self._all[subscription.tenant, subscription.id] = subscription
            self._broker.know_tenant(subscription.tenant)
            made = await self._make_ready(subscription)
            if made is not None:
                ready.append(made)
        await self._notifier.open(ready)
        for each in ready:
            self._periodic.follow(each)

    async def run(self) -> None:
        """Serve all subscriptions until cancelled; it may be started again after it failed."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._notifier.run(), name="notifier")
            tasks.create_task(self._retry(), name="subscriptions: retry")

    async def close(self) -> None:
        """Stop serving, after `run` has ended; what waits stays in the store."""
        self._periodic.close()
        await self._notifier.close()

    async def create(
        self, actor: Actor, tenant: str, data: Any, context: Context, source: Any
    ) -> Subscription:
        """Create a subscription (clause 5.8.1); raises Invalid, Unsupported, AlreadyExists or ContextNotAvailable."""
        self._broker.allow(actor, Action.SUBSCRIBE, tenant)
        reading = SubscriptionReading(context, source, format_time(self._clock()), actor, tenant)
        subscription = parse_subscription(data, reading, self._new_id)
        self._check_receiver(subscription)
        key = (tenant, subscription.id)
        if key in self._all or key in self._broken:
            raise AlreadyExists(f"{subscription.id} exists already")
        subscription.since = self._store.last_change()
        self._all[key] = subscription
        try:
            await self._take_up(subscription, source)
        except BaseException:
            del self._all[key]
            raise
        self._broker.know_tenant(tenant)
        return subscription

    async def update(
        self, actor: Actor, tenant: str, name: str, data: Any, context: Context, source: Any
    ) -> None:
        """Change a subscription (clause 5.8.2); raises NotFound and what `create` raises.

        One whose owner is gone belongs from then on to whoever changes it.
        """
        before = await self.get(actor, tenant, name)
        now = format_time(self._clock())
        reading = SubscriptionReading(context, source, now, before.owner, tenant)
        subscription = parse_update(data, reading, before)
        if self._notifier.rights.owner(before) is None:
            subscription.owner = actor
        self._check_receiver(subscription)
        if status_of(before, now) != "active" and status_of(subscription, now) == "active":
            subscription.since = self._store.last_change()
        await self._take_up(subscription, source)
        if before.owner.id != actor.id:
            self._rights.record(actor, "update", name)

    async def get(self, actor: Actor, tenant: str, name: str) -> Subscription:
        """Give a subscription of the actor's own, or any to those who run the city (clause 5.8.3); raises NotFound."""
        self._broker.allow(actor, Action.SUBSCRIBE, tenant)
        found = self._all.get((tenant, name))
        if found is None or not self._rights.may_see(actor, found):
            await self._broker.need_tenant(tenant)
            raise NotFound(f"there is no subscription {name}")
        return found

    def list(self, actor: Actor, tenant: str) -> list[Subscription]:
        """List the subscriptions that an actor may see in the order of their making (clause 5.8.4)."""
        self._broker.allow(actor, Action.SUBSCRIBE, tenant)
        return [
            each for each in self._all.values() if each.tenant == tenant and self._rights.may_see(actor, each)
        ]

    def broken(self, actor: Actor, tenant: str) -> tuple[BrokenSubscription, ...]:
        """List the records that cannot be read, to those who see all subscriptions: whose they are is not known."""
        if not self._rights.may_manage(actor, tenant):
            return ()
        return tuple(each for each in self._broken.values() if each.tenant == tenant)

    def find_broken(self, actor: Actor, tenant: str, name: str) -> BrokenSubscription | None:
        """Give a record that cannot be read by the name of what it should be."""
        return next((each for each in self.broken(actor, tenant) if each.id == name), None)

    async def delete(self, actor: Actor, tenant: str, name: str) -> None:
        """Delete a subscription and whatever waits to be sent for it (clause 5.8.5); raises NotFound.

        A record that cannot be read is deleted by its name, too, but for what waits to be sent for it.
        """
        self._broker.allow(actor, Action.SUBSCRIBE, tenant)
        broken = self.find_broken(actor, tenant, name)
        if broken is not None:
            await self._store.delete_record(KIND, "", broken.record_id)
            self._broken.pop((tenant, name), None)
            self._rights.record(actor, "delete", name)
            return
        subscription = await self.get(actor, tenant, name)
        del self._all[tenant, name]
        self._unready.pop((tenant, name), None)
        self._periodic.forget(key_of(subscription))
        await self._store.delete_record(KIND, "", key_of(subscription))
        await self._notifier.forget(subscription)
        if subscription.owner.id != actor.id:
            self._rights.record(actor, "delete", name)

    def counters(self, subscription: Subscription) -> DeliveryCounters:
        """Tell what became of a subscription's notifications."""
        return self._notifier.counters(subscription)

    def trouble(self, subscription: Subscription) -> str:
        """Say why nobody is told of what a subscription asks for, '' where all is well."""
        unready = self._unready.get((subscription.tenant, subscription.id), "")
        return unready or self._notifier.rights.refusal(subscription)

    def count(self) -> int:
        """Count the subscriptions of all tenants."""
        return len(self._all)

    def state(self) -> NotifierState:
        """Give the notifier's figures for the status page."""
        state = self._notifier.state()
        return replace(state, unreadable=state.unreadable + len(self._broken))

    async def _take_up(self, subscription: Subscription, source: Any) -> None:
        """Settle a subscription's @context, keep it durably, then serve it as it is now."""
        if not subscription.jsonld_context:
            subscription.jsonld_context = await self._contexts.host(subscription.tenant, _only(source))
        ready = await self._ready(subscription)
        key = (subscription.tenant, subscription.id)
        record = Record(KIND, "", key_of(subscription), _encoder.encode(subscription))
        await self._store.put_records([record])
        self._all[key] = subscription
        self._unready.pop(key, None)
        self._notifier.follow(ready)
        self._periodic.follow(ready)

    async def _ready(self, subscription: Subscription) -> ServedSubscription:
        tenant = subscription.tenant
        written_in = await self._contexts.compiled(tenant, subscription.written_in)
        shown_in = await self._contexts.compiled(tenant, subscription.jsonld_context or None)
        find = self._notifier.finder_for(subscription)
        return ServedSubscription(subscription, written_in.context, shown_in.context, find)

    async def _make_ready(self, subscription: Subscription) -> ServedSubscription | None:
        """Make a kept subscription ready, or note why it cannot be: its @context is away, say."""
        key = (subscription.tenant, subscription.id)
        try:
            self._check_receiver(subscription)
            ready = await self._ready(subscription)
        except (RhineCloudError, ValueError, TypeError, KeyError) as error:
            reason = f"it cannot be served now: {error}"
            if self._unready.get(key) != reason:
                log.error("the subscription %s: %s", subscription.id, reason)  # noqa: TRY400
            self._unready[key] = reason
            return None
        self._unready.pop(key, None)
        return ready

    def _set_aside(self, record: Record, reason: str) -> None:
        """Note a record that cannot be read; it stays where it is and must not stop the others."""
        log.error("the record %s %r cannot be read and is passed over: %s", record.kind, record.id, reason)
        tenant, _, name = record.id.rpartition(SEPARATOR)
        self._broken[tenant, name] = BrokenSubscription(
            name, tenant, record.id, f"its record cannot be read: {reason}"
        )

    async def _retry(self) -> None:
        """Try again those that could not be served; what changes meanwhile is not told to them."""
        while self._unready:
            await asyncio.sleep(AGAIN_S)
            for key in list(self._unready):
                subscription = self._all[key]
                ready = await self._make_ready(subscription)
                if ready is not None and self._all.get(key) is subscription:
                    self._notifier.follow(ready)
                    self._periodic.follow(ready)

    def _check_receiver(self, subscription: Subscription) -> None:
        field = "notification.endpoint.uri"
        uri = subscription.notification.endpoint.uri
        try:
            check_url(uri, allow_private=self._allow_private, schemes=HTTP + MQTT)
        except PrivateAddress as error:
            hint = "the setting notifications.allow_private_receivers decides that"
            raise Invalid(f"{error.reason}; {hint}", field=field) from None
        except Invalid as error:
            raise Invalid(error.reason, field=field) from None


def _only(source: Any) -> Any:
    """Take the one member out of a list of one, which means the same and is easier to name."""
    return source[0] if isinstance(source, list) and len(source) == 1 else source
