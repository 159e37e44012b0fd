"""Risk with everything real around it: nats-server, stream, relay, store, broker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broker.notifying import open_stream
from policies import shipped
from rhinecloud.broker.service import Broker
from rhinecloud.changes.relay import Relay, RelaySettings
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.ids import DeriveId, KeyedIds, new_urn
from rhinecloud.kernel.time import format_time, utc_now
from rhinecloud.ngsild.change import Change, decode_change
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.part import Actions
from rhinecloud.risk.actions import alert_actions
from rhinecloud.risk.alert_acts import AlertActs
from rhinecloud.risk.alerts import Alerts
from rhinecloud.risk.consumer import Risk, RiskServices
from rhinecloud.risk.engine import ALERT
from rhinecloud.risk.rulebook import read_rulebook
from rhinecloud.risk.settings import RiskSettings
from rhinecloud.risk.silences import Silences
from rhinecloud.risk.suppression import Suppression
from rhinecloud.store.sqlite import SqliteStore
from rhinecloud.stream.port import Stream
from risk.city import CONTEXT

FEED = Actor("part:connectors", "connectors", frozenset({Role.SYSTEM}))
OPERATOR = Actor("user:olga", "Olga", frozenset({Role.OPERATOR}))
PARTNER = Actor("token:mallory", "Mallory", frozenset({Role.PARTNER}))
QUICK = RiskSettings(tick_s=0.05, grace_s=0.0, save_every_s=0.2, repeat_every_s=0.0)
WAIT_S = 60.0
KEYED = KeyedIds(b"of this test")


@dataclass
class WatchRoom:
    """What a test needs."""

    folder: Path
    store: SqliteStore
    broker: Broker
    stream: Stream
    alerts: Alerts
    derive: DeriveId

    async def reads(self, level: float, gauge: str = "ruhrort", **more: Any) -> None:
        """Write one reading of a gauge, true now."""
        level_now = {"value": level, "unitCode": "CMT", "observedAt": format_time(utc_now())}
        fragment = {"id": f"urn:ngsi-ld:WaterObserved:{gauge}", "type": "WaterObserved", "name": gauge}
        await self.broker.ingest(FEED, "", [{**fragment, "waterLevel": level_now, **more}], CONTEXT)

    @asynccontextmanager
    async def risk(
        self, *rules: str, settings: RiskSettings = QUICK, suppression: Suppression | None = None
    ) -> AsyncIterator[Risk]:
        """Run risk with some rules until the block ends."""
        path = self.folder / "rules.yaml"
        path.write_text("\n---\n".join(rules), encoding="utf-8")
        book = read_rulebook([path], CONTEXT)
        assert book.problems == []
        more = [suppression.silences_of] if suppression else []
        risk = Risk(
            book,
            RiskServices(
                self.broker,
                self.store,
                self.stream,
                utc_now,
                self.derive,
                *more,
            ),
            settings,
        )
        task = asyncio.create_task(risk.run())
        try:
            yield risk
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def acts(self, most_s: float = 3600.0) -> AlertActs:
        """Return what people do to alerts."""
        return AlertActs(self.broker, shipped(), CONTEXT, utc_now, most_s)

    def silences(self) -> Silences:
        """Return the silences of the city."""
        return Silences(self.broker, shipped(), CONTEXT, utc_now, new_urn)

    def suppressing(self) -> Suppression:
        """Return what applies silences and shelvings."""
        return Suppression(self.broker, self.silences(), CONTEXT, utc_now)

    def actions(self) -> Actions:
        """Return the actions on alerts, under the policy."""
        policy = shipped()
        actions = Actions(policy.check_could)
        for action in alert_actions(self.acts(), utc_now, lambda: None):
            actions.add(action)
        return actions

    @asynccontextmanager
    async def suppression(self) -> AsyncIterator[Suppression]:
        """Run the worker that ends suppression until the block ends."""
        made = self.suppressing()
        task = asyncio.create_task(made.run())
        try:
            yield made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def active(self) -> list[dict[str, Any]]:
        """Return the alerts that are up."""
        return (await self.alerts.list(OPERATOR, status="active", limit=100, offset=0)).items

    async def until(self, count: int, status: str = "active") -> list[dict[str, Any]]:
        """Wait until so many alerts have a status."""
        rows: list[dict[str, Any]] = []
        for _ in range(int(WAIT_S / 0.02)):
            rows = (await self.alerts.list(OPERATOR, status=status, limit=100, offset=0)).items
            if len(rows) == count:
                return rows
            await asyncio.sleep(0.02)
        raise AssertionError(f"{len(rows)} alerts are {status}, not {count}: {rows}")

    async def until_judged(self, risk: Risk) -> None:
        """Wait until every change has been judged."""
        await wait_for(lambda: risk.status().lag == 0)

    async def until_relayed(self) -> None:
        """Wait until the stream holds every change."""
        for _ in range(int(WAIT_S / 0.02)):
            if await self.stream.last() == self.store.last_change():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("the relay does not catch up")

    async def entities(self, iri: str = ALERT) -> list[Entity]:
        """Return all entities of a type."""
        page = await self.broker.query(OPERATOR, "", EntityQuery(types=((iri,),), limit=1000))
        return [stored.entity() for stored in page.items]

    async def changes(self, iri: str = ALERT) -> list[Change]:
        """Return the logged changes of a type."""
        found = [decode_change(row.body) for row in await self.store.changes(0, 10_000)]
        return [each for each in found if iri in each.entity.type]


async def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    for _ in range(int(WAIT_S / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to pass")


@asynccontextmanager
async def watch_room(folder: Path) -> AsyncIterator[WatchRoom]:
    """Open a store, a broker and a stream with its relay."""
    store = SqliteStore(folder / "city.db")
    await store.open()
    async with open_stream(folder / "nats") as stream:
        broker = Broker(store, shipped(), utc_now)
        relay = asyncio.create_task(Relay(store, stream, RelaySettings()).run())
        try:
            yield WatchRoom(folder, store, broker, stream, Alerts(broker, CONTEXT, ""), KEYED.derive)
        finally:
            relay.cancel()
            await asyncio.gather(relay, return_exceptions=True)
            await store.close()
