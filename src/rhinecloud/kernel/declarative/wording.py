"""What pydantic finds wrong, in the words of people who write files: "must be one of …", "must be a whole number"."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Wording:
    """A reason; `wanted` is what the value must be, where its type or word is wrong, and `hint` the nearest word."""

    reason: str
    wanted: str = ""
    shown: str = ""
    hint: str = ""

    def joined(self, wanted: Sequence[str]) -> Wording:
        """Return the reason for a value that is none of several things."""
        between = ", or " if any("," in each for each in wanted) else " or "
        return _must_be(between.join(wanted), self.shown, self.hint)


TOO_FEW = Wording("has too few items")


def word_error(error: Mapping[str, Any]) -> Wording:
    """Return the wording of one error of pydantic."""
    kind, context, value = str(error["type"]), error.get("ctx", {}), error["input"]
    if kind in ("literal_error", "enum"):
        words = _expected(context)
        near = difflib.get_close_matches(str(value), words, 1, 0.6)
        return _must_be(
            f"one of {', '.join(words)}", show(value), f"did you mean `{near[0]}`?" if near else ""
        )
    if kind in WANTED:
        is_unquoted = kind == "string_type" and isinstance(value, bool | int | float)
        return _must_be(WANTED[kind], show(value), "write it in quotes" if is_unquoted else "")
    if kind in REASONS:
        return Wording(REASONS[kind](context, value))
    if kind in ("value_error", "assertion_error"):
        return Wording(str(context.get("error", error["msg"])))
    message = str(error["msg"])
    return Wording(message[:1].lower() + message[1:])


def show(value: Any) -> str:
    """Return a value as it may stand in a sentence: lists and objects by their kind, long texts cut."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _must_be(wanted: str, shown: str, hint: str = "") -> Wording:
    return Wording(f"must be {wanted}, not {shown}{hint and f'; {hint}'}", wanted, shown, hint)


def _expected(context: Mapping[str, Any]) -> list[str]:
    text = str(context.get("expected", ""))
    return re.findall(r"'([^']*)'", text) or re.split(r", | or ", text)


_OBJECT = "keys and values"
_LIST = "a list"
_WHOLE = "a whole number"
_DATE = "a date such as 2026-11-30"
_MOMENT = "a date and time such as 2026-11-30T14:07:00Z"

WANTED: Mapping[str, str] = {
    "string_type": "a text",
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "path_type": "a path",
    "url_type": "a URL",
    "url_parsing": "a URL",
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "time_type": "a time such as 14:07",
    "time_parsing": "a time such as 14:07",
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "timezone_aware": "a date and time with its zone, such as 2026-11-30T14:07:00Z",
    "none_required": "empty",
}
"""What a value of the wrong type must be, by the type of pydantic's error."""

REASONS: Mapping[str, Callable[[Mapping[str, Any], Any], str]] = {
    "missing": lambda *_: "this key is missing",
    "greater_than": lambda context, value: f"must be more than {context['gt']:,}, not {show(value)}",
    "greater_than_equal": lambda context, value: f"must be {context['ge']:,} or more, not {show(value)}",
    "less_than": lambda context, value: f"must be less than {context['lt']:,}, not {show(value)}",
    "less_than_equal": lambda context, value: f"must be {context['le']:,} or less, not {show(value)}",
    "multiple_of": lambda context, value: (
        f"must be a multiple of {context['multiple_of']}, not {show(value)}"
    ),
    "finite_number": lambda *_: "must be a finite number",
    "string_too_short": lambda context, _: _at_least(context["min_length"], "characters"),
    "string_too_long": lambda context, _: f"must have at most {context['max_length']} characters",
    "string_pattern_mismatch": lambda context, value: f"must match {context['pattern']}, not {show(value)}",
    "too_short": lambda context, _: _at_least(context["min_length"], "items"),
    "too_long": lambda context, _: f"must have at most {context['max_length']} items",
    "union_tag_invalid": lambda context, _: (
        f"`{_bare(context['discriminator'])}` must be one of "
        f"{context['expected_tags'].replace(chr(39), '')}, not {context['tag']!r}"
    ),
    "union_tag_not_found": lambda context, _: f"the key `{_bare(context['discriminator'])}` is missing",
    "unexpected_keyword_argument": lambda *_: "unknown key",
    "extra_forbidden": lambda *_: "unknown key",
}
"""The reason of an error that is not one of type, from its context and the value."""


def _bare(discriminator: str) -> str:
    return discriminator.strip("'")


def _at_least(count: int, what: str) -> str:
    return "must not be empty" if count == 1 else f"must have at least {count} {what}"
