"""What a CAP 1.2 alert says: Smart Data Models' `WeatherAlert` (dataModel.Weather), one entity a warning.

Texts in several languages become LanguageProperties. CAP's severity becomes Smart Data Models' (informational to
critical). An Update stands for itself and ends the warnings that it names, a Cancel ends them only; naming one that the
city never received is in order and changes nothing. A warning that comes after its successor
is ended from the first. Source: OASIS CAP 1.2, section 3.2.1 (msgType, references).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from rhinecloud.pack import EntityFragment, Ignored, MappedItem, Message, utc

SEVERITY = {
    "Minor": "low",
    "Moderate": "medium",
    "Severe": "high",
    "Extreme": "critical",
    "Unknown": "informational",
}

KM_A_DEGREE = 111.195
CORNERS = 48
"""A circle of CAP is drawn with so many corners."""


def map_cap(message: Message, received: datetime) -> Iterator[MappedItem]:
    """Turn one CAP alert (see the CAP codec) into its warning, and end those that it replaces or cancels."""
    if message.get("status") not in ("Actual", None):
        yield Ignored(f"its status is {message['status']}, not Actual")
        return
    sent = str(message.get("sent") or received.isoformat())
    if message.get("msg_type") in ("Update", "Cancel"):
        for replaced in message.get("references") or ():
            yield _ended(replaced["identifier"], sent)
    infos = message.get("infos") or ()
    if message.get("msg_type") in ("Alert", "Update") and infos:
        yield _warning(message, infos, sent)


def _urn(identifier: str) -> str:
    return f"urn:ngsi-ld:WeatherAlert:{quote(identifier, safe='-._~')}"


def _ended(identifier: str, sent: str) -> EntityFragment:
    """End a warning that the city knows: without a type, an unknown one is not made."""
    return {"id": _urn(identifier), "status": "ended", "validTo": _time(sent)}


def _warning(message: Message, infos: Sequence[Message], sent: str) -> EntityFragment:
    first = infos[0]
    warning: EntityFragment = {
        "id": _urn(message["identifier"]),
        "type": "WeatherAlert",
        "status": "active",
        "category": "weather",
        "alertSource": first.get("sender_name") or message.get("sender") or "",
        "dateIssued": _time(sent),
        "severity": SEVERITY.get(str(first.get("severity")), "informational"),
    }
    for member, name in (("urgency", "urgency"), ("certainty", "certainty"), ("event", "subCategory")):
        if first.get(member):
            warning[name] = first[member]
    starts = first.get("onset") or first.get("effective")
    for moment, name in ((starts, "validFrom"), (first.get("expires"), "validTo")):
        if moment:
            warning[name] = _time(str(moment))
    if message.get("replaced_at"):
        warning |= {"status": "ended", "validTo": _time(message["replaced_at"])}
    for name in ("headline", "description", "instruction"):
        texts = _texts(infos, name)
        if texts:
            warning[name] = {"type": "LanguageProperty", "languageMap": texts}
    geometry = _geometry(infos)
    if geometry:
        warning["location"] = {"type": "GeoProperty", "value": geometry}
    return warning


def _time(text: str) -> EntityFragment:
    return {"type": "Property", "value": {"@type": "DateTime", "@value": utc(text)}}


def _texts(infos: Sequence[Message], member: str) -> dict[str, str]:
    """Gather a text by language; the first one of each language counts (infos also differ by area)."""
    found: dict[str, str] = {}
    for info in infos:
        text = info.get(member)
        language = str(info.get("language") or "en").split("-")[0].lower()
        if text and language not in found:
            found[language] = str(text)
    return found


def _geometry(infos: Sequence[Message]) -> dict[str, Any] | None:
    """Join the distinct polygons and circles of all areas into one MultiPolygon."""
    rings: list[list[list[float]]] = []
    for info in infos:
        for area in info.get("areas") or ():
            circles = [_ring(circle["centre"], circle["radius_km"]) for circle in area.get("circles") or ()]
            for ring in [*(area.get("polygons") or ()), *circles]:
                if ring and ring not in rings:
                    rings.append(ring)
    if not rings:
        return None
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings}
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}


def _ring(centre: Sequence[float], radius_km: float) -> list[list[float]]:
    """Draw a circle as a closed ring of corners; [] where it is a mere point or reaches a pole."""
    longitude, latitude = centre
    height = radius_km / KM_A_DEGREE
    if radius_km <= 0 or abs(latitude) + height >= 90:
        return []
    width = height / math.cos(math.radians(latitude))
    turns = [2 * math.pi * corner / CORNERS for corner in range(CORNERS)]
    ring = [
        [round(longitude + width * math.cos(turn), 6), round(latitude + height * math.sin(turn), 6)]
        for turn in turns
    ]
    return [*ring, ring[0]]
