"""Editors get a schema for each kind of file, and the files that we ship fit theirs."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from rhinecloud.cli.program import run as run_program
from rhinecloud.cli.schemas import FileKind, file_kinds, schema_of
from rhinecloud.kernel.declarative import parse_file

ROOT = Path(__file__).parents[2]
KINDS = {each.name: each for each in file_kinds()}


def files_of(kind: FileKind) -> list[Path]:
    folders = [*(ROOT / "src" / "rhinecloud_packs").iterdir(), ROOT / "examples" / "duisburg"]
    return sorted(path for folder in folders for path in folder.glob(kind.files))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_files_that_we_ship_fit_their_schema(kind: FileKind) -> None:
    schema = schema_of(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    files = files_of(kind)
    if not files:
        pytest.skip(f"no file of the kind {kind.name} is shipped")
    for path in files:
        for document in parse_file(path):
            faults = [f"{each.json_path}: {each.message}" for each in validator.iter_errors(document.data)]
            assert faults == [], path


@pytest.mark.parametrize("name", ["rules", "layers", "mappings", "pack", "city"])
def test_a_schema_refuses_an_unknown_key(name: str) -> None:
    [document, *_] = parse_file(files_of(KINDS[name])[0])
    validator = jsonschema.Draft202012Validator(schema_of(KINDS[name]))
    assert not validator.is_valid({**document.data, "unheard_of": 1})
    assert validator.is_valid({**document.data, "$schema": "./schema.json"})


def test_the_command_lists_the_kinds_and_prints_a_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_program(["schema", "--json"]) == 0
    assert {each["name"] for each in json.loads(capsys.readouterr().out)} == set(KINDS)
    assert run_program(["schema"]) == 0
    assert "rules/**/*.y*ml" in capsys.readouterr().out
    assert run_program(["schema", "rules"]) == 0
    assert (
        json.loads(capsys.readouterr().out)["properties"]["when"]["description"]
        == "The condition that raises the alert."
    )
    assert run_program(["schema", "rule"]) == 5
    assert "did you mean `rules`?" in capsys.readouterr().err
