"""Mappings declared in YAML: which messages are meant, which entity they change, and which member is which
attribute.

docs/parts/connectors.md has the whole grammar with examples. A file is one rule, or `rules` with a list of them; each
rule that fits a message adds its entities.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from rhinecloud.connectors.mapping.attribute import DeclaredAttribute, read_attribute
from rhinecloud.connectors.mapping.lookup import MessageScope, find
from rhinecloud.connectors.mapping.topic import TopicPattern
from rhinecloud.connectors.times import read_moment
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector, unknown
from rhinecloud.kernel.time import format_time
from rhinecloud.pack.codec import Message
from rhinecloud.pack.mapping import EntityFragment

KEYS = frozenset(
    {"says", "topic", "when", "each", "id", "type", "time", "time_format", "zone", "decimal", "attributes"}
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as written; `when` are members that must have a value, `each` the path of a list of items."""

    entity_id: str
    entity_type: str
    attributes: tuple[DeclaredAttribute, ...]
    topic: TopicPattern | None
    when: Mapping[str, Any]
    each: str
    time: str
    time_format: str
    zone: ZoneInfo | None

    def apply(self, message: Message, received: datetime) -> Iterator[EntityFragment]:
        """Give the entities that a message changes; at last raises Invalid naming each member that does not fit.

        Of a list, one item that is wrong does not cost the others.
        """
        levels: Mapping[str, str] = {}
        if self.topic is not None:
            matched = self.topic.match(str(message.get("topic", "")))
            if matched is None:
                return
            levels = matched
        collector = ErrorCollector()
        for number, item in enumerate(self._items(message)):
            scope = MessageScope(levels, item, message)
            if not all(str(scope.find(path)) == str(value) for path, value in self.when.items()):
                continue
            try:
                yield from self._entity(scope, received)
            except Invalid as error:
                collector.add(error.reason, ".".join(filter(None, (self._item_name(number), error.field))))
        collector.finish()

    def _item_name(self, number: int) -> str:
        return f"{self.each}.{number}" if self.each else ""

    def _items(self, message: Message) -> Iterator[Mapping[str, Any]]:
        if not self.each:
            yield message
            return
        items = find(message, self.each)
        if items is None:
            return
        if not isinstance(items, list):
            raise Invalid("is no list", field=self.each)
        for item in items:
            yield item if isinstance(item, Mapping) else {"value": item}

    def _entity(self, scope: MessageScope, received: datetime) -> Iterator[EntityFragment]:
        """Give the entity where the message has any of the values; texts and links alone make none."""
        observed_at = self._observed_at(scope, received)
        values = [each for each in self.attributes if each.measured]
        found = {
            each.name: value for each in values if (value := each.render(scope, observed_at)) is not None
        }
        if found or not values:
            fixed = {
                each.name: each.render(scope, observed_at) for each in self.attributes if not each.measured
            }
            yield {"id": scope.fill(self.entity_id, as_uri=True), "type": self.entity_type, **found, **fixed}

    def _observed_at(self, scope: MessageScope, received: datetime) -> str:
        value = scope.find(self.time) if self.time else None
        if value is None or value == "":
            return format_time(received)
        moment = self._in_zone(value) if self.time_format else read_moment(value) or self._in_zone(value)
        if moment is None:
            wanted = f" as {self.time_format}" if self.time_format else ""
            zone = (
                ""
                if self.zone
                else " with a zone (the mapping's `zone` says which is meant where none is named)"
            )
            raise Invalid(f"{value!r} is no time{wanted}{zone}", field=self.time)
        return format_time(moment)

    def _in_zone(self, value: Any) -> datetime | None:
        """Read a time without a zone in the rule's own, and seconds that stand as text."""
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
    """A mapping from a YAML file: a `pack.Mapping` that also knows the topics it is about."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self.topics = tuple(dict.fromkeys(rule.topic.filter for rule in rules if rule.topic is not None))
        """MQTT topic filters of all rules."""

    def __call__(self, message: Message, received: datetime) -> Iterator[EntityFragment]:
        """Give the entities that a message changes; at last raises Invalid, or Faults for several."""
        collector = ErrorCollector()
        for rule in self._rules:
            with collector.collect():
                yield from rule.apply(message, received)
        collector.finish()


def read_mapping(written: Any) -> DeclaredMapping:
    """Read a mapping as YAML has it; raises Invalid naming the place."""
    if not isinstance(written, dict):
        raise Invalid("a mapping is an object with id, type and attributes, or with rules")
    rules = written.get("rules")
    if rules is None:
        return DeclaredMapping([_rule(written, "")])
    unknown = written.keys() - {"says", "rules"}
    if unknown:
        raise Invalid("stands beside rules; only says may", field=min(unknown))
    if not isinstance(rules, list) or not rules:
        raise Invalid("is a list of rules", field="rules")
    return DeclaredMapping([_rule(rule, f"rules[{index}].") for index, rule in enumerate(rules)])


def load_mapping(path: Path, name: str = "") -> DeclaredMapping:
    """Read a YAML file, called `name` in what is said of it; raises Invalid naming the file and the place in it."""
    name = name or str(path)
    try:
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(f"cannot be read: {error.strerror}", field=name) from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise Invalid(f"is not YAML: {_complaint(error)}", field=name) from None
    try:
        return read_mapping(written)
    except Invalid as error:
        raise Invalid(error.reason, field=f"{name}: {error.field}" if error.field else name) from None


def load_mappings(folder: Path) -> dict[str, DeclaredMapping]:
    """Read all YAML files of a folder, by name without the ending; a folder that is not there has none."""
    return (
        {path.stem: load_mapping(path) for path in sorted(folder.glob("*.y*ml"))} if folder.is_dir() else {}
    )


def _complaint(error: Exception) -> str:
    """Say on one line what YAML has against a text, and where."""
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}" if mark else what


def _rule(written: Any, place: str) -> Rule:
    if not isinstance(written, dict):
        raise Invalid("is an object with id, type and attributes", field=place.rstrip("."))
    for key in written:
        if key not in KEYS:
            raise Invalid(unknown("key", str(key), KEYS), field=f"{place}{key}")
    attributes = written.get("attributes")
    if not isinstance(attributes, dict) or not attributes:
        raise Invalid("is an object from attribute names to where they come from", field=f"{place}attributes")
    when = written.get("when", {})
    if not isinstance(when, dict):
        raise Invalid("is an object of members and the values they must have", field=f"{place}when")
    topic = _text(written, "topic", place)
    decimal = _text(written, "decimal", place) or "."
    if decimal not in (".", ","):
        raise Invalid("is `,` or `.`", field=f"{place}decimal")
    return Rule(
        entity_id=_text(written, "id", place, needed=True),
        entity_type=_text(written, "type", place, needed=True),
        attributes=tuple(
            read_attribute(str(name), value, f"{place}attributes.{name}", comma=decimal == ",")
            for name, value in attributes.items()
        ),
        topic=TopicPattern(topic, f"{place}topic") if topic else None,
        when=when,
        each=_text(written, "each", place),
        time=_text(written, "time", place),
        time_format=_text(written, "time_format", place),
        zone=_zone(_text(written, "zone", place), f"{place}zone"),
    )


def _text(written: Mapping[str, Any], key: str, place: str, *, needed: bool = False) -> str:
    value = written.get(key, "")
    if not isinstance(value, str) or (needed and not value):
        raise Invalid("is a text" if not needed else "is needed, a text", field=f"{place}{key}")
    return value


def _zone(name: str, place: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        raise Invalid(f"{name!r} is no time zone such as Europe/Berlin", field=place) from None
