"""Types of fields that several kinds of files share: texts by language, durations, texts that say something."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from rhinecloud.kernel.checks import SettingCheck
from rhinecloud.kernel.declarative.model import ReadBy
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import Faults

LANGUAGES = ("de", "en")
"""Languages in which every text can be shown."""

SECONDS: Mapping[str, float] = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}

_PLAIN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d)\s*")
_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def read_texts(value: Any) -> dict[str, str]:
    """Return a text by language; a plain text is used for all, and English, else the first, for a missing language.

    Raise Invalid, or Faults for several.
    """
    if isinstance(value, str) and value:
        return dict.fromkeys(LANGUAGES, value)
    if not isinstance(value, dict) or not value:
        raise Invalid("must be a text, or one for each language: `{de: …, en: …}`")
    wrong = [
        Invalid("must be a text", field=language)
        for language, text in value.items()
        if not isinstance(text, str)
    ]
    if wrong:
        raise Faults(wrong)
    return {**dict.fromkeys(LANGUAGES, value.get("en", next(iter(value.values())))), **value}


def parse_duration(value: Any) -> float:
    """Return a duration in seconds: `90 s`, `15 min`, `1.5 h`, `2 d`, or ISO 8601's `PT15M`. Raise Invalid."""
    seconds = (_plain(value) or _iso(value)) if isinstance(value, str) else 0.0
    if not seconds:
        raise Invalid(f"{value!r} is not a duration: write a number and s, min, h or d, such as `15 min`")
    return seconds


def _plain(text: str) -> float:
    found = _PLAIN.fullmatch(text)
    return float(found[1]) * SECONDS[found[2]] if found else 0.0


def _iso(text: str) -> float:
    found = _ISO.fullmatch(text)
    if not found:
        return 0.0
    days, hours, minutes, seconds = (float(each or 0) for each in found.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


Text = Annotated[
    str, SettingCheck("a text that is not empty", lambda text: bool(text.strip()), {"minLength": 1})
]
"""A text that says something."""

Texts = Annotated[
    Mapping[str, str],
    ReadBy(
        read_texts,
        {
            "description": "A text, or one for each language.",
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}},
            ],
        },
    ),
]
"""A text by language."""

Duration = Annotated[
    float,
    ReadBy(
        parse_duration,
        {
            "type": "string",
            "description": "Such as `90 s`, `15 min`, `1.5 h`, `2 d`.",
            "examples": ["15 min"],
        },
    ),
]
"""A duration in seconds."""
