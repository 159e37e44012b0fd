"""A layer of the map: which entities it shows, and how."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from rhinecloud.kernel.declarative import DeclarativeModel

Words = Annotated[str, Field(min_length=1)]
Title = Annotated[dict[str, Words], Field(min_length=1)]
"""A text by language."""

_COLOR = r"^(#([0-9a-fA-F]{3}){1,2}|[a-z]+)$"
Color = Annotated[str, Field(pattern=_COLOR, examples=["#1f77b4"])]


class ColorBy(DeclarativeModel):
    """A colour for each value of an attribute."""

    attribute: Words
    colors: dict[str, Color]


class Mark(DeclarativeModel):
    """A line across the chart, at the value of an attribute."""

    attribute: Words
    title: Title


class LayerCondition(DeclarativeModel):
    """An attribute that has a value."""

    attribute: Words
    value: str


class Listing(DeclarativeModel):
    """Which attributes a list shows of things that must not be missed for being out of view."""

    title: Words
    severity: Words | None = None
    until: Words | None = None
    condition: Annotated[LayerCondition | None, Field(alias="while")] = None
    """Only entities of which this holds."""


class Layer(DeclarativeModel):
    """One layer of the map; names of types and attributes are compact."""

    id: Words
    title: Title
    types: Annotated[tuple[Words, ...], Field(min_length=1)]
    geometry: Literal["point", "line", "polygon"]
    icon: Words | None = None
    color: Color = "#5b6b7a"
    color_by: ColorBy | None = None
    title_attribute: Words | None = None
    """The attribute that names an entity; `name` where it is not written."""
    label: Words | None = None
    """The attribute that stands beside the symbol."""
    filter: Words | None = None
    """An expression (`q`, ETSI GS CIM 009, clause 4.9) that entities of the layer match."""
    rotate: tuple[Words, ...] = ()
    """Attributes in degrees; the first one that an entity has counts."""
    stale_after_s: Annotated[float, Field(gt=0)] | None = None
    """Seconds after its last reading from which an entity is drawn faintly; what moves: after 900 without it."""
    visible: bool = True
    """Whether it is shown at first."""
    min_zoom: float = 0
    order: float = 0
    """Layers of a higher order lie above."""
    panel: tuple[Words, ...] = ()
    """Attributes that are shown first."""
    chart: Words | None = None
    """The attribute whose past is drawn."""
    marks: tuple[Mark, ...] = ()
    listed: Listing | None = None


class LayerView(Layer):
    """A layer as the operations centre gets it."""

    pack: str
    """The pack that it comes from; `city` for the city's own."""


_QUOTED = re.compile(r'("(?:[^"\\]|\\.)*")')
_HEAD = re.compile(r"(^|[;|(])(!?)([A-Za-z_@][^;|()!=<>~.\[\]{}\"\s]*)")


def rename_filter(query: str, rename: Callable[[str], str]) -> str:
    """Return an expression (`q`, ETSI GS CIM 009, clause 4.9) with its attributes renamed; values stay."""
    parts = _QUOTED.split(query)
    return "".join(
        part if at % 2 else _HEAD.sub(lambda found: f"{found[1]}{found[2]}{rename(found[3])}", part)
        for at, part in enumerate(parts)
    )


def attributes_of(layer: Layer) -> list[str]:
    """Return every attribute that a layer names, those of its filter too."""
    named: list[str | None] = [layer.label, layer.chart, layer.title_attribute, *layer.rotate, *layer.panel]
    named += [mark.attribute for mark in layer.marks]
    named += [layer.color_by.attribute] if layer.color_by else []
    if layer.listed is not None:
        named += [layer.listed.title, layer.listed.severity, layer.listed.until]
        named += [layer.listed.condition.attribute] if layer.listed.condition else []
    if layer.filter is not None:

        def note(name: str) -> str:
            named.append(name)
            return name

        rename_filter(layer.filter, note)
    return sorted({name for name in named if name})


def renamed(layer: Layer, rename: Callable[[str], str]) -> dict[str, Any]:
    """Return a layer as JSON, every type and attribute under the name that `rename` returns for it."""
    shown = layer.model_dump(mode="json", by_alias=True, exclude_none=True)
    for key in ("types", "rotate", "panel"):
        shown[key] = [rename(name) for name in shown[key]]
    if "filter" in shown:
        shown["filter"] = rename_filter(shown["filter"], rename)
    for key in ("label", "chart", "title_attribute"):
        if key in shown:
            shown[key] = rename(shown[key])
    for part in (*shown["marks"], shown.get("color_by"), (shown.get("listed") or {}).get("while")):
        if part:
            part["attribute"] = rename(part["attribute"])
    if listed := shown.get("listed"):
        listed |= {key: rename(listed[key]) for key in ("title", "severity", "until") if key in listed}
    return shown
