"""Packs are found, read, and fenced off from one another."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from rhinecloud.app.checks import check_city
from rhinecloud.app.parts import find_parts, kinds_of
from rhinecloud.kernel.errors import Invalid
from rhinecloud.loader import GROUP, Packs
from rhinecloud.loader import find_packs as find_with
from rhinecloud.loader.content import read_content
from rhinecloud.ngsild.context import compile_context, core_context
from rhinecloud.part import ContentSource
from rhinecloud.views.screen import layers_of, texts_of

MANIFEST = """[pack]
name = "{name}"
title = "A"
version = "1"
license = "EUPL-1.2"
requires = "rhinecloud>=0.2,<0.3"
"""
MODULE = """from pathlib import Path
from rhinecloud.pack import Pack
pack = Pack(name="{name}", root=Path(__file__).parent, mappings={{"m": lambda message, now: []}})
"""
LAYER = {"id": "cranes", "types": ["Crane"], "geometry": "point", "title": {"en": "Cranes"}}


RULE = """id: wind
type: Crane
severity: high
when: windSpeed > 20.0
"""
SCHEMA = {"title": "Crane", "type": "object", "properties": {"windSpeed": {"type": "number"}}}
CONTEXT = {"@context": {"Crane": "https://example.org/Crane", "windSpeed": "https://example.org/windSpeed"}}


def find_packs(wanted: Iterable[str] = ("*",), found: Iterable[EntryPoint] | None = None) -> Packs:
    return find_with(wanted, found, kinds=kinds_of(find_parts().loaded))


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


def test_a_pack_brings_the_files_of_every_kind(city: Path) -> None:
    point = write_pack(
        city,
        "cranes",
        {
            "context.jsonld": json.dumps(CONTEXT),
            "pack.toml": MANIFEST.format(name="cranes")
            + 'indexes = ["windSpeed", "scope"]\nwrites = ["Crane"]\n',
            "types/Crane.json": json.dumps(SCHEMA),
            "rules/quay/wind.yaml": RULE,
            "rules/.hidden.yaml": "]",
            "layers/cranes.json": json.dumps(LAYER),
            "texts/en.json": json.dumps({"title": "Cranes", "types": {"Crane": "Crane"}}),
            "seeds/cranes.json": json.dumps([{"id": "urn:ngsi-ld:Crane:1", "type": "Crane", "windSpeed": 3}]),
            "mappings/winch.yaml": "id: urn:x:{n}\ntype: Crane\nattributes: {windSpeed: v}\n",
        },
    )
    packs = find_packs(found=[point])
    assert packs.failed == ()
    (crane,) = packs.loaded
    assert crane.terms == CONTEXT["@context"]
    assert [item.value.iri for item in crane.items["types"]] == ["https://example.org/Crane"]
    assert [rule.id for item in crane.items["rules"] for rule in item.value] == ["wind"]
    assert packs.indexes() == ["https://example.org/windSpeed", "https://uri.etsi.org/ngsi-ld/scope"]
    assert set(packs.mappings()) == {"cranes.m", "cranes.winch"}
    vocabulary = compile_context(crane.terms, {})
    (layer,) = layers_of(packs.content(), vocabulary)
    assert (layer.pack, layer.types, layer.visible) == ("cranes", ("Crane",), True)
    assert texts_of(packs.content(), vocabulary)["cranes"]["en"].types == {"Crane": "Crane"}


def test_files_are_shown_in_the_citys_names(city: Path) -> None:
    """A pack and the city may have different short names for one thing."""
    files = {
        "context.jsonld": json.dumps(CONTEXT),
        "layers/cranes.json": json.dumps({**LAYER, "label": "windSpeed", "panel": ["windSpeed", "name"]}),
        "texts/de.json": json.dumps({"attributes": {"windSpeed": "Wind"}}),
    }
    content = find_packs(found=[write_pack(city, "cranes", files)]).content()
    vocabulary = compile_context({"wind": "https://example.org/windSpeed"}, {})
    (layer,) = layers_of(content, vocabulary)
    assert layer.label == "wind"
    assert layer.types == ("https://example.org/Crane",)
    assert texts_of(content, vocabulary)["cranes"]["de"].attributes == {"wind": "Wind"}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"__init__.py": "1 / 0"}, "ZeroDivisionError"),
        ({"__init__.py": "pack = 3"}, "must be a rhinecloud.pack.Pack"),
        ({"pack.toml": "x = ["}, "pack.toml, line 1, column 6: this is not TOML"),
        (
            {"pack.toml": MANIFEST.format(name="other")},
            "pack.toml, line 2, column 9: pack.name: must be 'bad', as the code says",
        ),
        (
            {"pack.toml": MANIFEST.format(name="bad") + 'titel = "red"'},
            "pack.toml, line 7, column 1: pack.titel: unknown key; did you mean `title`?",
        ),
        (
            {"pack.toml": MANIFEST.format(name="bad") + 'indexes = "x"'},
            "line 7, column 12: pack.indexes: must be a list",
        ),
        (
            {"pack.toml": MANIFEST.format(name="bad") + 'indexes = ["nowhere"]'},
            "'nowhere' is not a term of context.jsonld",
        ),
        ({"pack.toml": '[pack]\nname = "bad"\n'}, "pack.requires: this key is missing"),
        (
            {"pack.toml": MANIFEST.format(name="bad").replace(">=0.2,<0.3", ">=7")},
            "pack.requires: works with >=7, and this is Rhine Cloud 0.",
        ),
        (
            {"pack.toml": MANIFEST.format(name="bad").replace("rhinecloud>=0.2,<0.3", "0.2")},
            "must be the versions that the pack works with",
        ),
        ({"context.jsonld": "{"}, "context.jsonld, line 1, column 2: this is not JSON"),
        ({"context.jsonld": '{"@context": "https://example.org/c.jsonld"}'}, "fetches nothing"),
        (
            {"context.jsonld": '{"@context": {"@vocab": "https://example.org/"}}'},
            "@context.@vocab: must not be set",
        ),
        ({"context.jsonld": '{"@context": {"a": {"@context": {}}}}'}, "@context"),
        ({"layers/x.json": '{"id": "x"}'}, "layers/x.json, line 1, column 1: types: this key is missing"),
        ({"texts/de.json": "[]"}, "texts/de.json, line 1, column 1: must be keys and values, not a list"),
        ({"types/Crane.json": json.dumps(SCHEMA)}, "types/Crane.json: Crane is not a term of context.jsonld"),
        (
            {"types/Crane.json": '{"type": 7}', "context.jsonld": json.dumps(CONTEXT)},
            "types/Crane.json, line 1, column 10: type: must be a JSON Schema",
        ),
        (
            {
                "types/Crane.json": '{"properties": {"hook": {}}}',
                "context.jsonld": json.dumps(CONTEXT),
            },
            "types/Crane.json, line 1, column 17: properties.hook: is not a term of context.jsonld",
        ),
        (
            {"rules/wind.yaml": RULE.replace("high", "hihg")},
            "rules/wind.yaml, line 3, column 11: severity: ",
        ),
        ({"seeds/a.json": '[{"type": "Crane"}, 7]'}, "seeds/a.json, line 1, column 21"),
        ({"mappings/a.yaml": "id: x\n"}, "mappings/a.yaml"),
    ],
)
def test_a_pack_that_is_broken_is_named_with_its_reason_and_stops_no_other(
    city: Path, files: dict[str, str], reason: str
) -> None:
    packs = find_packs(found=[write_pack(city, "bad", files), write_pack(city, "good")])
    assert [each.name for each in packs.loaded] == ["good"]
    assert packs.failed[0].name == "bad"
    assert reason in packs.failed[0].reason


@pytest.mark.parametrize("name", ["city", "rhinecloud"])
def test_a_pack_has_no_name_that_is_reserved(city: Path, name: str) -> None:
    (failure,) = find_packs(found=[write_pack(city, name)]).failed
    assert f"pack.name: must not be {name!r}" in failure.reason


def test_only_the_packs_that_are_wanted_load(city: Path) -> None:
    found = [write_pack(city, "one"), write_pack(city, "two")]
    packs = find_packs(["two", "three"], found)
    assert [each.name for each in packs.loaded] == ["two"]
    assert [(each.name, each.reason) for each in packs.failed] == [("three", "is not installed")]


def test_a_city_adds_layers_of_its_own_and_may_draw_a_packs_layer_its_own_way(city: Path) -> None:
    packs = find_packs(found=[write_pack(city, "cranes", {"layers/cranes.json": json.dumps(LAYER)})])
    (city / "layers").mkdir()
    lamps = {**LAYER, "id": "lamps", "types": ["Lamp"]}
    (city / "layers" / "lamps.json").write_text(json.dumps(lamps), encoding="utf-8")
    (city / "layers" / "cranes.json").write_text(json.dumps({**LAYER, "color": "red"}), encoding="utf-8")
    content = packs.content(
        read_content(kinds_of(find_parts().loaded), ContentSource("city", city, core_context()))
    )
    drawn = {layer.id: layer for layer in layers_of(content, core_context())}
    assert (drawn["lamps"].pack, drawn["cranes"].color) == ("city", "red")
    (city / "layers" / "bad.json").write_text('{"id": "x"}', encoding="utf-8")
    with pytest.raises(Invalid, match=r"layers/bad\.json, line 1, column 1: types: this key is missing"):
        read_content(kinds_of(find_parts().loaded), ContentSource("city", city, core_context()))


def test_packs_can_be_left_out_by_name(city: Path) -> None:
    found = [write_pack(city, "one"), write_pack(city, "two")]
    assert [each.name for each in find_packs(["*", "!one"], found).loaded] == ["two"]


def test_check_names_a_term_with_two_meanings_once(city: Path) -> None:
    (city / "city.toml").write_text('[city]\nname = "Musterstadt"\n', encoding="utf-8")
    terms = [json.dumps({"@context": {"reach": f"https://{name}.example/reach"}}) for name in ("a", "b")]
    points = [
        write_pack(city, name, {"context.jsonld": text}) for name, text in zip(("a", "b"), terms, strict=True)
    ]
    [said] = [each.problem for each in check_city(city, find_packs(found=points)) if each.part == "context"]
    assert said.startswith("reach: a means https://a.example/reach, b means ")


def test_settings_of_an_installed_pack_that_is_not_used_are_no_fault(tmp_path: Path) -> None:
    (tmp_path / "city.toml").write_text(
        '[city]\nname = "A"\npacks = []\n\n[packs.port]\nx = 1\n\n[packs.prot]\nx = 1\n', encoding="utf-8"
    )
    found = [each for each in check_city(tmp_path) if "packs.p" in each.what or "packs.p" in each.field]
    assert [bool(each.problem) for each in found] == [False, True]
    assert "that the city does not use" in found[0].what
