"""The city's @context: the core's terms, those of each pack, and the city's own.

Each pack is read in its own @context, so two packs may use one short name with different meanings. Clients of the
city share one @context, where a short name has one meaning: the core's before all, then the city's own, then that of
the pack that `[city] terms` names. Where two packs disagree and nothing decides, the short name is left out: each
meaning is written as `<pack>:<name>`, and `rhinecloud check` reports it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rhinecloud.kernel.faults import ErrorCollector, unknown
from rhinecloud.ngsild.context import compile_context

CORE = "rhinecloud"
CITY = "city"
RESERVED = (CORE, CITY)
"""Owners whose meanings come before those of packs; no pack has one of these names."""


@dataclass(frozen=True, slots=True)
class TermMeaning:
    """What one owner means by a term: its IRI, and the type to which its values are coerced."""

    owner: str
    iri: str
    coercion: str = ""

    def is_same(self, other: TermMeaning) -> bool:
        """Return whether both mean the same."""
        return (self.iri, self.coercion) == (other.iri, other.coercion)


@dataclass(frozen=True, slots=True)
class TermConflict:
    """One short name with several meanings; `counts` is the owner whose meaning clients get, '' for none."""

    term: str
    meanings: tuple[TermMeaning, ...]
    counts: str = ""

    def __str__(self) -> str:
        """Return one sentence that names every owner and the way out."""
        said = ", ".join(f"{each.owner} means {each.iri}" for each in self.meanings)
        packs = [each.owner for each in self.meanings if each.owner not in RESERVED]
        if self.counts:
            others = " or ".join(f"`{name}:{self.term}`" for name in packs if name != self.counts)
            return f"{self.term}: {said}; {self.counts} counts, write {others} for the other"
        both = " or ".join(f"`{name}:{self.term}`" for name in packs)
        return (
            f'{self.term}: {said}; write {both}, or decide: `[city] terms = {{ {self.term} = "{packs[0]}" }}`'
        )


@dataclass(slots=True)
class CityTerms:
    """The terms of the city's @context, and the short names on which two owners disagree."""

    terms: dict[str, Any] = field(default_factory=dict)
    conflicts: list[TermConflict] = field(default_factory=list)


class TermConflicts(tuple[TermConflict, ...]):
    """Every conflict of a city's vocabulary."""

    __slots__ = ()


def merge_contexts(
    core: Mapping[str, Any],
    packs: Iterable[tuple[str, Mapping[str, Any]]],
    city: Mapping[str, Any],
    chosen: Mapping[str, str],
) -> CityTerms:
    """Merge the terms of core, packs (by name) and city; `chosen` maps a term to the pack whose meaning counts.

    Raises Invalid for terms that are malformed, and for a choice that names no pack with that term, or
    is about a term of the core or the city.
    """
    owners = {CORE: core, CITY: city, **dict(packs)}
    meanings = _meanings(owners)
    _check_choices(chosen, meanings)
    merged = CityTerms()
    for term, found in meanings.items():
        counts = _decide(term, found, chosen)
        if counts is not None:
            merged.terms[term] = _written_out(owners[counts.owner][term], counts.iri)
        if not all(each.is_same(found[0]) for each in found):
            merged.conflicts.append(TermConflict(term, tuple(found), counts.owner if counts else ""))
    for conflict in merged.conflicts:
        _add_prefixes(merged.terms, conflict)
    return merged


def _meanings(owners: Mapping[str, Mapping[str, Any]]) -> dict[str, list[TermMeaning]]:
    found: dict[str, list[TermMeaning]] = {}
    for owner, terms in owners.items():
        compiled = compile_context(dict(terms), {})
        for term in terms:
            if not term.startswith("@"):
                meaning = TermMeaning(owner, compiled.expand(term), compiled.coercion(term))
                found.setdefault(term, []).append(meaning)
    return found


def _decide(term: str, found: list[TermMeaning], chosen: Mapping[str, str]) -> TermMeaning | None:
    """Return the meaning that counts; None where packs disagree and nothing decides."""
    if found[0].owner in RESERVED or all(each.is_same(found[0]) for each in found):
        return found[0]
    return next((each for each in found if each.owner == chosen.get(term)), None)


def _check_choices(chosen: Mapping[str, str], meanings: Mapping[str, list[TermMeaning]]) -> None:
    collector = ErrorCollector()
    for term, owner in chosen.items():
        owners = [each.owner for each in meanings.get(term, ())]
        if owner not in owners:
            collector.add(unknown(f"owner {owner!r} of this term", owner, owners), f"city.terms.{term}")
        elif owners[0] in RESERVED and owner != owners[0]:
            reason = f"{owners[0]} defines this term, and a pack cannot change its meaning"
            collector.add(reason, f"city.terms.{term}")
    collector.finish()


def _add_prefixes(terms: dict[str, Any], conflict: TermConflict) -> None:
    """Let clients write `<pack>:<term>` where the IRI ends with the term and the prefix is free."""
    for each in conflict.meanings:
        base = each.iri.removesuffix(conflict.term)
        if base != each.iri and each.owner not in (*RESERVED, conflict.counts):
            terms.setdefault(each.owner, {"@id": base, "@prefix": True})


def _written_out(definition: Any, iri: str) -> Any:
    """Return a definition with the whole IRI, so that it needs no prefix of its owner."""
    return {**definition, "@id": iri} if isinstance(definition, dict) else iri
