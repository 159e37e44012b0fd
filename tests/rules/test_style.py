"""The rules of the code that a machine can check: docs/where-things-go and the style page say why."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rules.conftest import ROOT, listed

NO_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "base",
    "core",
    "misc",
    "manager",
    "handler",
    "impl",
}
BOUNDARIES = {
    "app/supervisor.py": "a consumer's loop",
    "changes/follower.py": "a consumer's loop",
    "app/edge.py": "the request edge of applications of parts and packs",
    "broker/http/application.py": "the request edge",
    "subscriptions/delivery/queue.py": "a consumer's loop",
    "subscriptions/notifier.py": "a consumer's loop",
    "cli/packs/source.py": "a pack's code, as it is imported",
    "cli/packs/trial.py": "a pack's code, to see what damaged input does to it",
    "connectors/feed.py": "a feed's boundary: link and worker",
    "connectors/pipeline.py": "a pack's code, message by message",
    "app/assembly.py": "a part of another distribution",
    "loader/packs.py": "the pack loader",
    "loader/rights.py": "the pack loader: what a pack says of its rights",
    "loader/running.py": "the pack loader: a pack's own code when it is opened",
    "part/discovery.py": "a part of another distribution",
    "store/postgres/group.py": "an edit's own fault goes back to whoever sent it, not to its neighbours",
    "store/postgres/reader.py": "whatever ends a round trip, nobody may wait for an answer for ever",
    "store/postgres/writer.py": "whatever ends a transaction, nobody may wait for an answer for ever",
    "store/sqlite/transaction.py": "an edit's own fault goes back to whoever sent it, not to its neighbours",
    "store/sqlite/writer.py": "whatever ends a transaction, nobody may wait for an answer for ever",
    "stream/work.py": "a consumer's loop",
}
"""Where `except Exception` may stand, and as what."""

LONGEST = 400
"""Lines of a file; most have less than half."""


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_no_module_has_a_vague_name(sources: list[Path]) -> None:
    vague = [path for path in sources if NO_NAMES & {path.stem, *path.relative_to(ROOT).parent.parts}]
    assert vague == []


def test_every_module_says_why_it_exists(sources: list[Path]) -> None:
    silent = [path for path in sources if not ast.get_docstring(tree_of(path))]
    assert silent == []


def test_files_stay_readable(sources: list[Path]) -> None:
    long = {
        path.name: lines for path in sources if (lines := len(path.read_text("utf-8").splitlines())) > LONGEST
    }
    assert long == {}


def test_broad_excepts_stand_at_boundaries_only(sources: list[Path]) -> None:
    found = set()
    for path in sources:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _raises_again(node):
                found.add(path.relative_to(ROOT / "src/rhinecloud").as_posix())
    assert found <= set(BOUNDARIES), f"not a boundary: {sorted(found - set(BOUNDARIES))}"


def _is_broad(node: ast.ExceptHandler) -> bool:
    names = {each.id for each in ast.walk(node.type) if isinstance(each, ast.Name)} if node.type else {"all"}
    return bool(names & {"Exception", "BaseException", "all"})


def _raises_again(node: ast.ExceptHandler) -> bool:
    """A clean-up that passes the error on hides nothing."""
    return any(isinstance(each, ast.Raise) and each.exc is None for each in ast.walk(node))


def test_modules_hold_no_state(sources: list[Path]) -> None:
    """A module-level list, set or dict that a function changes is a registry in disguise."""
    guilty = []
    for path in sources:
        tree = tree_of(path)
        names = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            and isinstance(
                node.value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp
            )
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        guilty += [
            f"{path.relative_to(ROOT)}: {name}"
            for name in sorted(names)
            if any(map(_changes(name), ast.walk(tree)))
        ]
    assert guilty == []


def _changes(name: str) -> object:
    verbs = {"append", "extend", "insert", "add", "update", "setdefault", "pop", "clear", "remove", "discard"}

    def check(node: ast.AST) -> bool:
        if isinstance(node, ast.Global):
            return name in node.names
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in verbs:
            return isinstance(node.func.value, ast.Name) and node.func.value.id == name
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            return isinstance(node.value, ast.Name) and node.value.id == name
        return False

    return check


def test_no_settings_are_read_at_import(sources: list[Path]) -> None:
    guilty = [
        path
        for path in sources
        for node in tree_of(path).body
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and "os.environ" in ast.unparse(node)
    ]
    assert guilty == []


def test_imports_respect_the_layers() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_traced_benchmark_finds_the_methods_that_it_times() -> None:
    """It wraps private methods by name, and nothing else would notice that one was renamed."""
    program = "import bench.traced; bench.traced._trace()"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_file_names_its_licence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reuse", "lint", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


FOREIGN = re.compile(
    r"pythonhosted\.org|//pypi\.org|registry\.npmjs\.org|deb\.debian\.org|/wor[k]/|/tmp/bash_job[s]"
)


def test_nothing_names_a_registrys_host_or_a_path_of_one_machine() -> None:
    guilty = []
    for path in listed():
        if path.suffix in (".geojson", ".zip", ".gz", ".pb", ".png", ".woff2", ".nmea", ".log"):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        guilty += [f"{path.relative_to(ROOT)}: {found.group()}" for found in FOREIGN.finditer(text)]
    assert guilty == []


def test_tests_mirror_the_parts() -> None:
    parts = {path.parent.name for path in (ROOT / "src/rhinecloud").glob("*/__init__.py")}
    beside = {"clients", "conformance", "docs", "faults", "rules", "journeys", "packs", "ports"}
    folders = {
        path.name
        for path in (ROOT / "tests").iterdir()
        if path.is_dir() and not path.name.startswith(("_", "."))
    }
    assert folders <= beside | parts | {"outgoing"}


@pytest.mark.parametrize(
    "name", ["LICENSE", "README.md", "CHANGELOG.md", "publiccode.yml", "Makefile", ".ci/run"]
)
def test_the_repository_has_what_a_newcomer_looks_for(name: str) -> None:
    assert (ROOT / name).stat().st_size > 40
