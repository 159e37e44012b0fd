"""Icons of packs: what may be drawn is drawn, and everything else is refused."""

from __future__ import annotations

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.views.icons import LARGEST, parse_icon

SVG = 'xmlns="http://www.w3.org/2000/svg"'


def icon(inside: str, root: str = 'viewBox="-1 -1 2 2" width="30"') -> bytes:
    return f"<svg {SVG} {root}>{inside}</svg>".encode()


def test_a_body_and_a_glyph_become_outlines() -> None:
    content = icon(
        '<title>Crane</title><rect id="body" x="-.5" y="-.5" width="1" height="1"/>'
        '<g fill="none" stroke="#fff" stroke-width=".11"><path d="M0-.3V.28"/><line x1="-1" y1="0" x2="1" y2="0"/></g>'
    )
    made = parse_icon("crane", content, "icons/crane.svg")
    assert (made.name, made.size, made.view_box) == ("crane", 30, (-1, -1, 2, 2))
    assert [(each.part, each.path, each.stroke_width) for each in made.outlines] == [
        ("body", "M-0.5 -0.5h1v1h-1Z", 0),
        ("glyph", "M0-.3V.28", 0.11),
        ("glyph", "M-1 0L1 0", 0.11),
    ]


@pytest.mark.parametrize(
    ("shape", "path"),
    [
        ('<circle cx="0" cy="0" r="1"/>', "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0 -2 0Z"),
        ('<ellipse cx="1" cy="2" rx="3" ry="4"/>', "M-2 2a3 4 0 1 0 6 0a3 4 0 1 0 -6 0Z"),
        ('<polygon points="0,0 1,0 1,1"/>', "M0 0 1 0 1 1Z"),
        ('<polyline points="0,0 1,0 1,1"/>', "M0 0 1 0 1 1"),
    ],
)
def test_simple_shapes_become_path_data(shape: str, path: str) -> None:
    assert parse_icon("x", icon(shape), "x.svg").outlines[0].path == path


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<style>*{fill:url(http://example.org)}</style>",
        '<image href="http://example.org/x.png"/>',
        '<use href="#a"/>',
        '<a href="javascript:alert(1)"><path d="M0 0H1"/></a>',
        "<foreignObject><body/></foreignObject>",
        '<animate attributeName="d"/>',
        '<path d="M0 0H1" onclick="alert(1)"/>',
        '<path d="M0 0H1" style="fill:url(#x)"/>',
        '<path d="M0 0H1" transform="scale(1e9)"/>',
        '<path d="M0 0H1&#34;/&gt;&lt;script&gt;"/>',
        '<path d="M0 0H99999999"/>',
        '<rect x="0" y="0" width="1px" height="1"/>',
        '<path xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="http://example.org" d="M0 0H1"/>',
        '<path xmlns="http://example.org" d="M0 0H1"/>',
        "",
        '<path d="M0 0H1"/>' * 100,
    ],
)
def test_anything_else_is_refused(inside: str) -> None:
    with pytest.raises(Invalid):
        parse_icon("x", icon(inside), "x.svg")


@pytest.mark.parametrize(
    "content",
    [
        b"not XML",
        b'<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">&a;</svg>',
        b'<!DOCTYPE svg SYSTEM "http://example.org/x.dtd"><svg/>',
        b"<html/>",
        icon('<path d="M0 0H1"/>', 'width="30"'),
        icon('<path d="M0 0H1"/>', 'viewBox="0 0 0 1"'),
        icon('<path d="M0 0H1"/>', 'viewBox="0 0 1 1" width="5000"'),
        icon('<path d="M0 0H1"/>', 'viewBox="0 0 1 1" onload="alert(1)"'),
        b" " * (LARGEST + 1),
    ],
)
def test_what_is_no_plain_svg_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid, match=r"icons/x\.svg|must"):
        parse_icon("x", content, "icons/x.svg")


def test_the_name_is_a_plain_word() -> None:
    with pytest.raises(Invalid, match="name"):
        parse_icon("../x", icon('<path d="M0 0H1"/>'), "x.svg")


@pytest.mark.parametrize("box", ["0 0 1e999 1", "-1e999 0 1 1", "0 0 1e9 1"])
def test_a_view_box_beyond_bounds_is_refused(box: str) -> None:
    with pytest.raises(Invalid, match="numbers of viewBox must not be larger than"):
        parse_icon("x", icon("<path d='M0 0'/>", f'viewBox="{box}"'), "x.svg")


def test_groups_are_nested_to_a_bound() -> None:
    def nested(depth: int) -> bytes:
        return icon("<g>" * depth + '<path d="M0 0"/>' + "</g>" * depth)

    assert len(parse_icon("x", nested(50), "x.svg").outlines) == 1
    with pytest.raises(Invalid, match="must not be nested deeper than 50"):
        parse_icon("x", nested(2_000), "x.svg")
