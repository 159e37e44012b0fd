"""CAP 1.2 (and 1.1) to messages, from a single XML document or a zip of them.

A message is one alert: `identifier`, `sender`, `sent`, `status` (`Actual`, `Exercise`, `Test` …), `msg_type`
(`Alert`, `Update`, `Cancel` …), `scope`, `source`, `note`, `references` (list of `sender`, `identifier`, `sent`) and
`infos`, one an info block (language by language). An info has `language`, `category` and `response_type` (lists),
`event`, `urgency`, `severity`, `certainty`, `event_code` and `parameter` (by name, each a list of texts),
`effective`, `onset`, `expires`, `sender_name`, `headline`, `description`, `instruction`, `web`, `contact` and
`areas`. An area has `area_desc`, `polygons` (closed rings of `[longitude, latitude]`), `circles` (`centre` as
`[longitude, latitude]`, `radius_km`), `geocode` (by name, each a list), `altitude_ft`, `ceiling_ft`. Times are ISO
8601 as they were sent; what is absent is left out. An alert that arrives after the one that updates or cancels it (as
happens with polled lists and broken connections) has `replaced_at`: when the other one was sent.

Source: OASIS Common Alerting Protocol 1.2, clause 3.2. XML is read without entities and external references.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rhinecloud.connectors.bounded import ZIP_MAGIC, BoundedArchive
from rhinecloud.connectors.times import find_moment, read_moment
from rhinecloud.pack.codec import DecodeError, DecodeFault, Framing, Message, Parcel

NAMESPACES = ("urn:oasis:names:tc:emergency:cap:1.2", "urn:oasis:names:tc:emergency:cap:1.1")
REMEMBERED = 10_000
"""Identifiers of replaced alerts that a codec keeps."""
LARGEST_DOCUMENT = 32 * 1024 * 1024
"""Bytes; the largest warning seen has 0.4 million."""
SENT = frozenset({"sent"})
REQUIRED = ("identifier", "sender", "sent", "status", "msgType", "scope")
ALERT_TEXTS = ("identifier", "sender", "sent", "status", "msgType", "source", "scope", "note")
INFO_TEXTS = (
    *("language", "event", "urgency", "severity", "certainty", "audience", "effective", "onset", "expires"),
    *("senderName", "headline", "description", "instruction", "web", "contact"),
)


class CapCodec:
    """Decodes warnings; a zip, as the Deutscher Wetterdienst sends it, may have `most_bytes` unpacked."""

    framing = Framing.FILE
    time_members = frozenset({"sent", "effective", "onset", "expires"})

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._replaced: dict[str, datetime] = {}

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault]:
        """Yield a message for each alert, of a zip in its order with a DecodeFault for each that cannot be decoded.

        Raise DecodeError where the parcel is one document that is not an alert, or a broken zip.
        """
        for item in self._read(parcel):
            if not isinstance(item, DecodeFault):
                self._remember(item, parcel.shift or timedelta())
            yield item

    def _remember(self, alert: dict[str, Any], shift: timedelta) -> None:
        """Keep the identifiers that an alert replaces, and mark an alert that was replaced before it arrived."""
        sent = _moved(read_moment(alert["sent"]), shift)
        if alert["status"] != "Actual" or sent is None:
            return
        replaced = self._replaced.get(alert["identifier"])
        if replaced is not None and sent <= replaced:  # a recording that is played again is newer
            alert["replaced_at"] = replaced.isoformat()
        if alert["msg_type"] in ("Update", "Cancel"):
            for reference in alert["references"]:
                self._replaced[reference["identifier"]] = sent
        while len(self._replaced) > REMEMBERED:
            del self._replaced[next(iter(self._replaced))]

    def _read(self, parcel: Parcel) -> Iterator[dict[str, Any] | DecodeFault]:
        if not parcel.body.startswith(ZIP_MAGIC):
            yield read_alert(parcel.body)
            return
        archive = BoundedArchive(parcel.body, self._most_bytes)
        for name in archive.names():
            body = b""
            try:
                body = archive.read(name)
                yield read_alert(body)
            except DecodeError as error:
                yield DecodeFault(body, f"{name}: {error}")

    def recorded_at(self, unit: bytes) -> datetime | None:
        """Return when a recorded alert was sent."""
        try:
            items = list(self._read(Parcel(unit, datetime.min.replace(tzinfo=UTC))))
        except DecodeError:
            return None
        sent = [{"sent": item.get("sent")} for item in items if not isinstance(item, DecodeFault)]
        return find_moment(sent, SENT)


def read_alert(body: bytes) -> dict[str, Any]:
    """Return the message of one alert; raise DecodeError."""
    if len(body) > LARGEST_DOCUMENT:
        raise DecodeError(f"larger than {LARGEST_DOCUMENT} bytes")
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise DecodeError(f"no readable XML: {str(error)[:200]}") from None
    namespace = root.tag[1:].partition("}")[0] if root.tag.startswith("{") else ""
    if namespace not in NAMESPACES or not root.tag.endswith("}alert"):
        raise DecodeError(f"no CAP alert: the document is {root.tag[:100]}")
    reader = _XmlReader(f"{{{namespace}}}")
    missing = [name for name in REQUIRED if not reader.text(root, name)]
    if missing:
        raise DecodeError(f"no CAP alert: without {', '.join(missing)}")
    message = reader.texts(root, ALERT_TEXTS)
    message["references"] = _references(reader.text(root, "references"))
    message["infos"] = [reader.info(info) for info in reader.all(root, "info")]
    return message


class _XmlReader:
    """Reads elements of one namespace."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def all(self, element: Element, name: str) -> list[Element]:
        return element.findall(self._prefix + name)

    def text(self, element: Element, name: str) -> str:
        return (element.findtext(self._prefix + name) or "").strip()

    def texts(self, element: Element, names: tuple[str, ...]) -> dict[str, Any]:
        return {_snake(name): text for name in names if (text := self.text(element, name))}

    def lists(self, element: Element, name: str) -> list[str]:
        return [text for each in self.all(element, name) if (text := (each.text or "").strip())]

    def pairs(self, element: Element, name: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for each in self.all(element, name):
            found.setdefault(self.text(each, "valueName"), []).append(self.text(each, "value"))
        return found

    def info(self, element: Element) -> dict[str, Any]:
        info = self.texts(element, INFO_TEXTS)
        for name in ("category", "responseType"):
            info[_snake(name)] = self.lists(element, name)
        for name in ("eventCode", "parameter"):
            info[_snake(name)] = self.pairs(element, name)
        info["areas"] = [self.area(area) for area in self.all(element, "area")]
        return info

    def area(self, element: Element) -> dict[str, Any]:
        polygons = [ring for text in self.lists(element, "polygon") if (ring := _ring(text))]
        circles = [circle for text in self.lists(element, "circle") if (circle := _circle(text))]
        area: dict[str, Any] = {
            "area_desc": self.text(element, "areaDesc"),
            "polygons": polygons,
            "circles": circles,
        }
        area["geocode"] = self.pairs(element, "geocode")
        for name in ("altitude", "ceiling"):
            height = _number(self.text(element, name))
            if height is not None:
                area[f"{name}_ft"] = height
        return area


def _moved(moment: datetime | None, shift: timedelta) -> datetime | None:
    try:
        return None if moment is None else moment + shift
    except OverflowError:
        return None


def _references(text: str) -> list[dict[str, str]]:
    """Return `sender,identifier,sent` triples separated by white space; skip anything else."""
    triples = [each.split(",") for each in text.split()]
    return [
        {"sender": triple[0], "identifier": triple[1], "sent": triple[2]}
        for triple in triples
        if len(triple) == 3
    ]


def _ring(text: str) -> list[list[float]]:
    """Return a closed ring of `latitude,longitude` pairs, without repeated corners; [] where it is invalid."""
    ring: list[list[float]] = []
    for pair in text.split():
        point = _point(pair)
        if point is None:
            return []
        if not ring or ring[-1] != point:
            ring.append(point)
    if ring and ring[0] != ring[-1]:
        ring.append(ring[0])
    return ring if len(ring) >= 4 else []


def _circle(text: str) -> dict[str, Any] | None:
    pair, _, radius_text = text.partition(" ")
    centre, radius = _point(pair), _number(radius_text)
    return {"centre": centre, "radius_km": radius} if centre is not None and radius is not None else None


def _point(text: str) -> list[float] | None:
    latitude, _, longitude = text.partition(",")
    y, x = _number(latitude), _number(longitude)
    if x is None or y is None or abs(x) > 180 or abs(y) > 90:
        return None
    return [x, y]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
