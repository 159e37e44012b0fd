"""One alert, from the elements of its XML or from its JSON form, as the message of the CAP codec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rhinecloud.connectors.cap.areas import AreaTable
from rhinecloud.connectors.cap.blocks import number_parts
from rhinecloud.connectors.cap.shapes import CROSSES_ITSELF, read_number, read_shapes
from rhinecloud.kernel.moments import find_moment
from rhinecloud.pack.codec import DecodeError

REQUIRED = ("identifier", "sender", "sent", "status", "msgType", "scope")
ALERT_TEXTS = ("identifier", "sender", "sent", "status", "msgType", "source", "scope", "note", "incidents")
INFO_TEXTS = (
    *("language", "event", "urgency", "severity", "certainty", "audience", "effective", "onset", "expires"),
    *("senderName", "headline", "description", "instruction", "web", "contact"),
)
INFO_TIMES = ("effective", "onset", "expires")
NO_PLACE = "a warning without a polygon, a circle or a known code: its place is not known"

Members = Mapping[str, Any]
"""An element of CAP: its children by name, each a text, an element, or a list of them."""


@dataclass(frozen=True, slots=True)
class AlertReader:
    """Reads alerts; one without `expires` ends `lifetime` after its beginning."""

    areas: AreaTable = field(default_factory=AreaTable)
    lifetime: timedelta = timedelta(hours=24)

    def read(self, alert: Members, *, longitude_first: bool = False) -> dict[str, Any]:
        """Return the message of an alert; raise DecodeError where it is none."""
        missing = [name for name in REQUIRED if not _text(alert, name)]
        if missing:
            raise DecodeError(f"no CAP alert: without {', '.join(missing)}")
        message: dict[str, Any] = _texts(alert, ALERT_TEXTS)
        sent = find_moment(message["sent"])
        if sent is None:
            raise DecodeError(f"no CAP alert: sent must be a moment with its zone, not {message['sent']!r}")
        if not _is_iso(message["sent"]):
            message["sent"] = sent.isoformat()
        report = _Report()
        message["references"] = list(_references(_text(alert, "references"), report))
        message["infos"] = [
            self._info(info, sent, report.at(f"infos.{number}"), longitude_first)
            for number, info in enumerate(_elements(alert, "info"))
        ]
        message["parts"] = number_parts(message["infos"])
        message["faults"], message["notes"] = report.faults, report.notes
        return message

    def _info(
        self, element: Members, sent: datetime, report: _Report, longitude_first: bool
    ) -> dict[str, Any]:
        info: dict[str, Any] = _texts(element, INFO_TEXTS)
        for name in INFO_TIMES:
            if name in info:
                moment = find_moment(info[name])
                if moment is None:
                    report.fault(name, f"must be a moment with its zone, not {info.pop(name)!r}")
                elif not _is_iso(info[name]):
                    info[name] = moment.isoformat()
        if "expires" not in info:
            begins = find_moment(info.get("onset") or info.get("effective")) or sent
            info["expires"] = (max(begins, sent) + self.lifetime).isoformat()
            info["expires_assumed"] = True
        for name in ("category", "responseType"):
            info[_snake(name)] = _list(element, name)
        for name in ("eventCode", "parameter"):
            info[_snake(name)] = _pairs(element, name)
        info["areas"] = [
            self._area(area, report.at(f"areas.{number}"), longitude_first)
            for number, area in enumerate(_elements(element, "area"))
        ]
        if info["areas"] and not any(area["polygons"] or area["circles"] for area in info["areas"]):
            codes = "; ".join(f"{area['area_desc']} {area['geocode'] or ''}" for area in info["areas"][:5])
            report.note(NO_PLACE, codes)
        return info

    def _area(self, element: Members, report: _Report, longitude_first: bool) -> dict[str, Any]:
        shapes = read_shapes(
            _list(element, "polygon"), _list(element, "circle"), longitude_first=longitude_first
        )
        name = _text(element, "areaDesc")
        for place, reason in shapes.unusable:
            report.fault(place, f"{reason} (area {name!r})")
        for place in shapes.mended:
            report.note(CROSSES_ITSELF, f"{place} {name}")
        geocode = _pairs(element, "geocode")
        area: dict[str, Any] = {
            "area_desc": name,
            "polygons": shapes.polygons,
            "circles": shapes.circles,
            "geocode": geocode,
        }
        if not shapes.polygons and not shapes.circles:
            area["polygons"] = self._outlines(geocode)
        for height in ("altitude", "ceiling"):
            feet = read_number(_text(element, height))
            if feet is not None:
                area[f"{height}_ft"] = feet
        return area

    def _outlines(self, geocode: Mapping[str, list[str]]) -> list[Any]:
        """Return the outlines of the areas with these codes, each once."""
        found: list[Any] = []
        for name, values in geocode.items():
            for value in values:
                found.extend(ring for ring in self.areas.find(name, value) if ring not in found)
        return found


@dataclass(slots=True)
class _Report:
    """Collects what cannot be used (`faults`) and what a reader should know (`notes`)."""

    place: str = ""
    faults: list[dict[str, str]] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)

    def at(self, place: str) -> _Report:
        return _Report(f"{self.place}.{place}" if self.place else place, self.faults, self.notes)

    def fault(self, place: str, reason: str) -> None:
        self.faults.append({"place": self.at(place).place, "reason": reason})

    def note(self, reason: str, sample: str) -> None:
        """Keep the first sample of each reason: translations repeat them."""
        if all(each["reason"] != reason for each in self.notes):
            self.notes.append({"reason": reason, "sample": f"{self.place} {sample}"})


def _all(element: Members, name: str) -> list[Any]:
    value = element.get(name)
    return value if isinstance(value, list) else [] if value is None else [value]


def _elements(element: Members, name: str) -> list[Members]:
    return [each for each in _all(element, name) if isinstance(each, Mapping)]


def _list(element: Members, name: str) -> list[str]:
    values = (each for each in _all(element, name) if isinstance(each, str | int | float))
    return [text for each in values if (text := str(each).strip())]


def _text(element: Members, name: str) -> str:
    return next(iter(_list(element, name)), "")


def _texts(element: Members, names: tuple[str, ...]) -> dict[str, Any]:
    return {_snake(name): text for name in names if (text := _text(element, name))}


def _pairs(element: Members, name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in _elements(element, name):
        found.setdefault(_text(each, "valueName"), []).append(_text(each, "value"))
    return found


def _references(text: str, report: _Report) -> Iterator[dict[str, str]]:
    """Yield `sender,identifier,sent` triples, which are separated by white space."""
    for each in text.split():
        triple = each.split(",")
        if len(triple) == 3:
            yield {"sender": triple[0], "identifier": triple[1], "sent": triple[2]}
        else:
            report.fault("references", f"must be `sender,identifier,sent`, not {each[:200]!r}")


def _is_iso(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
