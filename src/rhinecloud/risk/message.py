"""Texts with facts: `Pegel {name}: {waterLevel} cm`; each pair of braces has a CEL expression."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from rhinecloud.expressions import InvalidExpression
from rhinecloud.kernel.declarative import TextFault
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import format_time
from rhinecloud.risk.condition import Condition, parse_condition

MISSING = "–"
"""Replaces a fact that is unknown."""

_TAG = re.compile(r"@none|[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
"""A key of a languageMap: a language tag (BCP 47), or `@none`."""

Evaluate = Callable[[Condition], Any]
"""Returns an expression's value, None where a fact that it needs is unknown."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text as a sequence of plain texts and expressions."""

    pieces: tuple[str | Condition, ...]

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return the expressions of the text."""
        return tuple(each for each in self.pieces if isinstance(each, Condition))

    def render(self, evaluate: Evaluate, language: str) -> str:
        """Return the text with its facts; numbers have the format of the language."""
        return "".join(
            each if isinstance(each, str) else write_value(evaluate(each), language) for each in self.pieces
        )


def parse_template(text: str) -> Template:
    """Return a text as a template; `{{` and `}}` are braces. Raise InvalidExpression with the place of each fault."""
    pieces: list[str | Condition] = []
    faults: list[Invalid] = []
    for inside, piece, start in _split(text):
        if not inside:
            pieces.append(piece)
            continue
        line, column = text.count("\n", 0, start) + 1, start - (text.rfind("\n", 0, start) + 1)
        try:
            pieces.append(parse_condition(piece))
        except InvalidExpression as error:
            faults += [each.moved(line - 1, column) for each in error.faults if isinstance(each, TextFault)]
    if faults:
        raise InvalidExpression(faults)
    return Template(tuple(pieces))


def with_entity_name(title: Template) -> Template:
    """Return a title followed by the entity's name or id, so that alerts with the same title differ."""
    return Template((*title.pieces, ": ", parse_condition("has(e.name) ? e.name : id")))


def _split(text: str) -> Iterator[tuple[bool, str, int]]:
    """Yield (is an expression, text, its start) in order. Raise InvalidExpression for a brace without an end."""
    position, plain = 0, ""
    while position < len(text):
        character = text[position]
        if character in "{}" and text[position : position + 2] == character * 2:
            plain += character
            position += 2
        elif character == "{":
            end = text.find("}", position)
            if end < 0:
                line = text.count("\n", 0, position) + 1
                column = position - text.rfind("\n", 0, position)
                raise InvalidExpression([TextFault("this brace must be closed", line=line, column=column)])
            yield False, plain, position
            yield True, text[position + 1 : end], position + 1
            position, plain = end + 1, ""
        else:
            plain += character
            position += 1
    yield False, plain, position


def write_value(value: Any, language: str = "en") -> str:
    """Return a value as text for people: at most two decimals, yes and no in their language."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return {"de": ("nein", "ja")}.get(language, ("no", "yes"))[value]
    if isinstance(value, float):
        text = f"{value:.2f}".rstrip("0").rstrip(".")
        text = "0" if text == "-0" else text
        return text.replace(".", ",") if language == "de" else text
    if isinstance(value, datetime):
        return format_time(value.replace(microsecond=0))
    if isinstance(value, dict):
        if _is_language_map(value):
            return write_value(_in_language(value, language), language)
        return orjson.dumps(value, default=str).decode()
    if isinstance(value, list):
        return ", ".join(write_value(each, language) for each in value)
    return str(value)


def _is_language_map(value: Mapping[str, Any]) -> bool:
    return bool(value) and all(
        _TAG.fullmatch(tag) and isinstance(text, str | list) for tag, text in value.items()
    )


def _in_language(texts: Mapping[str, Any], language: str) -> Any:
    """Return a text of a languageMap: the language, a regional form of it, the same for English, `@none`, any other."""
    for wanted in (language, "en"):
        for tag in (wanted, *(tag for tag in texts if tag.lower().startswith(f"{wanted}-"))):
            if texts.get(tag):
                return texts[tag]
    return texts.get("@none") or next((text for text in texts.values() if text), None)
