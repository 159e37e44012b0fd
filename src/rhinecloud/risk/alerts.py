"""Alerts as rows for people: a page of entities, of this city's rules or from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rhinecloud.broker.service import Broker
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Invalid, NotFound
from rhinecloud.kernel.page import Page
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.ordering import parse_order
from rhinecloud.ngsild.query import EntityQuery, parse_q
from rhinecloud.risk.alert_title import AlertSubject, alert_title
from rhinecloud.risk.engine import ALERT

_ACTIVE = '(status=="active"|!status)'
TITLES = ("name", "subCategory", "category")
"""What stands for the title of an alert from elsewhere, which may have none."""
QUERIES = {
    "active": _ACTIVE,
    "unacknowledged": f"{_ACTIVE};!acknowledgedAt;!shelvedUntil",
    "acknowledged": f"{_ACTIVE};acknowledgedAt",
    "shelved": f"{_ACTIVE};shelvedUntil",
    "suppressed": f"{_ACTIVE};suppressedBy",
    "resolved": 'status=="resolved"',
}
"""An alert from elsewhere may have no status: it counts as active."""


class Alerts:
    """Reads the alerts of one tenant."""

    def __init__(self, broker: Broker, context: Context, tenant: str) -> None:
        self._broker = broker
        self._context = context
        self._tenant = tenant

    async def count(self, actor: Actor, status: str) -> int:
        """Return how many alerts have a status."""
        return (await self.list(actor, status=status, limit=1, offset=0)).total or 0

    async def get(self, actor: Actor, alert_id: str) -> dict[str, Any]:
        """Return one alert; raise NotFound."""
        stored = await self._broker.find(actor, self._tenant, alert_id)
        if stored is None or ALERT not in stored.entity().type:
            raise NotFound(f"there is no alert {alert_id}")
        return self.row(stored.entity())

    async def list(self, actor: Actor, *, status: str, limit: int, offset: int) -> Page[dict[str, Any]]:
        """Return a page of alerts, the newest first; `status` is a key of QUERIES, or '' for all. Raise Invalid."""
        if status and status not in QUERIES:
            raise Invalid(f"must be one of {', '.join(QUERIES)}, not {status!r}", field="status")
        query = EntityQuery(
            types=((ALERT,),),
            q=parse_q(QUERIES[status], self._context) if status else None,
            order=parse_order("createdAt;desc", self._context),
            limit=limit,
            offset=offset,
            count=True,
        )
        page = await self._broker.query(actor, self._tenant, query)
        rows = [self.row(stored.entity()) for stored in page.items]
        return Page(rows, page.offset, page.more, page.total)

    def _subject(self, value: Callable[[str], Any]) -> AlertSubject:
        """Return what an alert from elsewhere is about."""
        source = value("alertSource")
        name = source.removeprefix("urn:ngsi-ld:") if isinstance(source, str) else ""
        return AlertSubject(
            name, value("address"), value("areaServed"), value("location"), self._context.compact
        )

    def row(self, alert: Entity) -> dict[str, Any]:
        """Return one alert as plain values; those that an alert from elsewhere does not have are None."""

        def value(name: str) -> Any:
            instance = alert.first(self._context.expand(name))
            found = instance.value if instance else None
            return found["@value"] if isinstance(found, dict) and "@value" in found else found

        description = value("description")
        return {
            "id": alert.id,
            "status": value("status") or "active",
            "severity": value("severity") or "medium",
            "category": value("category") or "other",
            "sub_category": value("subCategory"),
            "title": value("title") or alert_title(_texts(_first(value, TITLES)), self._subject(value)),
            "message": value("message") or _texts(description),
            "entity": value("alertSource"),
            "location": value("location"),
            "issued_at": value("dateIssued") or alert.created_at,
            "valid_from": value("validFrom"),
            "valid_to": value("validTo"),
            "last_seen": value("lastSeen"),
            "resolved_at": value("resolvedAt"),
            "resolution": value("resolution"),
            "occurrences": value("occurrences") or 1,
            "rule": value("rule"),
            "rule_version": value("ruleVersion"),
            "rule_digest": value("ruleDigest"),
            "evidence": value("evidence") or [],
            "simulated": bool(value("simulated")),
            "calls_for_incident": bool(value("callsForIncident")),
            "incident": value("incident"),
            "acknowledged_at": value("acknowledgedAt"),
            "acknowledged_by": value("acknowledgedBy"),
            "acknowledgement_note": value("acknowledgementNote"),
            "shelved_at": value("shelvedAt"),
            "shelved_until": value("shelvedUntil"),
            "shelved_by": value("shelvedBy"),
            "shelving_reason": value("shelvingReason"),
            "resolved_by": value("resolvedBy"),
            "resolution_note": value("resolutionNote"),
            "suppressed_by": _listed(value("suppressedBy")),
        }


def _first(value: Callable[[str], Any], names: Sequence[str]) -> Any:
    return next((found for name in names if (found := value(name))), "Alert")


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _texts(value: Any) -> dict[str, str]:
    """Return a text by language; a plain text is used for all."""
    if isinstance(value, dict):
        return {str(language): str(text) for language, text in value.items()}
    text = "" if value is None else str(value)
    return {"de": text, "en": text}
