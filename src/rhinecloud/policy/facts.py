"""What the policies know of one entity: only that which some policy mentions, as plain values that a cache can hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.options import LOCATION
from rhinecloud.policy.analysis import Mentions
from rhinecloud.policy.areas import Areas, point_of

ASSIGNED_AGENCY = "urn:rhinecloud:ns:assignedAgency"
"""The Relationship from an entity to the agency that works on it."""

LARGEST_NUMBER = 922_337_203_685_477.0
"""Cedar's decimals end here; a larger number counts as this one."""


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts about one entity; numbers and coordinates are decimals with four places, as Cedar has them."""

    id: str = ""
    owner: str = ""
    agency: tuple[str, ...] = ()
    area: tuple[str, ...] = ()
    location: tuple[str, str] | None = None
    text: tuple[tuple[str, tuple[str, ...]], ...] = ()
    number: tuple[tuple[str, str], ...] = ()
    mentions: str = ""
    """Which facts were read: those that were kept while other policies held are not enough for the present ones."""


NO_FACTS = Facts()
"""The facts about no entity: of an act that is about none, and where no policy mentions any."""


class FactReader:
    """Reads from entities what `mentions` names; `name` expands an attribute's short name to its IRI."""

    def __init__(self, mentions: Mentions, areas: Areas, name: Callable[[str], str]) -> None:
        self._facts = mentions.facts
        self._areas = areas
        self._texts = {each: name(each) for each in sorted(mentions.texts)}
        self._numbers = {each: name(each) for each in sorted(mentions.numbers)}
        self._reads = mentions.of_entity
        self.mentions = mentions
        self.mentioned = " ".join(sorted(mentions.facts | mentions.texts | mentions.numbers))
        """What is read, as it stands in the facts."""

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes that are looked at, as IRIs."""
        wanted = {*self._texts.values(), *self._numbers.values()}
        if "agency" in self._facts:
            wanted.add(ASSIGNED_AGENCY)
        if not self._facts.isdisjoint(("area", "location")):
            wanted.add(LOCATION)
        return frozenset(wanted)

    def read(self, entity: Entity) -> Facts:
        """Return the facts about an entity."""
        if not self._reads:
            return NO_FACTS
        facts = self._facts
        place = None if facts.isdisjoint(("area", "location")) else entity.attrs.get(LOCATION)
        return Facts(
            id=entity.id if "id" in facts else "",
            owner=entity.created_by if "owner" in facts else "",
            agency=_texts(entity, ASSIGNED_AGENCY) if "agency" in facts else (),
            area=self._areas.around(place) if "area" in facts and place else (),
            location=_location(place[0].value) if "location" in facts and place else None,
            text=tuple((name, _texts(entity, iri)) for name, iri in self._texts.items()),
            number=tuple(_numbers(entity, self._numbers)),
            mentions=self.mentioned,
        )


def resource_attributes(facts: Facts, mentions: Mentions) -> dict[str, Any]:
    """Return facts as the attributes of Cedar's `resource`; every text is a set, which may be empty."""
    attributes: dict[str, Any] = {
        "id": facts.id,
        "owner": facts.owner,
        "agency": facts.agency,
        "area": facts.area,
        "text": {**dict.fromkeys(mentions.texts, ()), **dict(facts.text)},
        "number": {name: _decimal(value) for name, value in facts.number},
    }
    if facts.location is not None:
        longitude, latitude = facts.location
        attributes["location"] = {"longitude": _decimal(longitude), "latitude": _decimal(latitude)}
    return attributes


def _texts(entity: Entity, iri: str) -> tuple[str, ...]:
    found = {text for instance in entity.attrs.get(iri) or () for text in _texts_in(instance.value)}
    return tuple(sorted(found))


def _texts_in(value: Any) -> Iterator[str]:
    """Yield the texts of a value, also those in lists and of each language; `true` and `false` for booleans."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, list):
        for each in value:
            yield from _texts_in(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts_in(each)


def _numbers(entity: Entity, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the value of each attribute: of the instance without datasetId where there are several."""
    for name, iri in names.items():
        instances: list[Instance] = entity.attrs.get(iri) or []
        default = next(
            (each for each in instances if not each.dataset_id), instances[0] if instances else None
        )
        if default is not None and type(default.value) in (int, float):
            yield name, _places(default.value)


def _location(geometry: Any) -> tuple[str, str] | None:
    point = point_of(geometry)
    return (_places(point[0]), _places(point[1])) if point is not None else None


def _places(value: float) -> str:
    return f"{max(-LARGEST_NUMBER, min(LARGEST_NUMBER, value)):.4f}"


def _decimal(text: str) -> dict[str, Any]:
    return {"__extn": {"fn": "decimal", "arg": text}}


def only(facts: Facts, mentions: Mentions) -> Facts:
    """Return those facts that `mentions` names, so that equal questions are the same question."""
    if facts is NO_FACTS or not mentions.of_entity:
        return NO_FACTS
    wanted = mentions.facts
    return Facts(
        id=facts.id if "id" in wanted else "",
        owner=facts.owner if "owner" in wanted else "",
        agency=facts.agency if "agency" in wanted else (),
        area=facts.area if "area" in wanted else (),
        location=facts.location if "location" in wanted else None,
        text=tuple(each for each in facts.text if each[0] in mentions.texts),
        number=tuple(each for each in facts.number if each[0] in mentions.numbers),
    )
