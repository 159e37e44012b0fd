"""Mappings in YAML: the messages, the entity that they change, and the member of each attribute.

docs/parts/connectors.md has the whole grammar with examples. A file is one rule, or `rules` with a list of them; each
rule that matches a message adds its entities.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rhinecloud.connectors.mapping.attribute import DeclaredAttribute, make_attribute
from rhinecloud.connectors.mapping.document import MappingKeys, MappingRuleKeys
from rhinecloud.connectors.mapping.lookup import HOLE, MessageScope, find
from rhinecloud.connectors.mapping.topic import TopicPattern
from rhinecloud.connectors.times import read_moment
from rhinecloud.kernel.declarative import ParsedDocument, fit_document, only_document, parse_bytes, parse_file
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector
from rhinecloud.kernel.time import format_time
from rhinecloud.pack.codec import Message
from rhinecloud.pack.mapping import Ignored, MappedItem, Rejected
from rhinecloud.pack.mapping import Mapping as AnyMapping

NO_TOPIC = "its topic is none of the mapping's"


@dataclass(frozen=True, slots=True)
class MappingRule:
    """One rule; `when` are members that must have a value, `each` is the path of a list of items."""

    entity_id: str
    entity_type: str
    attributes: tuple[DeclaredAttribute, ...]
    topic: TopicPattern | None
    when: Mapping[str, Any]
    each: str
    time: str
    time_format: str
    zone: ZoneInfo | None

    @property
    def names(self) -> frozenset[str]:
        """Return the names of members that it reads, with the first part of those that hold a dot."""
        templates = [self.entity_id, *(each.argument for each in self.attributes if not each.measured)]
        paths = [
            *(hole for template in templates for hole in HOLE.findall(template)),
            *(path for each in self.attributes for path in each.paths),
            *self.when,
            self.time,
        ]
        levels = self.topic.names if self.topic is not None else frozenset()
        return frozenset({*paths, *(path.partition(".")[0] for path in paths)}) - levels - {""}

    def apply(self, message: Message, received: datetime) -> Iterator[MappedItem]:
        """Yield the entities of a message, Rejected for members that are invalid, and Ignored for what is left out.

        An invalid item of a list does not affect the others, nor an invalid value the entity's other values.
        """
        levels: Mapping[str, str] = {}
        if self.topic is not None:
            matched = self.topic.match(str(message.get("topic", "")))
            if matched is None:
                yield Ignored(NO_TOPIC, str(message.get("topic", "")))
                return
            levels = matched
        items = self._items(message)
        if not items:
            yield Ignored(f"it has nothing in the list `{self.each}`")
        for number, item in enumerate(items):
            yield from self._mapped(MessageScope(levels, item, message), received, number)

    def _mapped(self, scope: MessageScope, received: datetime, number: int) -> Iterator[MappedItem]:
        """Yield what one item means; all that is Rejected has its place in the message."""
        for path, value in self.when.items():
            found = scope.find(path)
            if str(found) != str(value):
                yield Ignored(f"`{path}` is not {value!r}", f"{path}: {found!r}")
                return
        collector = ErrorCollector()
        with collector.collect():
            made = self._entity(scope, received, collector)
            if isinstance(made, dict) or not collector.found:
                yield made
        for each in collector.found:
            place = ".".join(filter(None, (f"{self.each}.{number}" if self.each else "", each.field)))
            yield Rejected(place, each.reason)

    def _items(self, message: Message) -> Sequence[Mapping[str, Any]]:
        if not self.each:
            return [message]
        items = find(message, self.each)
        if items is None:
            return []
        if not isinstance(items, list):
            raise Invalid("must be a list", field=self.each)
        return [item if isinstance(item, Mapping) else {"value": item} for item in items]

    def _entity(self, scope: MessageScope, received: datetime, collector: ErrorCollector) -> MappedItem:
        """Return the entity where the message has one of the values; texts and links alone make none.

        Values that are invalid are left out and added to `collector`.
        """
        observed_at = self._observed_at(scope, received)
        found: dict[str, Any] = {}
        for each in self.attributes:
            with collector.collect():
                if each.measured and (value := each.render(scope, observed_at)) is not None:
                    found[each.name] = value
        if not found and any(each.measured for each in self.attributes):
            return Ignored(f"it has no value for {self.entity_type}")
        fixed = {each.name: each.render(scope, observed_at) for each in self.attributes if not each.measured}
        return {"id": scope.fill(self.entity_id, as_uri=True), "type": self.entity_type, **found, **fixed}

    def _observed_at(self, scope: MessageScope, received: datetime) -> str:
        value = scope.find(self.time) if self.time else None
        if value is None or value == "":
            return format_time(received)
        moment = self._in_zone(value) if self.time_format else read_moment(value) or self._in_zone(value)
        if moment is None:
            wanted = f" as {self.time_format}" if self.time_format else ""
            zone = "" if self.zone else " with a zone (or the mapping must have a `zone`)"
            raise Invalid(f"must be a time{wanted}{zone}, not {value!r}", field=self.time)
        return format_time(moment)

    def _in_zone(self, value: Any) -> datetime | None:
        """Return a time without a zone in that of the rule, or seconds in a text; None for anything else."""
        text = str(value)
        try:
            if self.time_format:
                moment = datetime.strptime(text.strip(), self.time_format)  # noqa: DTZ007 - its zone comes below
            else:
                moment = datetime.fromisoformat(text)
        except ValueError:
            if self.time_format:
                return None
            return read_moment(float(value)) if text.replace(".", "", 1).isdecimal() else None
        if moment.tzinfo is None and self.zone is None:
            return None
        try:
            return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(UTC)
        except OverflowError:  # in UTC it is before the year 1, or after 9999
            return None


class DeclaredMapping:
    """A mapping from a YAML file: a `pack.Mapping` with the topics of its rules."""

    def __init__(self, rules: Sequence[MappingRule], text: str = "") -> None:
        """Two mappings are equal where their files have the same `text`."""
        self._rules = tuple(rules)
        self._digest = hashlib.sha256(text.encode()).digest()
        self.topics = tuple(dict.fromkeys(rule.topic.filter for rule in rules if rule.topic is not None))
        """MQTT topic filters of all rules."""
        self.names = frozenset(name for rule in rules for name in rule.names)
        """Names of the members that the rules read."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeclaredMapping) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def __call__(self, message: Message, received: datetime) -> Iterator[MappedItem]:
        """Yield what the rules say of a message. What is left out by a rule that makes no entity is told once, and only
        where no other rule makes one."""
        said = [self._say(rule, message, received) for rule in self._rules]
        made = [items for items in said if any(isinstance(item, dict) for item in items)]
        yield from (item for items in made for item in items if not isinstance(item, Rejected))
        rejected = [item for items in said for item in items if isinstance(item, Rejected)]
        yield from rejected
        if not made and not rejected:
            ignored = [item for items in said for item in items if isinstance(item, Ignored)]
            yield from sorted(ignored, key=lambda each: each.reason == NO_TOPIC)[:1]

    def _say(self, rule: MappingRule, message: Message, received: datetime) -> list[MappedItem]:
        said: list[MappedItem] = []
        try:
            said.extend(rule.apply(message, received))
        except Invalid as error:
            said.extend(Rejected(each.field, each.reason) for each in error.faults)
        return said


def names_read(mapping: AnyMapping) -> frozenset[str]:
    """Return the names of the members that a mapping reads, none where it is written in Python."""
    return mapping.names if isinstance(mapping, DeclaredMapping) else frozenset()


def parse_mapping(content: bytes, name: str) -> DeclaredMapping:
    """Return the mapping of a YAML text, called `name` in faults; raise Invalid naming each."""
    return _mapping(parse_bytes(content, ".yaml", name))


def load_mapping(path: Path, name: str = "") -> DeclaredMapping:
    """Return the mapping of a YAML file, called `name` in faults, else by its path; raise Invalid naming each."""
    return _mapping(parse_file(path, name))


def load_mappings(folder: Path) -> dict[str, DeclaredMapping]:
    """Return all mappings of a folder by the stem of their files; none where the folder does not exist."""
    return (
        {path.stem: load_mapping(path) for path in sorted(folder.glob("*.y*ml"))} if folder.is_dir() else {}
    )


def _mapping(parsed: list[ParsedDocument]) -> DeclaredMapping:
    written = only_document(parsed)
    if isinstance(written.data, dict) and "rules" in written.data:
        rules = fit_document(written, MappingKeys).value.rules
    else:
        rules = (fit_document(written, MappingRuleKeys).value,)
    return DeclaredMapping([_rule(each) for each in rules], written.text)


def _rule(keys: MappingRuleKeys) -> MappingRule:
    return MappingRule(
        entity_id=keys.id,
        entity_type=keys.type,
        attributes=tuple(
            make_attribute(name, written, comma=keys.decimal == ",")
            for name, written in keys.attributes.items()
        ),
        topic=keys.topic,
        when=keys.when,
        each=keys.each,
        time=keys.time,
        time_format=keys.time_format,
        zone=keys.zone,
    )
