"""Packs are found, read, and fenced off from one another."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.loader import GROUP, find_packs, merge_contexts
from rhinecloud.loader.layers import DEFAULTS, read_layers

MANIFEST = '[pack]\nname = "{name}"\ntitle = "A"\nversion = "1"\nlicense = "EUPL-1.2"\n'
MODULE = """from pathlib import Path
from rhinecloud.pack import Pack
pack = Pack(name="{name}", root=Path(__file__).parent, mappings={{"m": lambda message, now: []}})
"""
LAYER = {"id": "cranes", "types": ["Crane"], "geometry": "point", "title": {"en": "Cranes"}}


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def write_pack(city: Path, name: str, files: dict[str, str] | None = None) -> EntryPoint:
    module = f"pack_{name}_{abs(hash(city))}"  # modules outlive a test
    folder = city / module
    content = {
        "pack.toml": MANIFEST.format(name=name),
        "__init__.py": MODULE.format(name=name),
        **(files or {}),
    }
    for path, text in content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return EntryPoint(name=name, value=f"{module}:pack", group=GROUP)


def test_a_pack_brings_what_lies_in_its_folder(city: Path) -> None:
    point = write_pack(
        city,
        "cranes",
        {
            "context.jsonld": json.dumps({"@context": {"Crane": "https://example.org/Crane"}}),
            "pack.toml": MANIFEST.format(name="cranes") + 'indexes = ["Crane", "scope"]',
            "rules/quay/wind.yaml": "id: wind\n",
            "layers/cranes.json": json.dumps(LAYER),
            "texts/en.json": json.dumps({"title": "Cranes"}),
        },
    )
    packs = find_packs(found=[point])
    assert packs.failed == ()
    (crane,) = packs.loaded
    assert crane.context == {"Crane": "https://example.org/Crane"}
    assert [path.name for path in crane.rules] == ["wind.yaml"]
    assert packs.indexes() == ["Crane", "scope"]
    assert packs.layers() == [{**DEFAULTS, **LAYER, "pack": "cranes"}]
    assert packs.texts("de") == {"cranes": {"title": "Cranes"}}
    assert set(packs.mappings()) == {"cranes.m"}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"__init__.py": "1 / 0"}, "ZeroDivisionError"),
        ({"__init__.py": "pack = 3"}, "is no Pack"),
        ({"pack.toml": "x = ["}, "pack.toml: is not TOML"),
        ({"pack.toml": MANIFEST.format(name="other")}, "the code says 'bad'"),
        ({"pack.toml": MANIFEST.format(name="bad") + 'colour = "red"'}, "unknown keys: colour"),
        ({"pack.toml": MANIFEST.format(name="bad") + 'indexes = "x"'}, "a list of attributes"),
        (
            {"pack.toml": MANIFEST.format(name="bad") + 'indexes = ["nowhere"]'},
            "nowhere: no term of context.jsonld",
        ),
        ({"context.jsonld": "{"}, "context.jsonld: is not JSON"),
        ({"context.jsonld": '{"@context": "https://example.org/c.jsonld"}'}, "fetches nothing"),
        ({"context.jsonld": '{"@context": {"@vocab": "https://example.org/"}}'}, "sets @vocab"),
        ({"context.jsonld": '{"@context": {"a": {"@context": {}}}}'}, "@context"),
        ({"layers/x.json": '{"id": "x"}'}, "layers/x.json: needs 'types'"),
        ({"texts/de.json": "[]"}, "de.json: is not a JSON object"),
    ],
)
def test_a_pack_that_breaks_is_named_with_its_reason_and_stops_no_other(
    city: Path, files: dict[str, str], reason: str
) -> None:
    packs = find_packs(found=[write_pack(city, "bad", files), write_pack(city, "good")])
    assert [each.name for each in packs.loaded] == ["good"]
    assert packs.failed[0].name == "bad"
    assert reason in packs.failed[0].reason


def test_only_the_packs_that_are_wanted_load(city: Path) -> None:
    found = [write_pack(city, "one"), write_pack(city, "two")]
    packs = find_packs(["two", "three"], found)
    assert [each.name for each in packs.loaded] == ["two"]
    assert [(each.name, each.reason) for each in packs.failed] == [("three", "is not installed")]


def test_the_same_term_may_stand_twice_with_one_meaning() -> None:
    merged, disagreements = merge_contexts(
        [
            ("house", {"rc": "urn:rc:", "name": "rc:name"}),
            ("port", {"name": "urn:rc:name"}),
        ]
    )
    assert merged["name"] == "urn:rc:name"
    assert disagreements == []


def test_two_meanings_of_a_term_are_said_and_the_first_one_stands() -> None:
    merged, disagreements = merge_contexts(
        [("port", {"level": "https://a.example/level"}), ("rail", {"level": "https://b.example/level"})]
    )
    assert merged == {"level": "https://a.example/level"}
    assert str(disagreements[0]) == (
        "level: port says https://a.example/level, rail says https://b.example/level"
    )


def test_two_coercions_of_a_term_are_two_meanings() -> None:
    iri = "https://a.example/ship"
    _, disagreements = merge_contexts([("a", {"ship": iri}), ("b", {"ship": {"@id": iri, "@type": "@id"}})])
    assert [each.term for each in disagreements] == ["ship"]


def test_a_city_adds_layers_of_its_own_and_may_draw_a_packs_layer_its_own_way(city: Path) -> None:
    packs = find_packs(found=[write_pack(city, "cranes", {"layers/cranes.json": json.dumps(LAYER)})])
    (city / "layers").mkdir()
    lamps = {**LAYER, "id": "lamps", "types": ["Lamp"]}
    (city / "layers" / "lamps.json").write_text(json.dumps(lamps), encoding="utf-8")
    (city / "layers" / "cranes.json").write_text(json.dumps({**LAYER, "color": "red"}), encoding="utf-8")
    drawn = {layer["id"]: layer for layer in packs.layers(read_layers(city / "layers"))}
    assert (drawn["lamps"]["pack"], drawn["cranes"]["color"]) == ("city", "red")
    (city / "layers" / "bad.json").write_text('{"id": "x"}', encoding="utf-8")
    with pytest.raises(Invalid, match=r"layers/bad\.json: needs 'types'"):
        read_layers(city / "layers")


def test_all_that_is_wrong_with_layers_is_named_at_once(tmp_path: Path) -> None:
    wrong = {
        "visble": True,
        "geometry": "points",
        "order": "1",
        "color": "#12",
        "panel": "name",
        "min_zoom": None,
    }
    (tmp_path / "a.json").write_text(json.dumps({**LAYER, **wrong}), encoding="utf-8")
    (tmp_path / "b.json").write_text("[1", encoding="utf-8")
    with pytest.raises(Invalid) as refusal:
        read_layers(tmp_path)
    said = {each.field: each.reason for each in refusal.value.faults}
    assert said.pop("layers/b.json").startswith("is not JSON")
    assert said == {
        "layers/a.json: visble": "unknown key; did you mean `visible`?",
        "layers/a.json: geometry": "is one of point, line, polygon",
        "layers/a.json: order": "is a number",
        "layers/a.json: color": "is a colour such as `#1f77b4`",
        "layers/a.json: panel": "is a list of attributes",
    }


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
def test_a_part_of_a_layer_that_is_not_whole_is_named(tmp_path: Path, key: str, value: object) -> None:
    (tmp_path / "a.json").write_text(json.dumps({**LAYER, key: value}), encoding="utf-8")
    with pytest.raises(Invalid, match=f"layers/a.json: {key}: is "):
        read_layers(tmp_path)
