"""The title of an alert: the rule's title, which thing it is about, and where that is.

A rule's title is the same for all its alerts, so what a person sees in a list would not tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry import shape

from rhinecloud.risk.facts import EntityFacts
from rhinecloud.risk.message import write_value
from rhinecloud.risk.model import Texts

ATTRIBUTES = ("name", "address", "areaServed", "location")
"""What the title of an alert reads, beside the rule's text."""

_EAST = {"de": "O"}
_ADDRESS = (("streetAddress", "streetNr"), ("postalCode", "addressLocality"))


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """What an alert is about: its name or id, and its address, area and GeoJSON location; None for what is unknown.

    `compact` returns the compact name of an IRI, for the members of an address.
    """

    name: Any
    address: Any
    area: Any
    location: Any
    compact: Callable[[str], str]


def subject_of(facts: EntityFacts) -> AlertSubject:
    """Return the entity of a reading as the subject of an alert."""
    instance = facts.instance("location")
    return AlertSubject(
        name=facts.value("name") or facts.reading.entity.id.removeprefix("urn:ngsi-ld:"),
        address=facts.value("address"),
        area=facts.value("areaServed"),
        location=instance.value if instance else None,
        compact=facts.compact,
    )


def alert_title(title: Texts, subject: AlertSubject) -> dict[str, str]:
    """Return the title by language: `High water: Gauge Ruhrort (Duisburg)`.

    The place is the subject's address, its area, or else its coordinates. What the text before says already is left
    out.
    """
    titled = {}
    for language, text in title.items():
        thing = write_value(subject.name, language) if subject.name else ""
        whole = text if thing.lower() in text.lower() else f"{text}: {thing}"
        place = _place(subject, language)
        titled[language] = f"{whole} ({place})" if place and place.lower() not in whole.lower() else whole
    return titled


def _place(subject: AlertSubject, language: str) -> str:
    area = write_value(subject.area, language) if subject.area else ""
    written = _address(subject, language) or area
    return written or (_coordinates(subject.location, language) if subject.location else "")


def _address(subject: AlertSubject, language: str) -> str:
    """Return an address in one line; schema.org's PostalAddress, or a text."""
    address = subject.address
    if not isinstance(address, Mapping):
        return write_value(address, language) if address else ""
    known = {**address, **{subject.compact(name): value for name, value in address.items()}}
    parts = (" ".join(str(known[name]) for name in names if known.get(name)) for names in _ADDRESS)
    return ", ".join(filter(None, parts))


def _coordinates(geojson: Any, language: str) -> str:
    """Return the middle of a geometry in degrees, '' where it is not one."""
    try:
        middle = shape(geojson).centroid
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, shapely.errors.ShapelyError):
        return ""
    if middle.is_empty:
        return ""
    north, east = abs(middle.y), abs(middle.x)
    latitude = f"{north:.4f}° {'N' if middle.y >= 0 else 'S'}"
    longitude = f"{east:.4f}° {_EAST.get(language, 'E') if middle.x >= 0 else 'W'}"
    if language == "de":
        return f"{latitude} {longitude}".replace(".", ",")
    return f"{latitude}, {longitude}"
