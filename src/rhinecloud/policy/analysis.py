"""What a policy looks at: found in its text, so that decisions about entities stay look-ups where nothing else matters.

Each statement is reduced to a guard: its scope and those conditions that hold or fail for all entities of a type
alike. Where the guard fails the statement cannot apply; where it holds each entity, or each hour, must be asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rhinecloud.policy.statements import Node, PolicyStatement

ENTITY_FACTS = frozenset({"id", "owner", "agency", "area", "location", "text", "number"})
"""Attributes of `resource` that differ between entities of the same types."""
TYPE_FACTS = frozenset({"types", "type", "protected"})
TIME_FACTS = frozenset({"hour", "weekday"})
"""Attributes of `context` that change while nobody does anything."""
_GROUPS = ("text", "number")


@dataclass(frozen=True, slots=True)
class Mentions:
    """What policies look at: `facts` by name, and the attributes of entities as they are written in the policies."""

    facts: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()

    def __or__(self, other: Mentions) -> Mentions:
        return Mentions(self.facts | other.facts, self.texts | other.texts, self.numbers | other.numbers)

    @property
    def of_entity(self) -> bool:
        """Whether the entity itself decides."""
        return not self.facts.isdisjoint(ENTITY_FACTS)

    @property
    def of_time(self) -> bool:
        """Whether the time of day or week decides."""
        return not self.facts.isdisjoint(TIME_FACTS)


def union(mentions: Iterable[Mentions]) -> Mentions:
    """Return everything that any of them looks at."""
    result = Mentions()
    for each in mentions:
        result |= each
    return result


def mentions_of(statement: PolicyStatement) -> Mentions:
    """Return what a statement looks at."""
    found = union(_mentions(condition["body"]) for condition in statement.body["conditions"])
    return found if _names_no_resource(statement.body) else found | Mentions(frozenset({"id"}))


def actions_of(statement: PolicyStatement) -> frozenset[str] | None:
    """Return the actions that a statement is about, None for all."""
    scope = statement.body["action"]
    if scope["op"] == "All":
        return None
    return frozenset(each["id"] for each in scope.get("entities") or [scope["entity"]])


def guard_of(statement: PolicyStatement, unknown: frozenset[str]) -> Node:
    """Return a `permit` that holds wherever the statement could, whatever the facts in `unknown` are."""
    body = dict(statement.body)
    body["effect"] = "permit"
    body["conditions"] = list(_known_conditions(statement.body["conditions"], unknown))
    if "id" in unknown:
        body["resource"] = {"op": "All"}
    return body


def literals_of(statement: PolicyStatement, fact: str) -> frozenset[str]:
    """Return the texts with which a statement compares a set such as `resource.area`."""
    return frozenset(
        text for condition in statement.body["conditions"] for text in _literals(condition["body"], fact)
    )


def whole_groups(statement: PolicyStatement) -> frozenset[str]:
    """Return which of `resource.text` and `resource.number` a statement uses without an attribute of it.

    What such a statement looks at is not in its text.
    """
    conditions = statement.body["conditions"]
    return frozenset(name for each in conditions for name in _whole_groups(each["body"]))


def _known_conditions(conditions: Iterable[Node], unknown: frozenset[str]) -> Iterator[Node]:
    for condition in conditions:
        if condition["kind"] == "when":
            for each in _conjuncts(condition["body"]):
                if _mentions(each).facts.isdisjoint(unknown):
                    yield {"kind": "when", "body": each}
        elif _mentions(condition["body"]).facts.isdisjoint(unknown):
            yield condition


def _conjuncts(node: Node) -> Iterator[Node]:
    if "&&" in node:
        yield from _conjuncts(node["&&"]["left"])
        yield from _conjuncts(node["&&"]["right"])
    else:
        yield node


def _mentions(node: Any) -> Mentions:
    """Walk an expression. An attribute counts wherever it is read, unless from `principal` itself.

    So an entity that hides in an `if` is counted, too; rather too much is found than too little.
    """
    if isinstance(node, list):
        return union(map(_mentions, node))
    if not isinstance(node, dict):
        return Mentions()
    for operator in (".", "has"):
        if operator in node:
            return _of_access(node[operator])
    if node.get("Var") == "resource":
        return Mentions(frozenset({"id"}))  # Cedar compares entities by id alone
    if node.get("Var") == "context":
        return Mentions(TIME_FACTS)
    return union(map(_mentions, _children(node)))


def _children(node: Node) -> Iterable[Any]:
    """Return the operands of an expression; the keys of a record are names and no operators."""
    record: Node = node.get("Record", node)
    return record.values()


def _whole_groups(node: Any, *, is_accessed: bool = False) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _whole_groups(each)
    elif isinstance(node, dict):
        access = node.get(".") or node.get("has")
        if access is None:
            for each in _children(node):
                yield from _whole_groups(each)
            return
        if "." in node and access["attr"] in _GROUPS and not is_accessed:
            yield access["attr"]
        yield from _whole_groups(access["left"], is_accessed=True)


def _of_access(access: Node) -> Mentions:
    left, attribute = access["left"], access["attr"]
    if left == {"Var": "principal"}:
        return Mentions()
    if left in ({"Var": "resource"}, {"Var": "context"}):
        return Mentions(frozenset({attribute}))
    below = _mentions(left)
    group = left.get(".", {}).get("attr")
    if group in _GROUPS:
        names = frozenset({attribute})
        return below | (Mentions(texts=names) if group == "text" else Mentions(numbers=names))
    return below | Mentions(frozenset({attribute}))


def _literals(node: Any, fact: str) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _literals(each, fact)
    elif isinstance(node, dict):
        for operator in ("contains", "containsAny", "containsAll", "=="):
            sides = node.get(operator)
            if isinstance(sides, dict) and _is_fact(sides["left"], fact):
                yield from _texts(sides["right"])
            if isinstance(sides, dict) and _is_fact(sides["right"], fact):
                yield from _texts(sides["left"])
        for each in node.values():
            yield from _literals(each, fact)


def _is_fact(node: Node, fact: str) -> bool:
    return node == {".": {"left": {"Var": "resource"}, "attr": fact}}


def _texts(node: Node) -> Iterator[str]:
    for each in [node, *node.get("Set", ())]:
        if isinstance(each.get("Value"), str):
            yield each["Value"]


def _names_no_resource(body: Node) -> bool:
    scope = body["resource"]
    return scope["op"] == "All" or (scope["op"] == "is" and "in" not in scope)
