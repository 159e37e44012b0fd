"""What the code offers is documented, and what is documented is there."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from dataclasses import is_dataclass
from pathlib import Path

import pytest
import yaml

from rhinecloud.app.parts import find_parts
from rhinecloud.app.sections import sections_of, tables_of
from rhinecloud.cli.reference import api_page, commands, commands_page, openapi_document, settings_page
from rhinecloud.kernel.settings import describe
from rules.conftest import ROOT, listed

DOCS = ROOT / "docs"


PARTS = find_parts().loaded
KINDS = {
    **sections_of(PARTS),
    **{f"{name}.<name>": kind for name, kind in tables_of(PARTS).items() if is_dataclass(kind)},
}


@pytest.mark.parametrize("section", KINDS)
def test_every_setting_has_its_sentence_on_the_settings_page(section: str) -> None:
    page = settings_page()
    for setting in describe(section, KINDS[section]):
        assert setting.says, setting.name
        assert f"| `{setting.name}` |" in page


@pytest.mark.parametrize(("path", "command"), list(commands()), ids=[path for path, _ in commands()])
def test_every_command_has_help_an_example_and_words_for_each_option(path: str, command: object) -> None:
    words = getattr(command, "help", "") or ""
    assert f"`{path}" in words, "an example of how to call it"
    assert words.strip().splitlines()[0].endswith("."), "its first line is a sentence"
    silent = [each.name for each in command.params if not each.help and each.param_type_name == "option"]  # type: ignore[attr-defined]
    assert set(silent) <= {"help", "limit"}
    assert f"## {path}\n" in commands_page()


def test_every_route_of_the_peoples_api_has_a_summary_and_a_place_on_its_page() -> None:
    document = openapi_document()
    page = api_page(document)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary"), f"{method} {path}"
            assert operation.get("tags"), f"{method} {path}"
            assert f"`{path}`" in page


def test_every_part_has_a_page() -> None:
    parts = {path.parent.name for path in (ROOT / "src/rhinecloud").glob("*/__init__.py")}
    pages = {path.stem for path in (DOCS / "parts").glob("*.md")}
    assert parts - {"web"} <= pages


def test_where_things_go_has_the_layers_of_the_import_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [contract] = [each for each in project["tool"]["importlinter"]["contracts"] if each["id"] == "layers"]
    modules = {"__main__", "outgoing"}
    layers = [set(layer.split(" | ")) - modules for layer in reversed(contract["layers"])]
    shown: dict[int, set[str]] = defaultdict(set)
    page = (DOCS / "where-things-go.md").read_text(encoding="utf-8")
    for number, names in re.findall(r"^\| (\d+) \| ([^|]+) \|", page, re.MULTILINE):
        shown[int(number)] |= set(re.findall(r"`(\w+)`", names))
    assert dict(shown) == {number: names for number, names in enumerate(layers, 1) if names}


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in listed("docs/*.md", "README.md"):
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
            if "_generated" in target:
                continue
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_files_that_the_pages_name_are_there() -> None:
    """A page that sends its reader to a file of the source must not send into the void."""
    sources = [f"/{path.relative_to(ROOT).as_posix()}" for path in listed("src/*", "tests/*", "bench/*")]
    missing = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in listed("docs/*.md")
        for name in re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|cedar))`", page.read_text(encoding="utf-8"))
        if not any(source.endswith(f"/{name}") for source in sources)
        and f"`{name}`:\n\n```" not in page.read_text(encoding="utf-8")  # the page shows the file itself
    ]
    assert missing == []


def test_commands_that_the_pages_name_exist() -> None:
    known = {path for path, _ in commands()} | {" ".join(path.split()[:2]) for path, _ in commands()}
    unknown = set()
    guides = {"write-a-part.md", "packs.md"}  # they make commands of their own, which a test runs
    for page in listed("docs/*.md", "README.md"):
        if page.name in guides:
            continue
        for line in re.findall(
            r"(?:^\$ |`)(rhinecloud [a-z]+(?: [a-z]+)?)", page.read_text("utf-8"), re.MULTILINE
        ):
            if line not in known and " ".join(line.split()[:2]) not in known:
                unknown.add(f"{page.relative_to(ROOT)}: {line}")
    assert unknown == set()


def test_publiccode_says_what_pyproject_says() -> None:
    from rhinecloud import __version__

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    public = yaml.safe_load((ROOT / "publiccode.yml").read_text(encoding="utf-8"))
    assert public["softwareVersion"] == __version__
    assert public["legal"]["license"] == project["license"]
    assert {"en", "de"} <= set(public["description"])
    assert (
        Path(ROOT / "LICENSE").read_text("utf-8").lstrip().startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2")
    )
