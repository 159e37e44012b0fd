"""Incidents with everything real behind them: store, policy, broker; and the people who act."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rhinecloud.app.records import StoreRecords
from rhinecloud.broker.service import Broker
from rhinecloud.changes.batch import Batch
from rhinecloud.identity.accounts import Accounts
from rhinecloud.incidents.agencies import read_agencies, seed_agencies
from rhinecloud.incidents.directory import AgencyDirectory
from rhinecloud.incidents.escalation import Escalation
from rhinecloud.incidents.rights import incident_rights
from rhinecloud.incidents.service import Incidents
from rhinecloud.incidents.settings import IncidentSettings
from rhinecloud.kernel.actor import Actor, Role, part
from rhinecloud.kernel.ids import KeyedIds
from rhinecloud.ngsild.change import Change, decode_change
from rhinecloud.ngsild.context import Context, compile_context
from rhinecloud.ngsild.documents import core_vocabulary
from rhinecloud.ngsild.representation import parse_entity
from rhinecloud.policy import Authorization, Policies
from rhinecloud.store.sqlite import SqliteStore
from rhinecloud.stream.port import Frame

FIRE, POLICE = "urn:ngsi-ld:Agency:fire", "urn:ngsi-ld:Agency:police"
OPERATOR = Actor("user:olga", "Olga", frozenset({Role.OPERATOR}))
FIREFIGHTER = Actor("user:fred", "Fred", frozenset({Role.AGENCY}), agency=FIRE)
OFFICER = Actor("user:paul", "Paul", frozenset({Role.AGENCY}), agency=POLICE)
READER = Actor("user:rita", "Rita", frozenset({Role.READER}))
PLACE = {"type": "Point", "coordinates": [6.74, 51.45]}
KEYED = KeyedIds(b"of this test")
CONTEXT = compile_context(core_vocabulary()["@context"], {})


@dataclass
class SteppingClock:
    """A clock that moves on by a second each time it is read."""

    now: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 12, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class IncidentCity:
    """Incidents over a real store, and what drives them."""

    store: SqliteStore
    broker: Broker
    incidents: Incidents
    escalation: Escalation
    agencies: AgencyDirectory
    context: Context
    processed: int = 0

    async def alert(self, alert_id: str = "1", **attributes: Any) -> str:
        """Put an alert, new or changed; returns its id."""
        fragment = {
            "id": f"urn:ngsi-ld:Alert:{alert_id}",
            "type": "Alert",
            "status": "active",
            "severity": "high",
            "category": "naturalDisaster",
            "title": {"type": "LanguageProperty", "languageMap": {"de": "Hochwasser", "en": "High water"}},
            "location": {"type": "GeoProperty", "value": PLACE},
            "callsForIncident": True,
            "rule": "high-water",
            "fingerprint": alert_id,
            **attributes,
        }
        await self.broker.upsert(part("risk"), "", [parse_entity(fragment, self.context)])
        return str(fragment["id"])

    async def resolve_alert(self, alert_id: str) -> None:
        """End an alert."""
        fragment = {"id": alert_id, "type": "Alert", "status": "resolved"}
        await self.broker.upsert(part("risk"), "", [parse_entity(fragment, self.context)])

    async def changes(self, entity_id: str = "") -> list[Change]:
        """Read the change log."""
        found = [decode_change(row.body) for row in await self.store.changes(0, 10_000)]
        return [each for each in found if entity_id in ("", each.entity.id)]

    async def process(self, *, again: bool = False) -> None:
        """Let the escalation process what the stream would bring; `again`: from the beginning."""
        rows = await self.store.changes(0 if again else self.processed, 10_000)
        for row in rows:
            frame = Frame(row.seq, row.seq, b"[" + row.body + b"]")
            await self.escalation.handle(Batch(frame, row.seq - 1))
            self.processed = max(self.processed, row.seq)


@asynccontextmanager
async def open_incidents(
    folder: Path, settings: IncidentSettings | None = None
) -> AsyncIterator[IncidentCity]:
    """Open a town city with a fire brigade and a police force."""
    store = SqliteStore(folder / "city.db")
    await store.open()
    clock, broker = SteppingClock(), None
    policy = Authorization(Policies([("incidents", incident_rights())], vocabulary=CONTEXT))
    broker = Broker(store, policy, clock)
    incidents = Incidents(broker, policy, CONTEXT, clock, _ids(), KEYED.derive)
    escalation = Escalation(incidents, broker, CONTEXT, clock, settings or IncidentSettings())
    tables = [
        {"id": "fire", "name": {"de": "Feuerwehr", "en": "Fire brigade"}, "kind": "fire"},
        {"id": "police", "name": "Polizei", "kind": "police", "email": "wache@example.org"},
    ]
    await seed_agencies(broker, "", read_agencies(tables), CONTEXT)
    try:
        agencies = AgencyDirectory(broker, policy, Accounts(StoreRecords(store)), CONTEXT, _ids())
        yield IncidentCity(store, broker, incidents, escalation, agencies, CONTEXT)
    finally:
        await store.close()


def _ids() -> Callable[[str], str]:
    count = itertools.count(1)
    return lambda kind: f"urn:ngsi-ld:{kind}:{next(count)}"
