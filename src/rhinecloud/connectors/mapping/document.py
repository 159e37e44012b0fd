"""The keys of a mapping file; docs/parts/connectors.md has examples."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from rhinecloud.connectors.mapping.lookup import (
    MessagePath,
    MessageTemplate,
    read_path,
    read_template,
    read_uri_template,
    read_walk,
    text_of,
)
from rhinecloud.connectors.mapping.topic import TopicPattern
from rhinecloud.kernel.declarative import DeclarativeModel, ReadBy, Text
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.units import read_unit

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
_WORDS = {"type": "array", "items": {"type": ["string", "number"]}}

SOURCES = ("from", "text", "link", "point")


def read_zone(value: Any) -> ZoneInfo:
    """Return a time zone by its IANA name; raise Invalid."""
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError, TypeError, AttributeError):
        raise Invalid(f"must be a time zone such as Europe/Berlin, not {value!r}") from None


def read_topic(value: Any) -> TopicPattern:
    """Return a pattern of MQTT topics; raise Invalid."""
    if not isinstance(value, str) or not value:
        raise Invalid(f"must be a topic such as `air/{{station}}/+`, not {value!r}")
    return TopicPattern(value)


def read_time_paths(value: Any) -> tuple[MessagePath, ...]:
    """Return the path of a time, or several whose values are joined; raise Invalid."""
    written = value if isinstance(value, list) and value else [value]
    return tuple(read_path(each) for each in written)


def read_time_format(value: Any) -> str:
    """Return a format of strptime that holds a whole date; raise Invalid."""
    example = datetime(2026, 3, 22, 13, 5, 7, tzinfo=UTC)
    try:
        read = datetime.strptime(example.strftime(value), value)  # noqa: DTZ007 - only its date counts
    except (ValueError, TypeError) as error:
        raise Invalid(
            f"must be a format of strptime such as %d.%m.%Y %H:%M, not {value!r}: {error}"
        ) from None
    if read.date() != example.date():
        raise Invalid(f"must have codes for year, month and day, such as %d.%m.%Y %H:%M, not {value!r}")
    return str(value)


def read_words(value: Any) -> tuple[str, ...]:
    """Return the texts of values that mean that there is none; raise Invalid."""
    if not isinstance(value, list) or not all(isinstance(each, str | int | float) for each in value):
        raise Invalid(f'must be a list of texts and numbers such as ["-", -999], not {value!r}')
    return tuple(text_of(each) for each in value)


UnitCode = Annotated[str, ReadBy(read_unit, {"type": "string", "pattern": "^[A-Z0-9]{2,3}$"})]
Path = Annotated[MessagePath | None, ReadBy(read_path, _TEXT)]
Uri = Annotated[MessageTemplate, ReadBy(read_uri_template, _TEXT)]


class AttributeKeys(DeclarativeModel):
    """The source of an attribute's value, one of `from`, `text`, `link`, `point`, and its conversion."""

    path: Annotated[Path, Field(alias="from")] = None
    """The path of the value in the message."""
    text: Annotated[MessageTemplate | None, ReadBy(read_template, _TEXT)] = None
    """A constant text, with `{path}` for values of the message."""
    link: Uri | None = None
    """The id of another entity, with `{path}` for values of the message."""
    point: tuple[Path, Path] | None = None
    """The paths of longitude and latitude."""
    kind: Annotated[Literal["number", "text", "boolean"] | None, Field(alias="as")] = None
    unit: UnitCode = ""
    """UN/CEFACT common code of the unit."""
    scale: float = 1.0
    """A factor of the value, before `offset` is added."""
    offset: float = 0.0
    digits: Annotated[int | None, Field(ge=0, le=15)] = None
    """The number of decimals to keep."""
    smallest: Annotated[float | None, Field(alias="min")] = None
    largest: Annotated[float | None, Field(alias="max")] = None
    values: Mapping[str, Any] = {}
    """A table from the message's values to those of the attribute."""

    @classmethod
    def check_keys(cls, keys: Mapping[str, Any]) -> Iterator[Invalid]:
        """Yield a fault unless there is exactly one source."""
        if len([key for key in SOURCES if key in keys]) != 1:
            yield Invalid("must have exactly one of from, text, link and point")

    def check(self) -> Iterator[Invalid]:
        """Yield a fault where no value can be within the bounds."""
        if self.smallest is not None and self.largest is not None and self.smallest > self.largest:
            yield Invalid(f"must be `min` ({self.smallest:g}) or more, not {self.largest:g}", field="max")


class MappingRuleKeys(DeclarativeModel):
    """The messages, the entity that they change, and the member of each attribute."""

    says: str = ""
    """A comment."""
    topic: Annotated[TopicPattern | None, ReadBy(read_topic, {"type": "string"})] = None
    """MQTT topics, with `{name}`, `+` and `#` as levels."""
    when: Mapping[str, Any] = {}
    """Members that a message must have, with their values, or with lists of values."""
    retained: Literal["keep", "ignore"] = "keep"
    """Whether messages that an MQTT server retained are used."""
    each: Annotated[MessagePath | None, ReadBy(read_walk, _TEXT)] = None
    """The path of a list: each item of it is an entity. `stations.*` is each value of an object, with its name as
    `key`."""
    id: Uri
    """The entity's id, with `{path}` for values of the message."""
    type: Text
    """The entity's type."""
    time: Annotated[tuple[MessagePath, ...], ReadBy(read_time_paths, _TEXTS)] = ()
    """The path of the time of observation, or paths whose values are joined with a blank, such as date and time."""
    time_format: Annotated[str, ReadBy(read_time_format, _TEXT)] = ""
    """The format of that time, in the codes of strptime."""
    zone: Annotated[ZoneInfo | None, ReadBy(read_zone, {"type": "string"})] = None
    """The time zone of times without one."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of numbers in texts."""
    no_data: Annotated[tuple[str, ...], ReadBy(read_words, _WORDS)] = ()
    """Values that mean that there is none, such as `-`, -999 and `n/a`."""
    attributes: Annotated[Mapping[str, Text | AttributeKeys], Field(min_length=1)]
    """Attributes by name: the path of the value, or keys."""

    def check(self) -> Iterator[Invalid]:
        """Yield faults of paths that are keys or short forms, of conditions, and of misspelt levels of the topic."""
        for name, written in self.attributes.items():
            if isinstance(written, str):
                yield from _faults(written, f"attributes.{name}")
        for path, value in self.when.items():
            yield from _faults(path, f"when.{path}")
            if not all(_is_scalar(each) for each in (value if isinstance(value, list) else [value])):
                yield Invalid(
                    "must be a text, a number, true or false, or a list of them", field=f"when.{path}"
                )
        yield from self._misspelt_levels("id", self.id)
        for name, written in self.attributes.items():
            for key in ("link", "text"):
                template = None if isinstance(written, str) else getattr(written, key)
                if template is not None:
                    yield from self._misspelt_levels(f"attributes.{name}.{key}", template)

    def _misspelt_levels(self, field: str, template: MessageTemplate) -> Iterator[Invalid]:
        """Yield a fault for each name that is nearly one of the topic's levels."""
        levels = self.topic.names if self.topic is not None else frozenset()
        for path in template.paths:
            if len(path.steps) == 1 and path.text not in levels:
                near = difflib.get_close_matches(path.text, levels, 1, 0.75)
                if near:
                    yield Invalid(f"unknown level {{{path}}}; did you mean `{{{near[0]}}}`?", field=field)


def _faults(path: str, field: str) -> Iterator[Invalid]:
    """Yield the fault of a path, with its field."""
    try:
        read_path(path)
    except Invalid as error:
        yield Invalid(error.reason, field=field)


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


class MappingKeys(DeclarativeModel):
    """Several rules; each that matches a message adds its entities."""

    says: str = ""
    """A comment."""
    rules: Annotated[tuple[MappingRuleKeys, ...], Field(min_length=1)]


MappingFile = MappingKeys | MappingRuleKeys
"""The model of a file: one rule, or several."""
