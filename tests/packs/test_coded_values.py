"""Every code that a pack's types list has a word in both languages: nobody reads `Navigation status 2`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

PACKS = Path(__file__).parents[2] / "src" / "rhinecloud_packs"
CODES = [
    (path.parents[1].name, name, str(code))
    for path in sorted(PACKS.glob("*/types/*.json"))
    for name, schema in json.loads(path.read_text(encoding="utf-8"))["properties"].items()
    for code in schema.get("enum", ())
]


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_code_of_the_types_has_a_word(language: str) -> None:
    words = {
        pack.name: json.loads(path.read_text(encoding="utf-8"))["values"]
        for pack in PACKS.iterdir()
        if (path := pack / "texts" / f"{language}.json").exists()
    }
    assert len(CODES) > 50
    missing = {code for code in CODES if not words[code[0]].get(code[1], {}).get(code[2])}
    assert not missing
