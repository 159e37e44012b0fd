"""One attribute of a declared mapping: the source of its value, and its conversion."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rhinecloud.connectors.mapping.document import AttributeKeys
from rhinecloud.connectors.mapping.lookup import (
    MessagePath,
    MessageScope,
    MessageTemplate,
    is_written_as,
    text_of,
)
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.numbers import read_number
from rhinecloud.pack.place import point

NUMERIC = frozenset({"unit", "scale", "offset", "digits", "smallest", "largest"})
"""Keys whose presence makes the value a number."""

_COMMA_NUMBER = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")


def _number(value: Any) -> float:
    try:
        return read_number(value)
    except Invalid:
        raise ValueError from None


def _plain_number(text: str) -> str:
    """Return a number with a decimal comma, with or without full stops between thousands, as Python writes it."""
    if not _COMMA_NUMBER.fullmatch(text.strip()):
        raise ValueError
    return text.replace(".", "").replace(",", ".")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("1", "true", "on", "yes"):
        return True
    if text in ("0", "false", "off", "no"):
        return False
    raise ValueError


KINDS: dict[str, Callable[[Any], Any]] = {"number": _number, "text": text_of, "boolean": _boolean}


@dataclass(frozen=True, slots=True)
class DeclaredAttribute:
    """An attribute of a mapping: its source, and for values its kind, table of meanings, linear scale and bounds."""

    name: str
    source: str
    argument: Any
    kind: str = ""
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    digits: int | None = None
    smallest: float = -math.inf
    largest: float = math.inf
    meanings: Mapping[str, Any] = field(default_factory=dict)
    comma: bool = False
    """Whether numbers in texts have a decimal comma."""

    @property
    def measured(self) -> bool:
        """Return whether the value comes from the message, in contrast to a constant."""
        return self.source in ("from", "point")

    @property
    def paths(self) -> tuple[MessagePath, ...]:
        """Return the paths of all values that it reads."""
        if isinstance(self.argument, MessageTemplate):
            return self.argument.paths
        return (self.argument,) if isinstance(self.argument, MessagePath) else tuple(self.argument)

    def render(self, scope: MessageScope, observed_at: str) -> Any:
        """Return the attribute in concise form, None where the message has no value for it; raise Invalid."""
        if self.source == "text":
            return scope.fill(self.argument, as_uri=False)
        if self.source == "link":
            return {"type": "Relationship", "object": scope.fill(self.argument, as_uri=True)}
        if self.source == "point":
            return self._point(scope, observed_at)
        value = scope.find(self.argument)
        if value is None or value == "":
            return None
        meant = self._value(value)
        if meant is None:
            return None
        rendered = {"value": meant, "observedAt": observed_at}
        if self.unit:
            rendered["unitCode"] = self.unit
        return rendered

    def _value(self, value: Any) -> Any:
        if self.meanings:
            return self._meaning(value)
        if not self.kind:
            return value
        try:
            converted = KINDS[self.kind](self._plainly(value) if self.kind == "number" else value)
        except (ValueError, TypeError):
            raise Invalid(f"must be a {self.kind}, not {value!r}", field=str(self.argument)) from None
        return self._scaled(converted) if self.kind == "number" else converted

    def _meaning(self, value: Any) -> Any:
        """Return what the table of meanings has for a value, by its text, or by its number where both are numbers."""
        key = next((key for key in self.meanings if is_written_as(value, key)), None)
        if key is None:
            raise Invalid(
                f"must be one of {', '.join(self.meanings)}, not {value!r}", field=str(self.argument)
            )
        return self.meanings[key]

    def _plainly(self, value: Any) -> Any:
        return _plain_number(value) if self.comma and isinstance(value, str) else value

    def _scaled(self, number: float) -> float:
        if self.scale != 1.0 or self.offset:
            number = number * self.scale + self.offset
        if not self.smallest <= number <= self.largest:
            bound = f"below {self.smallest:g}" if number < self.smallest else f"above {self.largest:g}"
            raise Invalid(f"{number:g} is {bound}", field=str(self.argument))
        if self.digits is not None:
            number = round(number, self.digits or None)
        return number

    def _point(self, scope: MessageScope, observed_at: str) -> Any:
        values = [scope.find(path) for path in self.argument]
        if any(value is None or value == "" for value in values):
            return None
        place = point(*(self._plain_coordinate(value) for value in values))
        return {"type": "GeoProperty", "value": place, "observedAt": observed_at}

    def _plain_coordinate(self, value: Any) -> Any:
        """Return a coordinate with a decimal point; what is no number is left to the check of places."""
        try:
            return self._plainly(value)
        except ValueError:
            return value


def make_attribute(name: str, written: str | AttributeKeys, *, comma: bool = False) -> DeclaredAttribute:
    """Return an attribute from its keys; a plain text is the path of its value."""
    keys = written if isinstance(written, AttributeKeys) else AttributeKeys.model_validate({"from": written})
    source, argument = _source(keys)
    return DeclaredAttribute(
        name=name,
        source=source,
        argument=argument,
        kind=keys.kind or ("number" if keys.model_fields_set & NUMERIC else ""),
        unit=keys.unit,
        scale=keys.scale,
        offset=keys.offset,
        digits=keys.digits,
        smallest=-math.inf if keys.smallest is None else keys.smallest,
        largest=math.inf if keys.largest is None else keys.largest,
        meanings=keys.values,
        comma=comma,
    )


def _source(keys: AttributeKeys) -> tuple[str, Any]:
    if keys.point is not None:
        return "point", keys.point
    sources = {"from": keys.path, "text": keys.text, "link": keys.link}
    return next((name, source) for name, source in sources.items() if source is not None)
