"""The city's one vocabulary: the house's terms, then each pack's, then the city's own.

A term has one meaning in a city. Where two disagree the first one stands and the disagreement is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rhinecloud.ngsild.context import compile_context


@dataclass(frozen=True, slots=True)
class TermConflict:
    """Two owners give one term two meanings (IRIs); the first one's counts."""

    term: str
    first: str
    first_iri: str
    second: str
    second_iri: str

    def __str__(self) -> str:
        return f"{self.term}: {self.first} says {self.first_iri}, {self.second} says {self.second_iri}"


def merge_contexts(
    parts: Iterable[tuple[str, Mapping[str, Any]]],
) -> tuple[dict[str, Any], list[TermConflict]]:
    """Merge the term tables of `parts`, each with its owner's name, into one; raises Invalid for a malformed one."""
    merged: dict[str, Any] = {}
    meaning: dict[str, tuple[str, str, str]] = {}
    disagreements: list[TermConflict] = []
    for owner, terms in parts:
        compiled = compile_context(dict(terms), {})
        for term, definition in terms.items():
            if term.startswith("@"):
                continue
            iri, coercion = compiled.expand(term), compiled.coercion(term)
            known = meaning.get(term)
            if known is None:
                meaning[term] = (owner, iri, coercion)
                merged[term] = _spelled_out(definition, iri)
            elif known[1:] != (iri, coercion):
                disagreements.append(TermConflict(term, known[0], known[1], owner, iri))
    return merged, disagreements


def _spelled_out(definition: Any, iri: str) -> Any:
    """Write the whole IRI, so that one owner's prefix need not be another's."""
    return {**definition, "@id": iri} if isinstance(definition, dict) else iri
