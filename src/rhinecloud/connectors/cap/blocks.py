"""Which info blocks of an alert are translations of each other (CAP 1.2, clause 3.2.2, `language`).

Blocks of other words say the same in another language; blocks of other severity, time or area say something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SAME = ("category", "response_type", "urgency", "severity", "certainty", "effective", "onset", "expires")


def number_parts(infos: Sequence[dict[str, Any]]) -> int:
    """Set the number of each block's `part`, from 1, which translations share; return how many parts there are.

    Two blocks are of one part where severity, times, response and areas agree and their languages differ.
    """
    parts: list[tuple[tuple[Any, ...], set[str]]] = []
    for info in infos:
        content, language = _content(info), str(info.get("language", "")).lower()
        for number, (other, languages) in enumerate(parts, start=1):
            if content == other and language not in languages:
                languages.add(language)
                info["part"] = number
                break
        else:
            parts.append((content, {language}))
            info["part"] = len(parts)
    return len(parts)


def _content(info: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what translations have in common; names of areas and events are translated, too."""
    areas = [[area["polygons"], area["circles"], area["geocode"]] for area in info["areas"]]
    return (*(info.get(name) for name in SAME), areas)
