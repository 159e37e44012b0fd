"""Names in layers: those of a filter are the city's, and misspelt ones are found by `rhinecloud check`."""

from __future__ import annotations

import pytest

from rhinecloud.ngsild.context import compile_context
from rhinecloud.ngsild.spelling import misspelt
from rhinecloud.views.layers import Layer, attributes_of, rename_filter


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('status=="active"', 'STATUS=="active"'),
        ("level>3;level.observedAt>2026-01-01T00:00:00Z", "LEVEL>3;LEVEL.observedAt>2026-01-01T00:00:00Z"),
        ('(kind=="a|b;c"|kind=="d");place', '(KIND=="a|b;c"|KIND=="d");PLACE'),
        ('note=="say \\"x;y\\""', 'NOTE=="say \\"x;y\\""'),
        ("address[city]==Duisburg", "ADDRESS[city]==Duisburg"),
    ],
)
def test_attributes_of_a_filter_are_renamed_and_values_stay(query: str, expected: str) -> None:
    assert rename_filter(query, str.upper) == expected


def test_every_attribute_of_a_layer_is_found() -> None:
    layer = Layer.model_validate(
        {
            "id": "a",
            "title": {"en": "A"},
            "types": ["Gauge"],
            "geometry": "point",
            "label": "level",
            "filter": 'state=="on";depth>2',
            "panel": ["flow"],
            "color_by": {"attribute": "grade", "colors": {}},
            "listed": {"title": "headline", "while": {"attribute": "status", "value": "active"}},
        }
    )
    assert attributes_of(layer) == ["depth", "flow", "grade", "headline", "level", "state", "status"]


def test_a_name_much_like_a_known_one_is_misspelt() -> None:
    context = compile_context({"Vessel": "https://x.example/Vessel", "pm10": "https://x.example/pm10"}, {})
    assert "did you mean `Vessel`?" in misspelt("type", "Vesel", context)
    for fine in ("Vessel", "Thermometer", "pm1", "https://x.example/Vesel"):
        assert misspelt("type", fine, context) == ""
