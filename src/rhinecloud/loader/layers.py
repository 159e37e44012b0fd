"""Reads `layers/*.json` of a pack or a city: which things stand on the map, and how; each mistake is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rhinecloud.kernel.faults import ErrorCollector, unknown
from rhinecloud.loader.document import read_object
from rhinecloud.loader.model import BrokenPack

GEOMETRIES = ("point", "line", "polygon")
REQUIRED = ("id", "types", "geometry", "title")
DEFAULTS: Mapping[str, Any] = {"color": "#5b6b7a", "visible": True, "order": 0, "panel": []}
_COLOR = re.compile(r"#([0-9a-fA-F]{3}){1,2}|[a-z]+")


def read_layers(folder: Path) -> tuple[dict[str, Any], ...]:
    """Read the layers of a folder, `*.json`, none where there is no such folder; raises Invalid naming each fault."""
    collector, layers = ErrorCollector(), []
    for path in sorted(folder.glob("*.json")):
        with collector.collect():
            layers.append(_layer(path))
    collector.finish()
    return tuple(layers)


def _layer(path: Path) -> dict[str, Any]:
    place = f"layers/{path.name}"
    layer = read_object(path, place)
    collector = ErrorCollector()
    for key in REQUIRED:
        if layer.get(key) is None:
            collector.found.append(BrokenPack(f"needs {key!r}: {_CHECKS[key][1]}", field=place))
    for key, value in layer.items():
        if key not in _CHECKS:
            collector.found.append(BrokenPack(unknown("key", key, _CHECKS), field=f"{place}: {key}"))
            continue
        fits, wanted = _CHECKS[key]
        if value is not None and not fits(value):
            collector.found.append(BrokenPack(f"is {wanted}", field=f"{place}: {key}"))
    collector.finish()
    return {**DEFAULTS, **{key: value for key, value in layer.items() if value is not None}}


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_titled(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_is_text, value.values()))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_color(value: Any) -> bool:
    return isinstance(value, str) and _COLOR.fullmatch(value) is not None


def _is_coloured_by(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"attribute", "colors"}
        and _is_text(value["attribute"])
        and isinstance(value["colors"], dict)
        and all(map(_is_color, value["colors"].values()))
    )


def _is_marks(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(mark, dict)
        and mark.keys() == {"attribute", "title"}
        and _is_text(mark["attribute"])
        and _is_titled(mark["title"])
        for mark in value
    )


def _is_listed(value: Any) -> bool:
    if not isinstance(value, dict) or not _is_text(value.get("title")):
        return False
    condition = value.get("while", {"attribute": "status", "value": ""})
    return (
        value.keys() <= {"title", "severity", "until", "while"}
        and all(_is_text(each) for key, each in value.items() if key != "while")
        and isinstance(condition, dict)
        and condition.keys() == {"attribute", "value"}
    )


_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "id": (_is_text, "a text"),
    "title": (_is_titled, "an object of texts by language"),
    "types": (lambda value: _is_list_of_texts(value) and bool(value), "a list of entity types"),
    "geometry": (lambda value: value in GEOMETRIES, f"one of {', '.join(GEOMETRIES)}"),
    "icon": (_is_text, "a text"),
    "color": (_is_color, "a colour such as `#1f77b4`"),
    "color_by": (_is_coloured_by, "an object of `attribute` and `colors`, an object of colours by value"),
    "label": (_is_text, "the name of an attribute"),
    "rotate": (_is_list_of_texts, "a list of attributes"),
    "visible": (lambda value: isinstance(value, bool), "true or false"),
    "min_zoom": (_is_number, "a number"),
    "order": (_is_number, "a number"),
    "panel": (_is_list_of_texts, "a list of attributes"),
    "chart": (_is_text, "the name of an attribute"),
    "marks": (_is_marks, "a list of objects of `attribute` and `title`, texts by language"),
    "listed": (_is_listed, "an object of attributes for `title`, `severity`, `until`, and `while`"),
}
"""For each key whether a value fits, and what it is to be."""
