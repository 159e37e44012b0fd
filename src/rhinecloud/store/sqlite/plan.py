"""Chooses the index for a query: the one with the fewest candidates, as far as counting them is worth it.

Conditions that no index answers are checked by `EntityQuery.matcher`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import apsw
import msgspec
from msgspec.structs import replace

from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.ngsild.stored import attribute_bytes
from rhinecloud.store.sqlite.access_path import (
    HAS_TYPE,
    AccessPath,
    Alternatives,
    Bindings,
    by_ids,
    by_place,
    by_prefix,
    by_term,
    by_types,
    of_types,
)
from rhinecloud.store.sqlite.document_filter import NAMED, filter_of
from rhinecloud.store.sqlite.population import ANY, Population
from rhinecloud.store.sqlite.schema import number_of
from rhinecloud.store.sqlite.values import SqliteAttributeIndexes
from rhinecloud.store.terms import terms_of

FEW = 200
"""Most documents that are decoded and checked on the event loop; more are read in a thread."""

BY_TYPES = frozenset({"types", "hidden"})
"""The conditions that the index of types answers."""

COUNTED = 1_000
"""Most candidates of an index that are counted on the event loop, in a tenth of a millisecond."""

COUNTED_IN_THREAD = 30_000
"""The same in a thread: sorting more candidates takes longer than finding a page of them in order of creation."""


class SqlitePlan(msgspec.Struct, frozen=True, gc=False):
    """The path to the candidates, how many they are at `most`, and SQL conditions on them."""

    path: AccessPath
    most: int
    total: int | None = None
    """How many match, if that is known without counting."""
    where: str = ""
    """A condition on the candidate `c`, evaluated in order, so that only the candidates of a page are evaluated."""
    where_bindings: Bindings = ()
    filter: str = ""
    """A condition on the document `e` that all matches meet, and that is faster than decoding it."""
    filter_bindings: Bindings = ()
    filters_q: bool = False
    """Whether the condition on the document is one of `q`, too."""
    spared: int = 0
    """Documents that are not read because attributes have indexes."""
    remaining: frozenset[str] = frozenset()
    """The conditions of the query that are to be checked for each candidate."""

    @property
    def exact(self) -> bool:
        """Whether every candidate matches."""
        return not self.remaining

    @property
    def rows(self) -> str:
        """The rows of the candidates without an order."""
        return f"SELECT row FROM ({self.path.rows}) AS c WHERE {self.where}" if self.where else self.path.rows

    @property
    def page(self) -> str:
        """The rows in order of creation, with `LIMIT ? OFFSET ?`.

        Even no limit (-1) must be written: SQLite ignores the order of a joined subquery without one.
        """
        if self.where:
            ordered = f"{self.path.rows} ORDER BY row LIMIT -1"
            return f"SELECT row FROM ({ordered}) AS c WHERE {self.where} LIMIT ? OFFSET ?"
        return self.path.page

    @property
    def bindings(self) -> Bindings:
        """The bindings of the rows."""
        return self.path.bindings + self.where_bindings


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans queries by the population and the attribute indexes."""

    population: Population
    values: SqliteAttributeIndexes

    def plan(
        self, connection: apsw.Connection, tenant_name: str, query: EntityQuery, limit: int = COUNTED
    ) -> SqlitePlan | None:
        """Return the plan with fewest candidates, counting up to `limit`; None if nothing can match."""
        population = self.population
        tenant = population.tenant(tenant_name)
        if tenant is None:
            return None
        alternatives = _alternatives(population, query.types)
        if query.types and not alternatives:
            return None
        alternatives = alternatives or ((ANY,),)
        walk = by_types(tenant, alternatives)
        most = sum(min(population.count(tenant, kind) for kind in each) for each in alternatives)
        plan = SqlitePlan(walk, most, most if len(alternatives) == 1 == len(alternatives[0]) else None)
        if query.ids:
            plan = SqlitePlan(by_ids(tenant, query.ids), len(query.ids))
        elif query.remaining(BY_TYPES) and most > FEW:
            plan = _fewest(connection, plan, list(self._narrower(tenant, query)), query, limit)
        if plan.path is walk:
            plan = replace(plan, remaining=query.remaining(BY_TYPES))
            return _with_filters(_without_hidden(plan, population, tenant, query), query)
        if query.remaining(plan.path.answers | BY_TYPES):
            # The document is read anyway, so its types are checked there: one page of the file is read, not two.
            plan = replace(plan, remaining=query.remaining(plan.path.answers))
            return _with_filters(replace(plan, filter="e.tenant = ?", filter_bindings=(tenant,)), query)
        where, bindings = of_types(tenant, alternatives)
        return _without_hidden(replace(plan, where=where, where_bindings=bindings), population, tenant, query)

    def _narrower(self, tenant: int, query: EntityQuery) -> Iterator[AccessPath]:
        """Yield the paths by other indexes than that of types."""
        for path in (by_place(query), by_prefix(tenant, query.id_pattern)):
            if path is not None:
                yield path
        by_q_alone = not query.remaining(BY_TYPES | {"q"})
        for term in terms_of(query, self.values.ready):
            yield by_term(tenant, term, self.values, distinct=by_q_alone and term.exact)


def _fewest(
    connection: apsw.Connection, plan: SqlitePlan, paths: list[AccessPath], query: EntityQuery, limit: int
) -> SqlitePlan:
    """Return the plan with fewest candidates; a single index that answers the query in order needs no count."""
    everything = plan.most
    for path in paths:
        if len(paths) == 1 and path.at_once and not query.remaining(path.answers | BY_TYPES):
            return SqlitePlan(path, everything, spared=everything)
        bound = min(plan.most, limit)
        found = number_of(connection, f"SELECT count(*) FROM ({path.rows} LIMIT {bound + 1})", path.bindings)
        if found <= bound:
            plan = SqlitePlan(path, found, spared=everything - found if path.attributes else 0)
    return plan


def _alternatives(population: Population, types: tuple[tuple[str, ...], ...]) -> Alternatives:
    """Return the types as numbers, without alternatives with a type that no entity ever had."""
    numbered = (tuple(population.type(name) for name in each) for each in types)
    return tuple(tuple(n for n in each if n is not None) for each in numbered if None not in each)


def _without_hidden(plan: SqlitePlan, population: Population, tenant: int, query: EntityQuery) -> SqlitePlan:
    """Return the plan without candidates of hidden types."""
    hidden = [kind for kind in _numbers(population, query.hidden) if population.count(tenant, kind)]
    if not hidden:
        return plan
    conditions = [plan.where] * bool(plan.where) + [f"NOT {HAS_TYPE}"] * len(hidden)
    bindings = (*plan.where_bindings, *(value for kind in hidden for value in (tenant, kind)))
    return replace(plan, where=" AND ".join(conditions), where_bindings=bindings, total=None)


def _with_filters(plan: SqlitePlan, query: EntityQuery) -> SqlitePlan:
    """Return the plan without documents that name none of the requested attributes, or cannot match `q`."""
    if query.attrs:
        names = tuple(attribute_bytes(name) for name in query.attrs)
        plan = _with_filter(plan, "(" + " OR ".join(NAMED for _ in names) + ")", names)
    found = (
        filter_of(query.q, plan.path.attributes) if query.q is not None and "q" in plan.remaining else None
    )
    return plan if found is None else replace(_with_filter(plan, *found), filters_q=True)


def _with_filter(plan: SqlitePlan, condition: str, bindings: Bindings) -> SqlitePlan:
    conditions = [plan.filter] * bool(plan.filter) + [condition]
    return replace(plan, filter=" AND ".join(conditions), filter_bindings=(*plan.filter_bindings, *bindings))


def _numbers(population: Population, names: Iterable[str]) -> list[int]:
    return [number for number in map(population.type, names) if number is not None]
