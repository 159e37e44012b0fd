"""Mappings in YAML: the messages, the entity that they change, and the member of each attribute.

docs/parts/connectors.md has the whole grammar with examples. A file is one rule, or `rules` with a list of them; each
rule that matches a message adds its entities.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rhinecloud.connectors.mapping.attribute import DeclaredAttribute, make_attribute
from rhinecloud.connectors.mapping.condition import MemberCondition, read_conditions
from rhinecloud.connectors.mapping.document import MappingKeys, MappingRuleKeys
from rhinecloud.connectors.mapping.lookup import MessageItem, MessagePath, MessageScope, MessageTemplate
from rhinecloud.connectors.mapping.topic import TopicPattern
from rhinecloud.connectors.nodata import NoDataWords
from rhinecloud.connectors.retained import is_retained
from rhinecloud.kernel.declarative import ParsedDocument, fit_document, only_document, parse_bytes, parse_file
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector
from rhinecloud.kernel.moments import ZoneMissing, read_formatted_moment, read_moment
from rhinecloud.kernel.time import format_time
from rhinecloud.pack.codec import Message
from rhinecloud.pack.mapping import Ignored, MappedItem, Rejected
from rhinecloud.pack.mapping import Mapping as AnyMapping

NO_TOPIC = "its topic is none of the mapping's"


@dataclass(frozen=True, slots=True)
class MappingRule:
    """One rule; `when` are conditions of members, `each` is the path of a list of items."""

    entity_id: MessageTemplate
    entity_type: str
    attributes: tuple[DeclaredAttribute, ...]
    topic: TopicPattern | None
    when: tuple[MemberCondition, ...]
    each: MessagePath | None
    time: tuple[MessagePath, ...]
    time_format: str
    zone: ZoneInfo | None
    no_data: NoDataWords
    ignores_retained: bool = False

    @property
    def paths(self) -> tuple[MessagePath, ...]:
        """Return all paths that it reads in an item."""
        return tuple(
            dict.fromkeys(
                (
                    *self.entity_id.paths,
                    *(path for each in self.attributes for path in each.paths),
                    *(condition.path for condition in self.when),
                    *self.time,
                )
            )
        )

    @property
    def names(self) -> frozenset[str]:
        """Return the names of members that it reads, with the first part of those that hold a dot."""
        levels = self.topic.names if self.topic is not None else frozenset()
        return frozenset(name for path in self.paths for name in path.first_names) - levels

    def apply(self, message: Message, received: datetime) -> Iterator[MappedItem]:
        """Yield the entities of a message, Rejected for members that are invalid, and Ignored for what is left out.

        An invalid item of a list does not affect the others, nor an invalid value the entity's other values.
        """
        levels = self._levels(message)
        if levels is None:
            yield Ignored(NO_TOPIC, str(message.get("topic", "")))
            return
        if self.ignores_retained and is_retained(message):
            yield Ignored("a retained message")
            return
        empty = True
        for item in self._items(message):
            empty = False
            yield from self._mapped(self._scope(levels, item), received, item.place)
        if empty:
            yield Ignored(f"it has nothing in the list `{self.each}`")

    def find_paths(self, message: Message) -> Iterator[MessagePath]:
        """Yield the paths at which a message has values, also where its items do not meet the conditions."""
        levels = self._levels(message)
        if levels is None:
            return
        for item in self._items(message):
            scope = self._scope(levels, item)
            yield from (path for path in self.paths if scope.find(path) is not None)

    def _levels(self, message: Message) -> Mapping[str, str] | None:
        """Return the named levels of the message's topic, None where the topic is another one."""
        return {} if self.topic is None else self.topic.match(str(message.get("topic", "")))

    def _scope(self, levels: Mapping[str, str], item: MessageItem) -> MessageScope:
        return MessageScope(levels, *item.layers(), no_data=self.no_data)

    def _mapped(self, scope: MessageScope, received: datetime, place: str) -> Iterator[MappedItem]:
        """Yield what one item means; all that is Rejected has its place in the message."""
        for condition in self.when:
            found = condition.find_in(scope)
            if not condition.fits(found):
                yield Ignored(f"`{condition.path}` is not {condition}", f"{condition.path}: {found!r}")
                return
        collector = ErrorCollector()
        with collector.collect():
            made = self._entity(scope, received, collector)
            if isinstance(made, dict) or not collector.found:
                yield made
        for each in collector.found:
            yield Rejected(".".join(filter(None, (place, each.field))), each.reason)

    def _items(self, message: Message) -> Iterator[MessageItem]:
        if self.each is None:
            yield MessageItem(message)
            return
        for item in self.each.walk(message):
            if self.each.ends_in_every:
                yield item
            elif isinstance(item.value, list):
                for number, each in enumerate(item.value):
                    yield item.of_many(str(number), each, is_key=False)
            elif item.value is not None:
                hint = (
                    f"; `{self.each}.*` is each value of an object" if isinstance(item.value, Mapping) else ""
                )
                raise Invalid(f"must be a list{hint}", field=item.place)

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
        values = {str(path): value for path in self.time if (value := scope.find(path)) not in (None, "")}
        if not values:
            return format_time(received)
        missing = [str(path) for path in self.time if str(path) not in values]
        if missing:
            raise Invalid("must have a value beside the rest of the time", field=missing[0])
        written = next(iter(values.values())) if len(values) == 1 else " ".join(map(str, values.values()))
        return format_time(self._moment(written, " ".join(map(str, self.time))))

    def _moment(self, written: Any, field: str) -> datetime:
        try:
            if self.time_format:
                return read_formatted_moment(str(written), self.time_format, zone=self.zone, field=field)
            return read_moment(written, zone=self.zone, field=field)
        except ZoneMissing:
            needed = "must be a time with a zone, or the mapping must have a `zone`"
            raise Invalid(f"{needed}, not {written!r}", field=field) from None


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
        self.paths = tuple(dict.fromkeys(path for rule in rules for path in rule.paths))
        """All paths that the rules read."""

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

    def find_paths(self, message: Message) -> Iterator[MessagePath]:
        """Yield the paths at which a message has values."""
        for rule in self._rules:
            with contextlib.suppress(Invalid):
                yield from rule.find_paths(message)

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
        parts = [written.part("rules", index) for index in range(len(rules))]
    else:
        rules, parts = (fit_document(written, MappingRuleKeys).value,), [written]
    return DeclaredMapping(
        [_rule(keys, read_conditions(part)) for keys, part in zip(rules, parts, strict=True)], written.text
    )


def _rule(keys: MappingRuleKeys, when: tuple[MemberCondition, ...]) -> MappingRule:
    return MappingRule(
        entity_id=keys.id,
        entity_type=keys.type,
        attributes=tuple(
            make_attribute(name, written, comma=keys.decimal == ",")
            for name, written in keys.attributes.items()
        ),
        topic=keys.topic,
        when=when,
        each=keys.each,
        time=keys.time,
        time_format=keys.time_format,
        zone=keys.zone,
        no_data=NoDataWords(keys.no_data),
        ignores_retained=keys.retained == "ignore",
    )
