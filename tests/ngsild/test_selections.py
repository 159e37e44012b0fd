"""Selections of types and scopes mean what their signs say (clauses 4.17 and 4.19)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.query import EntityQuery, matches, parse_scope_q, parse_type_selection
from rhinecloud.ngsild.representation import parse_entity


@dataclass(frozen=True)
class Selection:
    """A selection as it is written, and what it means of the names that an entity has."""

    text: str
    holds: Callable[[set[str]], bool]


def _every(names: list[str]) -> Selection:
    text = ";".join(names)
    return Selection(f"({text})" if len(names) > 1 else text, lambda has: has.issuperset(names))


def _either(terms: list[Selection], sign: str) -> Selection:
    return Selection(
        sign.join(each.text for each in terms), lambda has: any(each.holds(has) for each in terms)
    )


def selections(names: list[str]) -> st.SearchStrategy[Selection]:
    """Draw one of several groups, of each of which everything must be there: as deep as the grammar goes."""
    group = st.lists(st.sampled_from(names), min_size=1, max_size=3).map(_every)
    return st.builds(_either, st.lists(group, min_size=1, max_size=3), st.sampled_from("|,"))


def place(**members: Any) -> Any:
    return parse_entity({"id": "urn:x:1", "type": "Any", **members}, core_context())


@given(selections(["A", "B", "C"]), st.sets(st.sampled_from("ABC"), min_size=1))
def test_a_selection_of_types_means_what_it_says(selection: Selection, types: set[str]) -> None:
    query = EntityQuery(types=parse_type_selection(selection.text, core_context()))
    assert matches(query, place(type=sorted(types))) is selection.holds(types)


@given(selections(["/a", "/b", "/a/c"]), st.sets(st.sampled_from(["/a", "/b", "/a/c"])))
def test_a_selection_of_scopes_means_what_it_says(selection: Selection, scopes: set[str]) -> None:
    query = EntityQuery(scope=parse_scope_q(selection.text))
    found = place(scope=sorted(scopes)) if scopes else place()
    assert matches(query, found) is selection.holds(scopes)
