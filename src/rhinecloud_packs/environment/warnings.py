"""What a CAP 1.2 alert says: one warning for each part of it, that is each severity, time and area of its own.

Weather is Smart Data Models' `WeatherAlert` (dataModel.Weather), all else (`Health`, `Fire`, `CBRNE` …) a
`PublicWarning` with the same attributes. So the severity of a warning is the one that holds in its `location`. Texts in
several languages become LanguageProperties. CAP's severity becomes Smart Data Models' (informational to critical).

An Update stands for itself and ends the warnings that it names, a Cancel ends them only; naming one that the city never
received is in order and changes nothing. A part that gives the all-clear (`responseType` AllClear, `urgency` Past) is
ended from the first, and so is a warning that has expired or comes after its successor. `end_expired` ends those that
expire later.
Source: OASIS CAP 1.2, sections 3.2.1 (msgType, references) and 3.2.2 (info).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from rhinecloud.pack import City, EntityFragment, Ignored, MappedItem, Message, Rejected, read_moment, utc

SEVERITY = {
    "minor": "low",
    "moderate": "medium",
    "severe": "high",
    "extreme": "critical",
    "unknown": "informational",
}
CATEGORY = {
    "Met": "weather",
    "Health": "health",
    "Env": "environment",
    "CBRNE": "environment",
    "Transport": "traffic",
    "Geo": "naturalDisaster",
    "Fire": "naturalDisaster",
}
OTHER_CATEGORY = "security"
"""Of `Safety`, `Security`, `Rescue`, `Infra` and `Other`."""
LOCATION_STATUS = "Alert_Location_Status"
"""The parameter by which Environment Canada says that a block's areas are `ended` (CAP-CP)."""
UNKNOWN_PARTS = 8
"""As many parts of a warning are ended where it is not known how many it had, as after a restart."""

TYPES = ("WeatherAlert", "PublicWarning")
EXPIRY_INTERVAL_S = 60.0

KM_A_DEGREE = 111.195
CORNERS = 48
"""A circle of CAP is drawn with so many corners."""
POINT_RADIUS_KM = 0.05
"""A point beside areas is drawn as so small a circle, because a location has one kind of geometry."""


def map_cap(message: Message, received: datetime) -> Iterator[MappedItem]:
    """Turn one CAP alert (see the CAP codec) into its warnings, and end those that it replaces or cancels."""
    if message.get("status") not in ("Actual", None):
        yield Ignored(f"its status is {message['status']}, not Actual")
        return
    sent = str(message.get("sent") or received.isoformat())
    for fault in message.get("faults") or ():
        yield Rejected(fault["place"], fault["reason"])
    if message.get("msg_type") in ("Update", "Cancel"):
        for replaced in message.get("references") or ():
            yield from _ended(replaced, message, sent)
    parts: dict[int, list[Message]] = {}
    for info in message.get("infos") or ():
        parts.setdefault(info.get("part", 1), []).append(info)
    if message.get("msg_type") in ("Alert", "Update"):
        for number, infos in parts.items():
            yield from _warning(message, number, infos, received)


async def end_expired(city: City) -> None:
    """End the warnings whose time is over, for whoever reads `status` alone."""
    async for now in city.every(EXPIRY_INTERVAL_S):
        for kind in TYPES:
            over = await city.query(kind, q=f'status=="active";validTo<{utc(now)}')
            if over:
                await city.merge(*({"id": each["id"], "status": "ended"} for each in over))


def _urn(identifier: str, part: int = 1) -> str:
    """Return the id of a part of an alert; the first has that of the alert."""
    more = f":{part}" if part > 1 else ""
    return f"urn:ngsi-ld:Warning:{quote(identifier, safe='-._~')}{more}"


def _ended(replaced: Message, message: Message, sent: str) -> Iterator[EntityFragment]:
    """End all parts of a warning that the city knows: without a type, an unknown one is not made."""
    if replaced["identifier"] == message.get("identifier"):
        return
    for part in range(1, int(replaced.get("parts", UNKNOWN_PARTS)) + 1):
        yield {"id": _urn(replaced["identifier"], part), "status": "ended", "validTo": _time(sent)}


def _warning(
    message: Message, number: int, infos: Sequence[Message], received: datetime
) -> Iterator[MappedItem]:
    first, sent = infos[0], str(message.get("sent") or received.isoformat())
    categories = [str(each) for each in first.get("category") or ()]
    severity = str(first.get("severity") or "Unknown")
    if severity.lower() not in SEVERITY:
        yield Rejected("infos.severity", f"must be one of {', '.join(SEVERITY)}, not {severity!r}")
    warning: EntityFragment = {
        "id": _urn(message["identifier"], number),
        "type": "WeatherAlert" if not categories or "Met" in categories else "PublicWarning",
        "status": "active",
        "category": CATEGORY.get(categories[0], OTHER_CATEGORY) if categories else "weather",
        "alertSource": first.get("sender_name") or message.get("sender") or "",
        "dateIssued": _time(sent),
        "severity": SEVERITY.get(severity.lower(), "informational"),
    }
    for member, name in (("urgency", "urgency"), ("certainty", "certainty"), ("event", "subCategory")):
        if first.get(member):
            warning[name] = first[member]
    if first.get("response_type"):
        warning["responseType"] = list(first["response_type"])
    starts = first.get("onset") or first.get("effective")
    for moment, name in ((starts, "validFrom"), (first.get("expires"), "validTo")):
        if moment:
            warning[name] = _time(str(moment))
    for name in ("event", "headline", "description", "instruction"):
        texts = _texts(infos, name)
        if texts:
            warning[name] = {"type": "LanguageProperty", "languageMap": texts}
    warning.update(_place(first.get("areas") or ()))
    expires = first.get("expires")
    if expires and read_moment(expires) <= received:
        warning["status"] = "ended"
    if _is_over(first):
        warning |= {"status": "ended", "validTo": _time(sent)}
    if message.get("replaced_at"):
        warning |= {"status": "ended", "validTo": _time(message["replaced_at"])}
    yield warning


def _is_over(info: Message) -> bool:
    """Return whether a block says that there is no danger (any more) in its area."""
    statuses = [
        value
        for name, values in (info.get("parameter") or {}).items()
        if name.endswith(LOCATION_STATUS)
        for value in values
    ]
    return (
        "AllClear" in (info.get("response_type") or ())
        or info.get("urgency") == "Past"
        or "ended" in statuses
    )


def _time(text: str) -> EntityFragment:
    return {"type": "Property", "value": {"@type": "DateTime", "@value": utc(text)}}


def _texts(infos: Sequence[Message], member: str) -> dict[str, str]:
    """Gather a text by language; a variant of a language that is there (`de-LS`: simple German) has its whole tag."""
    found: dict[str, str] = {}
    for info in infos:
        text = info.get(member)
        tag = str(info.get("language") or "en").lower()
        language = tag.split("-")[0]
        if text:
            found.setdefault(language if language not in found else tag, str(text))
    return found


def _place(areas: Sequence[Message]) -> EntityFragment:
    """Return where a warning holds: its areas' names, codes, and their polygons, circles and points as one geometry."""
    place: EntityFragment = {}
    names = [str(area["area_desc"]) for area in areas if area.get("area_desc")]
    if names:
        place["areaDesc"] = names[0] if len(names) == 1 else names
    codes: dict[str, list[str]] = {}
    for area in areas:
        for name, values in (area.get("geocode") or {}).items():
            codes.setdefault(name, []).extend(values)
    if codes:
        place["geocode"] = {"type": "JsonProperty", "json": codes}
    geometry = _geometry(areas)
    if geometry:
        place["location"] = {"type": "GeoProperty", "value": geometry}
    return place


def _geometry(areas: Sequence[Message]) -> dict[str, Any] | None:
    """Join the distinct polygons and circles of all areas into one MultiPolygon; points alone stay points."""
    rings: list[list[list[float]]] = []
    points: list[list[float]] = []
    for area in areas:
        circles = area.get("circles") or ()
        points.extend(each["centre"] for each in circles if not each["radius_km"])
        drawn = [_ring(each["centre"], each["radius_km"]) for each in circles if each["radius_km"]]
        rings.extend(ring for ring in [*(area.get("polygons") or ()), *drawn] if ring and ring not in rings)
    if points and not rings:
        return _single_or_multi("Point", [each for n, each in enumerate(points) if each not in points[:n]])
    rings.extend(ring for point in points if (ring := _ring(point, POINT_RADIUS_KM)))
    return _single_or_multi("Polygon", [[ring] for ring in rings]) if rings else None


def _single_or_multi(kind: str, members: list[Any]) -> dict[str, Any]:
    if len(members) == 1:
        return {"type": kind, "coordinates": members[0]}
    return {"type": f"Multi{kind}", "coordinates": members}


def _ring(centre: Sequence[float], radius_km: float) -> list[list[float]]:
    """Draw a circle as a closed ring of corners; [] where it reaches a pole."""
    longitude, latitude = centre
    height = radius_km / KM_A_DEGREE
    if abs(latitude) + height >= 90:
        return []
    width = height / math.cos(math.radians(latitude))
    turns = [2 * math.pi * corner / CORNERS for corner in range(CORNERS)]
    ring = [
        [round(longitude + width * math.cos(turn), 6), round(latitude + height * math.sin(turn), 6)]
        for turn in turns
    ]
    return [*ring, ring[0]]
