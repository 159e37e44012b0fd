"""`rhinecloud pack`: a new pack works at once, and what is wrong with one is found by its place."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rhinecloud.app.folder import DataFolder
from rhinecloud.cli.exits import Exit
from rhinecloud.cli.program import run


@pytest.fixture(autouse=True)
def forget_modules() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.endswith("_pack") or "_pack." in name:
            del sys.modules[name]


@pytest.fixture
def lamps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run(["pack", "new", "street-lamps", "--in", str(tmp_path)]) == Exit.DONE
    capsys.readouterr()
    return tmp_path / "street-lamps"


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def read_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_new_pack_is_sound_and_its_recording_is_as_expected(
    lamps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pack", "check", str(lamps)]) == Exit.DONE
    capsys.readouterr()
    assert run(["pack", "test", str(lamps), "--json"]) == Exit.DONE
    [trial] = read_json(capsys)
    assert trial["entities"] == {"StreetLampsObserved": 2}
    assert trial["alerts"] == {"street-lamps-level-high": 1}


def test_a_pack_without_recordings_does_not_pass(lamps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lamps / "street_lamps_pack" / "fixtures" / "readings.toml").unlink()
    assert run(["pack", "test", str(lamps)]) == Exit.INVALID
    said = capsys.readouterr().out
    assert "no recordings" in said
    assert "as expected" not in said


def test_what_a_mapping_makes_must_fit_the_types(lamps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(lamps / "street_lamps_pack" / "readings.py", 'message["level"]', '-message["level"]')
    assert run(["pack", "test", str(lamps)]) == Exit.INVALID
    said = capsys.readouterr().out
    assert "level: -42 is less than the minimum of 0 (1 entities)" in said
    assert "level is -42, expected 42" in said


def test_an_attribute_that_no_type_describes_is_found(
    lamps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(lamps / "street_lamps_pack" / "readings.py", '"name"] = message', '"nickname"] = message')
    assert run(["pack", "test", str(lamps)]) == Exit.INVALID
    assert "nickname: not in the schema of StreetLampsObserved (2 entities)" in capsys.readouterr().out


def test_a_mark_of_quality_that_is_not_true_is_found(lamps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(lamps / "street_lamps_pack" / "texts" / "de.json", '"level"', '"levle"')
    assert run(["pack", "check", str(lamps)]) == Exit.INVALID
    assert "texts/de.json names no level" in re.sub(r"\s+", " ", capsys.readouterr().out)


def test_a_rule_of_quality_without_a_mark_or_unknown_is_found(
    lamps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(lamps / "street_lamps_pack" / "pack.toml", 'damage = "done"', 'damages = "done"')
    assert run(["pack", "check", str(lamps), "--json"]) == Exit.INVALID
    assert read_json(capsys)["problems"] == [
        "damages: there is no such rule of quality",
        "damage: is not marked: done, todo, or exempt with a reason",
    ]


def test_a_codec_or_mapping_that_damaged_input_upsets_is_found(
    lamps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = lamps / "street_lamps_pack"
    (package / "lines.py").write_text(
        "from rhinecloud.pack import Framing\n\n\n"
        "class LinesCodec:\n"
        "    framing = Framing.FILE\n"
        "    time_members = frozenset()\n\n"
        "    def decode(self, parcel):\n"
        "        import json\n"
        "        yield from json.loads(parcel.body)['readings']\n\n"
        "    def recorded_at(self, unit):\n"
        "        return None\n",
        encoding="utf-8",
    )
    replace(
        package / "__init__.py",
        "import map_reading\n",
        "import map_reading\nfrom street_lamps_pack.lines import LinesCodec\n",
    )
    replace(package / "__init__.py", "mappings=", 'codecs={"lines": LinesCodec}, mappings=')
    replace(package / "fixtures" / "readings.toml", 'codec = "json"', 'codec = "street-lamps.lines"')
    assert run(["pack", "test", str(lamps)]) == Exit.DONE
    capsys.readouterr()
    assert run(["pack", "check", str(lamps), "--json"]) == Exit.INVALID
    assert "readings.json, damaged: JSONDecodeError" in read_json(capsys)["problems"][0]


def test_an_import_of_the_core_is_found(lamps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(
        lamps / "street_lamps_pack" / "readings.py",
        "from rhinecloud.pack",
        "import rhinecloud.kernel.ids\nfrom rhinecloud.pack",
    )
    assert run(["pack", "check", str(lamps), "--json"]) == Exit.INVALID
    assert (
        "imports: is marked done, and is not: readings.py imports rhinecloud.kernel.ids"
        in read_json(capsys)["problems"]
    )


@pytest.mark.parametrize("command", ["check", "test"])
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("from rhinecloud.pack import Framing\nFraming.WHOLE\n", "line 2: AttributeError: WHOLE"),
        ("def\n", "line 1: SyntaxError: invalid syntax"),
    ],
)
def test_code_that_cannot_be_imported_is_named_by_its_line(
    lamps: Path, capsys: pytest.CaptureFixture[str], command: str, code: str, said: str
) -> None:
    (lamps / "street_lamps_pack" / "readings.py").write_text(code, encoding="utf-8")
    assert run(["pack", command, str(lamps)]) == Exit.INVALID
    assert capsys.readouterr().err.startswith(f"error: street_lamps_pack/readings.py, {said}")


def test_a_fault_in_a_file_is_named_by_line_and_column(
    lamps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(lamps / "street_lamps_pack" / "rules" / "level-high.yaml", "medium", "meduim")
    assert run(["pack", "check", str(lamps)]) == Exit.INVALID
    assert "rules/level-high.yaml, line 5, column 11: severity" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Lamps", "-x", "a--b", "7up", "x/y"])
def test_a_name_that_no_pack_can_have_is_refused(tmp_path: Path, name: str) -> None:
    assert run(["pack", "new", "--in", str(tmp_path), "--", name]) == Exit.INVALID


def test_a_folder_that_is_there_already_is_left_alone(lamps: Path) -> None:
    assert run(["pack", "new", "street-lamps", "--in", str(lamps.parent)]) == Exit.CONFLICT


def test_packs_are_listed_with_whether_the_city_uses_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "city.toml").write_text('[city]\npacks = ["*", "!port", "nowhere"]\n', encoding="utf-8")
    assert run(["pack", "list", "--city", str(tmp_path), "--json"]) == Exit.DONE
    rows = {row["name"]: row for row in read_json(capsys)}
    assert (rows["transport"]["used"], rows["port"]["used"]) == (True, False)
    assert rows["nowhere"]["problem"] == "is not installed"


STREETS = """# Lamps of a city.
[city] # where
name = "Lamptown"

[stream]
mqtt_port = 0
"""


@pytest.fixture
def lit_city(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A city with a vessel of the pack port, and an entity of no pack."""
    city = tmp_path / "city"
    city.mkdir()
    (city / "city.toml").write_text(STREETS, encoding="utf-8")
    vessel = {
        "id": "urn:ngsi-ld:Vessel:1",
        "type": "https://smartdatamodels.org/dataModel.MarineTransport/Vessel",
    }
    other = {"id": "urn:ngsi-ld:Thing:1", "type": "https://example.org/Thing"}
    lines = tmp_path / "all.ndjson"
    lines.write_text("".join(json.dumps(each) + "\n" for each in (vessel, other)), encoding="utf-8")
    assert run(["import", str(lines), "--city", str(city)]) == Exit.DONE
    capsys.readouterr()
    return city


def remove_port(city: Path, capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    assert run(["pack", "remove", "port", "--city", str(city), "--json", *options]) == Exit.DONE
    return read_json(capsys)


def entities(city: Path, tmp_path: Path) -> list[str]:
    target = tmp_path / "left.ndjson"
    assert run(["export", str(target), "--city", str(city)]) == Exit.DONE
    return [json.loads(line)["id"] for line in target.read_text(encoding="utf-8").splitlines()]


def test_what_a_pack_wrote_is_counted_before_anything_is_removed(
    lit_city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counted = {each["name"]: each["entities"] for each in remove_port(lit_city, capsys)["own"]}
    assert {name for name, entities in counted.items() if entities} == {"Vessel"}
    assert counted["Vessel"] == 1
    assert {"Berth", "WaterObserved", "DistressBeacon"} <= counted.keys()
    assert (lit_city / "city.toml").read_text(encoding="utf-8") == STREETS


def test_settings_that_a_removed_pack_leaves_are_named(
    lit_city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (lit_city / "city.toml").open("a", encoding="utf-8") as file:
        file.write("\n[packs.port]\n")
    assert run(["pack", "remove", "port", "--city", str(lit_city), "--keep"]) == Exit.DONE
    assert "nothing reads [packs.port] any more; take it out of city.toml" in capsys.readouterr().out


def test_a_pack_is_removed_and_its_entities_are_kept(
    lit_city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert remove_port(lit_city, capsys, "--keep")["removed"]
    text = (lit_city / "city.toml").read_text(encoding="utf-8")
    assert text == STREETS.replace("# where\n", '# where\npacks = ["*", "!port"]\n')
    assert sorted(entities(lit_city, tmp_path)) == ["urn:ngsi-ld:Thing:1", "urn:ngsi-ld:Vessel:1"]


def test_a_pack_is_removed_and_its_entities_are_exported(
    lit_city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "port.ndjson"
    done = remove_port(lit_city, capsys, "--export", str(target))
    assert (done["exported"], done["deleted"]) == (1, 1)
    assert json.loads(target.read_text(encoding="utf-8"))["id"] == "urn:ngsi-ld:Vessel:1"
    assert entities(lit_city, tmp_path) == ["urn:ngsi-ld:Thing:1"]


def test_a_pack_is_removed_and_its_entities_are_deleted(
    lit_city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert remove_port(lit_city, capsys, "--delete")["deleted"] == 1
    assert entities(lit_city, tmp_path) == ["urn:ngsi-ld:Thing:1"]
    assert run(["pack", "remove", "port", "--city", str(lit_city)]) == Exit.NOT_FOUND


@pytest.mark.parametrize("options", [["--delete"], ["--export", "port.ndjson"]])
def test_entities_of_a_pack_are_not_deleted_while_the_city_runs(
    lit_city: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    before = (lit_city / "city.toml").read_text(encoding="utf-8")
    folder = DataFolder(lit_city / "data")
    folder.take()
    try:
        assert run(["pack", "remove", "port", "--city", str(lit_city), *options]) == Exit.CONFLICT
    finally:
        folder.release()
    assert "stop the city first" in capsys.readouterr().err
    assert (lit_city / "city.toml").read_text(encoding="utf-8") == before


@pytest.mark.parametrize("mapping", ["port.ais", "ais"])
def test_a_pack_that_feeds_need_is_not_removed(
    lit_city: Path, capsys: pytest.CaptureFixture[str], mapping: str
) -> None:
    feed = f'\n[feeds.ships]\nconnector = "ais"\nmapping = "{mapping}"\nurl = "tcp://127.0.0.1:1"\n'
    path = lit_city / "city.toml"
    path.write_text(STREETS + feed, encoding="utf-8")
    assert run(["pack", "remove", "port", "--city", str(lit_city), "--delete"]) == Exit.CONFLICT
    assert "needed by [feeds.ships]" in capsys.readouterr().err
