"""The facts of one reading for rules: attributes as plain values, the previous ones, times, units, quality.

All numbers are floats, so that a rule's arithmetic does not depend on whether a feed wrote 5 or 5.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import msgspec

from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import parse_time
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.equality import json_equal
from rhinecloud.ngsild.region import ANYWHERE, CityArea
from rhinecloud.risk.condition import PLACES, Condition

SIMULATED = "urn:rhinecloud:ns:simulated"
QUALITY = "urn:rhinecloud:ns:quality"
"""Sub-attribute with the quality of a value: `good`, `uncertain` or `bad`."""


class ReadingChange(Enum):
    """How a reading compares with the previous one: newer, the same again, or older."""

    NEW = "new"
    SAME = "same"
    LATE = "late"


class ReadingFacts(msgspec.Struct, omit_defaults=True):
    """An entity at one moment: what changed (IRIs), the previous instances, when the city recorded it (`at`) and when
    it was true (`observed`), both in seconds since 1970."""

    entity: Entity
    changed: list[str] = msgspec.field(default_factory=list)
    previous: dict[str, list[Instance]] = msgspec.field(default_factory=dict)
    at: float = 0.0
    observed: float = 0.0

    def keep(self, iris: frozenset[str]) -> ReadingFacts:
        """Return the part with some attributes, small enough for the state of a timer."""
        entity = Entity(
            id=self.entity.id,
            type=self.entity.type,
            attrs={iri: each for iri, each in self.entity.attrs.items() if iri in iris},
        )
        previous = {iri: each for iri, each in self.previous.items() if iri in iris}
        changed = [iri for iri in self.changed if iri in iris]
        return ReadingFacts(entity, changed, previous, self.at, self.observed)


class EntityFacts:
    """The facts of a reading for an expression, converted when they are read."""

    def __init__(
        self,
        reading: ReadingFacts,
        context: Context,
        extras: Mapping[str, Any] | None = None,
        area: CityArea = ANYWHERE,
    ) -> None:
        """`area` is where the city is."""
        self.reading = reading
        self._area = area
        self.extras = extras or {}
        self._context = context
        self._instances: dict[str, Instance | None] = {}
        self._values: dict[str, Any] = {}
        self._changes: dict[str, ReadingChange | None] = {}

    def iri(self, name: str) -> str:
        """Return the IRI of a compact name."""
        return self._context.expand(name)

    def compact(self, iri: str) -> str:
        """Return the compact name of an IRI."""
        return self._context.compact(iri)

    def instance(self, name: str) -> Instance | None:
        """Return an attribute's default instance by compact name."""
        if name not in self._instances:
            self._instances[name] = self.reading.entity.first(self._context.expand(name))
        return self._instances[name]

    def compare(self, iris: Iterable[str]) -> ReadingChange:
        """Compare changed attributes with the previous ones; one that is new makes the reading new."""
        verdicts = {self._change_of(iri) for iri in iris}
        return next(
            (
                each
                for each in (ReadingChange.NEW, ReadingChange.LATE, ReadingChange.SAME)
                if each in verdicts
            ),
            ReadingChange.NEW,
        )

    def value(self, name: str) -> Any:
        """Return an attribute's plain value by compact name, None where there is none."""
        if name not in self._values:
            self._values[name] = plain_value(self.instance(name))
        return self._values[name]

    def before(self, name: str) -> Any:
        """Return the attribute's value before this change; of an unchanged one, the present value."""
        iri = self._context.expand(name)
        if iri not in self.reading.changed:
            return self.value(name)
        return plain_value(first_of(self.reading.previous.get(iri, [])))

    def has(self, path: tuple[str, ...]) -> bool:
        """Return whether the fact of a reference is known."""
        head = path[0]
        if head == "e":
            return len(path) == 1 or self.value(path[1]) is not None
        if head == "previous":
            return len(path) == 1 or self.before(path[1]) is not None
        if head == "unit":
            return len(path) == 1 or self.instance(path[1]) is not None
        if head == "window":
            figures = self.extras.get(head)
            return figures is not None and (len(path) == 1 or path[1] in figures)
        if head in ("observed", "age_s", "id", "type", "simulated", *PLACES):
            return True
        return self.value(head) is not None

    def fact(self, name: str, condition: Condition) -> Any:
        """Return the variable `name` for the expression `condition`, None where it is unknown."""
        reading = self.reading
        match name:
            case "id":
                return reading.entity.id
            case "type":
                return self._context.compact(reading.entity.type[0])
            case "observed":
                return datetime.fromtimestamp(reading.observed, UTC)
            case "age_s":
                return max(0.0, reading.at - reading.observed)
            case "simulated":
                return self.is_simulated(condition.attributes)
            case "e":
                return self._group(name, condition, self.value)
            case "previous":
                return self._group(name, condition, self.before)
            case "unit":
                return self._group(name, condition, self._unit)
            case "window":
                return self.extras.get(name)
        return self._is_near(name) if name in PLACES else self.value(name)

    def is_simulated(self, attributes: frozenset[str]) -> bool:
        """Return whether the entity, or one of the attributes, is marked as simulated."""
        entity = self.reading.entity
        if plain_value(entity.first(SIMULATED)) is True:
            return True
        instances = [self.instance(name) for name in attributes]
        marks = (each.attrs.get(SIMULATED, []) for each in instances if each)
        return any(plain_value(first_of(each)) is True for each in marks)

    def quality(self, attributes: frozenset[str]) -> str:
        """Return the worst quality of the attributes: `bad`, `uncertain` or `good`; unmarked counts as good."""
        instances = [self.instance(name) for name in attributes]
        marks = {
            plain_value(first_of(each.attrs[QUALITY])) for each in instances if each and QUALITY in each.attrs
        }
        return next((word for word in ("bad", "uncertain") if word in marks), "good")

    def _change_of(self, iri: str) -> ReadingChange | None:
        if iri not in self._changes:
            before = first_of(self.reading.previous.get(iri, []))
            self._changes[iri] = _compare(self.reading.entity.first(iri), before)
        return self._changes[iri]

    def _is_near(self, name: str) -> bool:
        """Return the fact of `in_city` or `in_surroundings`."""
        instance = self.instance("location")
        place = instance.value if instance else None
        return self._area.in_city(place) if name == "in_city" else self._area.in_surroundings(place)

    def _unit(self, name: str) -> str | None:
        instance = self.instance(name)
        return instance.unit_code if instance else None

    def _group(self, group: str, condition: Condition, read: Any) -> dict[str, Any]:
        """Return `e`, `previous` or `unit` with the members that the expression reads, or with all of them."""
        names = {
            each.path[1] for each in condition.references if each.path[0] == group and len(each.path) > 1
        }
        if any(each.path == (group,) for each in condition.references):
            source = self.reading.previous if group == "previous" else self.reading.entity.attrs
            names |= {self._context.compact(iri) for iri in source}
        values = {name: read(name) for name in names}
        return {name: value for name, value in values.items() if value is not None}


def first_of(instances: list[Instance]) -> Instance | None:
    """Return the default instance, else the first, else None."""
    if len(instances) == 1:
        return instances[0]
    return next((each for each in instances if not each.dataset_id), instances[0] if instances else None)


def plain_value(instance: Instance | None) -> Any:
    """Return an instance's value for CEL: numbers as floats, DateTimes as datetimes."""
    return None if instance is None else _plain(instance.value)


def _compare(now: Instance | None, before: Instance | None) -> ReadingChange | None:
    """Compare an instance with the previous one by `observedAt`; None where both have no time and the same value."""
    if now is None or before is None:
        return ReadingChange.NEW
    if not now.observed_at or not before.observed_at:
        return None if json_equal(now.value, before.value) else ReadingChange.NEW
    if now.observed_at == before.observed_at:
        return ReadingChange.SAME if json_equal(now.value, before.value) else ReadingChange.NEW
    old, new = seconds(before.observed_at), seconds(now.observed_at)
    return ReadingChange.LATE if old is not None and new is not None and new < old else ReadingChange.NEW


def _seconds(text: str) -> float | None:
    if not text:
        return None
    try:
        return parse_time(text).timestamp()
    except Invalid:
        return None


seconds = BoundedCache(_seconds, longest=64).__getitem__
"""Return an ISO 8601 text as seconds since 1970, None where it is not one."""


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str | float):
        return value
    if isinstance(value, int):
        return float(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        if set(value) == {"@type", "@value"}:
            return _typed(value)
        return {str(key): _plain(each) for key, each in value.items()}
    return value


def _typed(value: dict[str, Any]) -> Any:
    """Return a JSON-LD typed value: a DateTime as a datetime, any other as its `@value`."""
    if str(value["@type"]).endswith("DateTime"):
        try:
            return parse_time(str(value["@value"]))
        except Invalid:
            return value["@value"]
    return _plain(value["@value"])
