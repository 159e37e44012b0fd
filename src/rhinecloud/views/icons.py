"""Icons of packs: `icons/*.svg`, read into outlines that the map draws in a layer's colour.

Nothing of a file reaches a browser but the outlines: each shape becomes path data that was checked sign by sign. So a
file cannot bring scripts, styles, links or entities; one that tries is refused, that its author learns of it.

An element with `id="body"` is the body: it is filled with the layer's colour, has a rim, and turns with the heading.
Everything else is the glyph: it stays upright, in white.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pydantic import BaseModel, Field

from rhinecloud.kernel.errors import Invalid

LARGEST = 16 * 1024
MOST_SHAPES = 64
LONGEST_PATH = 4096
SVG = "{http://www.w3.org/2000/svg}"
NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")

LARGEST_NUMBER = 100_000.0
DEEPEST = 50
"""Groups within groups."""
_PATH = re.compile(r"[MmLlHhVvCcSsQqTtAaZz0-9eE+.,\s-]+")
_NUMBERS = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_STYLE = frozenset({"fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "fill-rule", "id"})
_ROOT = frozenset({"viewBox", "width", "height", "version", "role", "aria-hidden"}) | _STYLE
SHAPES: Mapping[str, frozenset[str]] = {
    "path": frozenset({"d"}),
    "circle": frozenset({"cx", "cy", "r"}),
    "ellipse": frozenset({"cx", "cy", "rx", "ry"}),
    "rect": frozenset({"x", "y", "width", "height"}),
    "line": frozenset({"x1", "y1", "x2", "y2"}),
    "polyline": frozenset({"points"}),
    "polygon": frozenset({"points"}),
}
"""The elements that are drawn, with their attributes beside those of style."""
_SILENT = frozenset({"title", "desc"})


class Outline(BaseModel):
    """A shape of an icon."""

    path: str = Field(description="Path data (SVG 2, clause 9.3)")
    part: Literal["body", "glyph"]
    stroke_width: float = Field(description="Width of its line in units of the view box; 0: it is filled")


class Icon(BaseModel):
    """An icon that layers name."""

    name: str
    size: float = Field(description="Width on the map in pixels")
    view_box: tuple[float, float, float, float] = Field(description="Left, top, width, height")
    outlines: list[Outline]


def read_icon(path: Path, place: str = "") -> Icon:
    """Read an icon whose name is the file's; raise Invalid, which says what must be otherwise."""
    return parse_icon(path.stem, path.read_bytes(), place or path.name)


def parse_icon(name: str, content: bytes, place: str) -> Icon:
    """Read an icon from the bytes of an SVG file; raise Invalid."""
    if not NAME.fullmatch(name):
        raise Invalid("an icon's name must be of lower-case letters, digits and -", field=place)
    if len(content) > LARGEST:
        raise Invalid(f"must not be larger than {LARGEST} bytes", field=place)
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise Invalid(f"must be SVG without a document type or entities: {error}", field=place) from None
    try:
        return _icon(name, root)
    except Invalid as error:
        raise Invalid(str(error), field=place) from None


def _icon(name: str, root: Element) -> Icon:
    if root.tag != f"{SVG}svg":
        raise Invalid("the root element must be svg in the namespace of SVG")
    _check_attributes(root, _ROOT)
    box = [float(each) for each in _NUMBERS.findall(root.get("viewBox", ""))]
    if len(box) != 4 or box[2] <= 0 or box[3] <= 0:
        raise Invalid("viewBox must be four numbers: left, top, width, height")
    if any(abs(each) > LARGEST_NUMBER for each in box):
        raise Invalid(f"numbers of viewBox must not be larger than {LARGEST_NUMBER:g}")
    size = _number(root, "width", 30)
    if not 8 <= size <= 96:
        raise Invalid("width must be between 8 and 96 pixels")
    outlines = list(_outlines(root, "glyph", _line_of(root, 0)))
    if not 0 < len(outlines) <= MOST_SHAPES:
        raise Invalid(f"must have 1 to {MOST_SHAPES} shapes")
    return Icon(name=name, size=size, view_box=(box[0], box[1], box[2], box[3]), outlines=outlines)


def _outlines(
    parent: Element, part: Literal["body", "glyph"], line: float, depth: int = 0
) -> Iterable[Outline]:
    if depth > DEEPEST:
        raise Invalid(f"groups must not be nested deeper than {DEEPEST}")
    for element in parent:
        kind = str(element.tag).removeprefix(SVG)
        own = "body" if element.get("id") == "body" else part
        if kind in _SILENT:
            continue
        if kind == "g":
            _check_attributes(element, _STYLE)
            yield from _outlines(element, own, _line_of(element, line), depth + 1)
        elif kind in SHAPES:
            _check_attributes(element, SHAPES[kind] | _STYLE)
            yield Outline(path=_path_of(kind, element), part=own, stroke_width=_line_of(element, line))
        else:
            allowed = ", ".join(sorted({*SHAPES, "g", *_SILENT}))
            raise Invalid(f"the element {kind} is not allowed; allowed are {allowed}")


def _check_attributes(element: Element, allowed: Iterable[str]) -> None:
    for name in element.attrib:
        if name not in allowed:
            kind = str(element.tag).removeprefix(SVG)
            raise Invalid(
                f"the attribute {name} of {kind} is not allowed; allowed are {', '.join(sorted(allowed))}"
            )


def _line_of(element: Element, inherited: float) -> float:
    """Return the width of an element's line; 0 where it is filled."""
    stroke = element.get("stroke")
    if stroke is None and "fill" in element.attrib and element.get("fill") != "none":
        return 0
    if stroke in (None, "none"):
        return inherited if stroke is None else 0
    return _number(element, "stroke-width", 1)


def _number(element: Element, name: str, default: float = 0) -> float:
    text = element.get(name)
    if text is None:
        return default
    if not _NUMBERS.fullmatch(text.strip()):
        raise Invalid(f"{name} must be a number without a unit")
    number = float(text)
    if abs(number) > LARGEST_NUMBER:
        raise Invalid(f"{name} must not be larger than {LARGEST_NUMBER:g}")
    return number


def _path_of(kind: str, element: Element) -> str:
    def number(name: str) -> float:
        return _number(element, name)

    if kind == "path":
        return _checked(element.get("d", ""))
    if kind in ("polyline", "polygon"):
        points = [float(each) for each in _NUMBERS.findall(_checked(element.get("points", "")))]
        if len(points) < 4 or len(points) % 2:
            raise Invalid("points must be two or more pairs of numbers")
        return f"M{' '.join(map(_text, points))}{'Z' if kind == 'polygon' else ''}"
    if kind == "line":
        return f"M{_text(number('x1'))} {_text(number('y1'))}L{_text(number('x2'))} {_text(number('y2'))}"
    if kind == "rect":
        x, y, width, height = (number(name) for name in ("x", "y", "width", "height"))
        return f"M{_text(x)} {_text(y)}h{_text(width)}v{_text(height)}h{_text(-width)}Z"
    rx, ry = (number("r"), number("r")) if kind == "circle" else (number("rx"), number("ry"))
    left, middle = number("cx") - rx, number("cy")
    arc = f"a{_text(rx)} {_text(ry)} 0 1 0"
    return f"M{_text(left)} {_text(middle)}{arc} {_text(2 * rx)} 0{arc} {_text(-2 * rx)} 0Z"


def _checked(path: str) -> str:
    if not path or len(path) > LONGEST_PATH or not _PATH.fullmatch(path):
        raise Invalid(f"path data must be commands and numbers, at most {LONGEST_PATH} characters")
    if any(abs(float(each)) > LARGEST_NUMBER for each in _NUMBERS.findall(path)):
        raise Invalid(f"numbers must not be larger than {LARGEST_NUMBER:g}")
    return " ".join(path.split())


def _text(number: float) -> str:
    return f"{number:g}"
