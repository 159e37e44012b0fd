"""What an operator announces (GTFS-Realtime's Alert): one `ServiceAlert`, planned, active or ended by its periods.

Source: GTFS Realtime Reference v2.0, Alert: active_period, informed_entity, cause, effect, severity_level, url.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from rhinecloud.pack import City, EntityFragment, MappedItem, Message, utc
from rhinecloud_packs.transport.timetable import urn

SEVERITY = {"INFO": "informational", "WARNING": "medium", "SEVERE": "high"}
INFORMED = (("route_id", "GtfsRoute", "hasRoute"), ("stop_id", "GtfsStop", "hasStop"))
INTERVAL_S = 60.0


def map_alert(alert: Message, entity_id: str, observed: datetime, gone: bool) -> Iterator[MappedItem]:
    """Turn an alert into its entity; end one that has gone."""
    if gone:
        yield {
            "id": urn("ServiceAlert", entity_id),
            "status": "ended",
            "validTo": _time(observed.timestamp()),
        }
        return
    periods = [dict(each) for each in alert.get("active_period") or ()]
    status, period = period_at(periods, observed.timestamp())
    entity: EntityFragment = {
        "id": urn("ServiceAlert", entity_id),
        "type": "ServiceAlert",
        "status": status,
        "activePeriod": {"type": "JsonProperty", "json": periods},
        "informedEntity": {"type": "JsonProperty", "json": list(alert.get("informed_entity") or ())},
    }
    for member, name in (("start", "validFrom"), ("end", "validTo")):
        entity[name] = _time(period[member]) if period.get(member) else "urn:ngsi-ld:null"
    for member, name in (("header_text", "name"), ("description_text", "description"), ("url", "url")):
        texts = _translations(alert.get(member))
        if texts:
            entity[name] = {"type": "LanguageProperty", "languageMap": texts}
    for member in ("cause", "effect"):
        if alert.get(member) is not None:
            entity[member] = alert[member]
    if alert.get("severity_level") in SEVERITY:
        entity["severity"] = SEVERITY[alert["severity_level"]]
    entity.update(_informed(alert.get("informed_entity") or ()))
    yield entity


def period_at(periods: Sequence[Message], now: float) -> tuple[str, Message]:
    """Return `active`, `planned` or `ended`, and the period that says so; without periods an alert is active."""
    if not periods:
        return "active", {}
    coming = [each for each in periods if each.get("start", 0) > now]
    for each in periods:
        if each not in coming and not 0 < each.get("end", 0) <= now:
            return "active", each
    if coming:
        return "planned", min(coming, key=lambda each: float(each["start"]))
    return "ended", max(periods, key=lambda each: float(each.get("end", 0)))


async def follow_periods(city: City) -> None:
    """Begin and end the alerts whose periods do, also while the feed says nothing new."""
    async for now in city.every(INTERVAL_S):
        for status in ("active", "planned"):
            for alert in await city.query("ServiceAlert", q=f'status=="{status}"'):
                periods = (alert.get("activePeriod") or {}).get("json") or []
                found, period = period_at(periods, now.timestamp())
                if found != status:
                    times = {
                        name: _time(period[member])
                        for member, name in (("start", "validFrom"), ("end", "validTo"))
                        if period.get(member)
                    }
                    await city.merge({"id": alert["id"], "status": found, **times})


def _informed(selectors: Sequence[Message]) -> EntityFragment:
    """Return relationships to the routes and stops that an alert is about, each once."""
    links: EntityFragment = {}
    for member, kind, name in INFORMED:
        found = list(dict.fromkeys(urn(kind, str(each[member])) for each in selectors if each.get(member)))
        if found:
            links[name] = {"type": "Relationship", "object": found[0] if len(found) == 1 else found}
    return links


def _translations(text: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in (text or {}).get("translation", ()):
        found[each.get("language") or "@none"] = each.get("text", "")
    return found


def _time(seconds: Any) -> EntityFragment:
    moment = utc(datetime.fromtimestamp(float(seconds), UTC))
    return {"type": "Property", "value": {"@type": "DateTime", "@value": moment}}
