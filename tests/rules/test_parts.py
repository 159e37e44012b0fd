"""The assembly knows no part by name, but for one list; every part of the core declares itself there."""

from __future__ import annotations

import ast
import re

from rhinecloud.app.parts import CORE
from rhinecloud.app.problem import Problems
from rhinecloud.part import Part
from rules.conftest import ROOT

APP = ROOT / "src/rhinecloud/app"
LIST = "parts.py"
ENGINES = {"audit", "identity", "history", "loader"}
"""What every process opens first: the assembly makes it, as it makes store and stream."""
NAMES = {part.name for part in CORE} - ENGINES


def test_no_parts_name_stands_in_the_assembly_but_in_its_list() -> None:
    found = []
    for path in APP.rglob("*.py"):
        if path.name == LIST:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("rhinecloud."):
                if node.module.split(".")[1] in NAMES:
                    found.append(f"{path.name}: imports {node.module}")
            elif isinstance(node, ast.Name | ast.Attribute):
                name = node.id if isinstance(node, ast.Name) else node.attr
                if name in NAMES - {"changes"}:
                    found.append(f"{path.name}: {name}")
            elif isinstance(node, ast.Constant) and node.value in NAMES - {"changes"}:
                found.append(f"{path.name}: {node.value!r}")
    assert found == []


def test_no_path_of_a_part_stands_in_the_assembly() -> None:
    texts = {
        node.value
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert {text for text in texts if text.startswith("/ngsi-ld")} == set()


def test_what_a_problem_says_is_declared_by_the_part_whose_error_it_is() -> None:
    common = {"type", "title", "status", "detail", "field", "errors"}
    assert Problems().schema()["properties"].keys() == common
    rows = [row for part in CORE for row in part.errors]
    declared = {fact.name for row in rows for fact in row.facts}
    assert {"version", "retry_after_s"} <= declared
    assert Problems(rows).schema()["properties"].keys() == common | declared


def test_every_part_of_the_layers_above_the_engines_declares_itself() -> None:
    declared = {path.parent.name for path in (ROOT / "src/rhinecloud").glob("*/part.py")}
    assert declared == {part.name for part in CORE}


def test_parts_are_opened_in_the_order_of_their_layers() -> None:
    contract = (
        (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("layers = [")[2].partition("]")[0]
    )
    layers = [re.findall(r"\w+", line) for line in contract.splitlines() if line.strip()]
    height = {name: -index for index, layer in enumerate(layers) for name in layer}
    heights = [height[part.name] for part in CORE]
    assert heights == sorted(heights)


def test_a_part_says_what_it_is_for_in_one_sentence() -> None:
    assert [part.name for part in CORE if not part.summary.endswith(".")] == []
    assert all(isinstance(part, Part) for part in CORE)
