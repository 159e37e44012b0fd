"""A layer's file: every fault in it is named by its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rhinecloud.app.parts import find_parts, kinds_of
from rhinecloud.kernel.errors import Invalid
from rhinecloud.loader.content import read_content
from rhinecloud.ngsild.context import core_context
from rhinecloud.part import ContentSource

LAYER = {"id": "cranes", "types": ["Crane"], "geometry": "point", "title": {"en": "Cranes"}}


def write(folder: Path, name: str, text: str) -> None:
    (folder / "layers").mkdir(exist_ok=True)
    (folder / "layers" / name).write_text(text, encoding="utf-8")


def test_all_faults_of_all_layers_are_named_at_once(tmp_path: Path) -> None:
    wrong = {"visble": True, "geometry": "points", "order": "1", "color": "#12", "panel": "name"}
    write(tmp_path, "a.json", json.dumps({**LAYER, **wrong}, indent=0))
    write(tmp_path, "b.json", "[1")
    with pytest.raises(Invalid) as refusal:
        read_content(kinds_of(find_parts().loaded), ContentSource("city", tmp_path, core_context()))
    faults = [str(each) for each in refusal.value.faults]
    said = {each.field: each.reason for each in refusal.value.faults}
    assert faults[-1].startswith("layers/b.json, line 1, column 3: this is not JSON")
    assert said["visble"] == "unknown key; did you mean `visible`?"
    assert said["geometry"].startswith("must be one of point, line, polygon")
    assert said["order"] == "must be a number, not '1'"
    assert said["color"].startswith("must match")
    assert said["panel"] == "must be a list, not 'name'"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("color_by", {"attribute": "severity"}),
        ("color_by", {"attribute": "severity", "colors": {"high": 3}}),
        ("marks", [{"attribute": "highWaterMark"}]),
        ("listed", {"severity": "severity"}),
        ("listed", {"title": "headline", "while": {"attribute": "status"}}),
        ("title", {}),
        ("types", []),
    ],
)
def test_a_key_of_a_layer_that_is_not_whole_is_named(tmp_path: Path, key: str, value: object) -> None:
    write(tmp_path, "a.json", json.dumps({**LAYER, key: value}))
    with pytest.raises(Invalid, match=rf"layers/a\.json, line 1, column \d+: {key}"):
        read_content(kinds_of(find_parts().loaded), ContentSource("city", tmp_path, core_context()))
