"""The keys of a mapping file; docs/parts/connectors.md has examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from rhinecloud.connectors.mapping.topic import TopicPattern
from rhinecloud.kernel.declarative import DeclarativeModel, ReadBy, Text
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.units import read_unit

UnitCode = Annotated[str, ReadBy(read_unit, {"type": "string", "pattern": "^[A-Z0-9]{2,3}$"})]

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


class AttributeKeys(DeclarativeModel):
    """The source of an attribute's value, one of `from`, `text`, `link`, `point`, and its conversion."""

    path: Annotated[Text, Field(alias="from")] = ""
    """The path of the value in the message."""
    text: Text = ""
    """A constant text, with `{path}` for values of the message."""
    link: Text = ""
    """The id of another entity, with `{path}` for values of the message."""
    point: tuple[Text, Text] | None = None
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


class MappingRuleKeys(DeclarativeModel):
    """The messages, the entity that they change, and the member of each attribute."""

    says: str = ""
    """A comment."""
    topic: Annotated[TopicPattern | None, ReadBy(read_topic, {"type": "string"})] = None
    """MQTT topics, with `{name}`, `+` and `#` as levels."""
    when: Mapping[str, Any] = {}
    """Members that a message must have, with their values."""
    each: Text = ""
    """The path of a list: each item of it is an entity."""
    id: Text
    """The entity's id, with `{path}` for values of the message."""
    type: Text
    """The entity's type."""
    time: Text = ""
    """The path of the time of observation."""
    time_format: Text = ""
    """The format of that time, in the codes of strptime."""
    zone: Annotated[ZoneInfo | None, ReadBy(read_zone, {"type": "string"})] = None
    """The time zone of times without one."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of numbers in texts."""
    attributes: Annotated[Mapping[str, Text | AttributeKeys], Field(min_length=1)]
    """Attributes by name: the path of the value, or keys."""


class MappingKeys(DeclarativeModel):
    """Several rules; each that matches a message adds its entities."""

    says: str = ""
    """A comment."""
    rules: Annotated[tuple[MappingRuleKeys, ...], Field(min_length=1)]


MappingFile = MappingKeys | MappingRuleKeys
"""The model of a file: one rule, or several."""
