"""The field's words: names say what a thing is, docstrings say Return and Raise, and a class name has one meaning."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from rules.conftest import ROOT

SOURCES = ROOT / "src"

RENAMED = {
    "Alive": "liveness", "AttributeTally": "AttributeCount", "Chores": "Housekeeping", "Clerk": "AlertWriter",
    "Commits": "CommitTraces", "Crew": "WorkerPool", "Departures": "WriteBatch", "Depot": "TransferableStore",
    "Desk": "CityClient", "Doing": "ActInProgress", "Door": "BrokerApplication", "Doors": "Dispatcher",
    "Ear": "NotificationListener", "Effort": "StoreStatistics", "Envelope": "RequestHeaders",
    "Errand": "PendingRequest",
    "Figures": "MetricsSnapshot", "Flaw": "ConditionFault", "Gate": "Authentication", "Gathering": "EntityLoader",
    "Glance": "ChangeHeader", "Ground": "CacheValidator", "Guard": "DeviceRevocation", "Hold": "FrameInProgress",
    "HttpDesk": "HttpCityClient", "Intake": "Admission", "Judge": "RuleEvaluator", "Keeper": "DeliveryStore",
    "Lane": "DeliveryQueue", "Ledger": "IndexCosts", "Look": "Representation", "Memory": "FrameBuffer",
    "Moments": "CachedClock", "News": "ReadingChange", "OfflineDesk": "OfflineCityClient", "Orders": "ReaderOptions",
    "Passes": "RangeGate", "Passing": "ReverseProxy", "Past": "HistoryQueries", "Picture": "RenderedChange",
    "Present": "CurrentFrame", "Proof": "TransferProof", "Ready": "ServedSubscription", "Register": "ActiveAlerts",
    "Room": "ByteSemaphore", "Seasons": "SharedIndexCosts", "Sheet": "DocumentReader", "Sight": "ReadFilter",
    "Squares": "SpatialGrid", "Stay": "AdmittedRequest", "Surroundings": "FeedContext", "Tally": "ResponseStats",
    "Testimony": "AlertContent", "Touches": "BoxGate", "TracedDoor": "TracedApplication",
    "Watched": "MeasuredApplication",
    "Way": "DeliveryRoute", "Wish": "LiveFilter", "World": "IngestContext",
}  # fmt: skip
"""Class names of earlier versions that were metaphors, or the same for several things, each with what replaced it."""

METAPHORS = re.compile(
    "amiss|barred|census|chores|clerk|crew|depot|desks?|doors?|doubted|ears?|effort|errands?|eyes|fence[sd]?|floors?"
    "|glance|heard?|hearing|hears|houses?|hurried|judge[sd]?|keepers?|lanes?|len(d|ds|t)|outweigh|pictures?|roads?|rooms?"
    "|seasons|sheets?|sights?|standing|stays?|tall(y|ies)|tell(s|ing)?|testimony|told|whoever|wish(es)?"
)
"""Words that no identifier and no module may be made of."""

OF_THE_FIELD = frozenset({"UNKNOWN_CREW"})
"""Names in which such a word is meant as it stands: a ship has a crew."""

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCES.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def place(path: Path, node: ast.AST, name: str) -> str:
    return f"{path.relative_to(SOURCES)}:{getattr(node, 'lineno', 1)} {name}"


def definitions(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield every name that a module defines: classes, functions, parameters, variables, attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node, name
            case ast.arg(arg=name):
                yield node, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node, name


def words(name: str) -> set[str]:
    return {each.lower() for each in WORD.findall(name)}


def test_no_name_of_the_table_remains() -> None:
    found = [
        f"{place(path, node, node.name)} is called {RENAMED[node.name.lstrip('_')]}"
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name.lstrip("_") in RENAMED
    ]
    assert found == []


def test_no_name_is_a_metaphor() -> None:
    found = [
        place(path, node, name)
        for path, tree in modules()
        for node, name in definitions(tree)
        if any(map(METAPHORS.fullmatch, words(name))) and name not in OF_THE_FIELD
    ]
    found += [str(path) for path, _ in modules() if any(map(METAPHORS.fullmatch, words(path.stem)))]
    assert found == []


def test_a_class_name_has_one_meaning() -> None:
    places = defaultdict(list)
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(place(path, node, node.name))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions of a module and the methods of its public classes."""

    def walk(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield from walk(node.body)

    yield from walk(tree.body)


def test_docstrings_say_return_and_not_give_or_tell() -> None:
    found = [
        place(path, node, (ast.get_docstring(node) or "").split("\n")[0])
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (ast.get_docstring(node) or "").startswith(("Give ", "Gives ", "Tell ", "Tells ", "Returns "))
    ]
    assert found == []


NOT_SAID = {"NotImplementedError", "AssertionError", "BadParameter"}
"""Errors of programmers, and of command lines, whose docstrings are the help."""


def raised_here(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Yield the names of the errors that a function itself raises, and does not catch."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Try):
            todo.extend([*node.handlers, *node.orelse, *node.finalbody])
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            target = node.exc.func
            name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
            if name[:1].isupper():
                yield name
        todo.extend(ast.iter_child_nodes(node))


def answers_requests(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a function handles requests of the broker: its errors are answers, listed in OpenAPI."""
    return any(
        "Request" in ast.unparse(each.annotation) for each in function.args.args if each.annotation
    ) and (function.returns is not None and ast.unparse(function.returns) == "Response")


def test_a_public_function_that_raises_says_so() -> None:
    silent = [
        place(path, node, f"{node.name} raises {', '.join(sorted(raised))}")
        for path, tree in modules()
        for node in functions(tree)
        if not (node.name.startswith("_") or answers_requests(node))
        and (raised := set(raised_here(node)) - NOT_SAID)
        and not re.search(r"\b[Rr]aise\b", docstring := ast.get_docstring(node) or "")
        and not any(name in docstring for name in raised)
    ]
    assert silent == []
