"""Which index answers a query: the one that leaves fewest candidates, as far as it pays to count them.

What no index holds is left to `ngsild.query.matches`.
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
from rhinecloud.store.sqlite.population import ANY, Population
from rhinecloud.store.sqlite.schema import number_of
from rhinecloud.store.sqlite.values import SqliteAttributeIndexes
from rhinecloud.store.terms import terms_of

FEW = 200
"""So many documents are looked through where the query is asked; more go to a thread."""

BY_TYPES = frozenset({"types", "hidden"})
"""The conditions that the index of types answers."""

LOOK = 1_000
"""So many candidates of an index are counted where the query is asked, in a tenth of a millisecond."""

LOOK_LONG = 30_000
"""So many in a thread: sorting more candidates takes longer than meeting a page of them on the way through all."""


class SqlitePlan(msgspec.Struct, frozen=True, gc=False):
    """A way to the candidates, how many they are at `most`, and what decides about them before they are decoded."""

    way: AccessPath
    most: int
    total: int | None = None
    """How many match, where that is known without counting."""
    where: str = ""
    """A condition on the candidate `c`, looked at in order, so that no more are looked at than a page needs."""
    where_bindings: Bindings = ()
    filter: str = ""
    """A condition on the document `e`, true for all that match and quicker than decoding it."""
    filter_bindings: Bindings = ()
    spared: int = 0
    """So many documents need not be looked into, because attributes have indexes."""
    remaining: frozenset[str] = frozenset()
    """The conditions of the query that are to be checked for each candidate."""

    @property
    def exact(self) -> bool:
        """Whether every candidate matches."""
        return not self.remaining

    @property
    def rows(self) -> str:
        """The rows of the candidates in no order."""
        return f"SELECT row FROM ({self.way.rows}) AS c WHERE {self.where}" if self.where else self.way.rows

    @property
    def page(self) -> str:
        """The rows in order of creation, with `LIMIT ? OFFSET ?`.

        A limit matters even where it is none (-1): SQLite leaves out the order of a joined subquery without one.
        """
        if self.where:
            ordered = f"{self.way.rows} ORDER BY row LIMIT -1"
            return f"SELECT row FROM ({ordered}) AS c WHERE {self.where} LIMIT ? OFFSET ?"
        return self.way.page

    @property
    def bindings(self) -> Bindings:
        """What the rows are bound to."""
        return self.way.bindings + self.where_bindings


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans queries with what is known of the population and of the attribute indexes."""

    census: Population
    values: SqliteAttributeIndexes

    def plan(
        self, connection: apsw.Connection, tenant_name: str, query: EntityQuery, look: int = LOOK
    ) -> SqlitePlan | None:
        """Choose the index that leaves fewest candidates, counting up to `look`; None when nothing can match."""
        census = self.census
        tenant = census.tenant(tenant_name)
        if tenant is None:
            return None
        alternatives = _alternatives(census, query.types)
        if query.types and not alternatives:
            return None
        alternatives = alternatives or ((ANY,),)
        walk = by_types(tenant, alternatives)
        most = sum(min(census.count(tenant, kind) for kind in each) for each in alternatives)
        plan = SqlitePlan(walk, most, most if len(alternatives) == 1 == len(alternatives[0]) else None)
        if query.ids:
            plan = SqlitePlan(by_ids(tenant, query.ids), len(query.ids))
        elif query.remaining(BY_TYPES) and most > FEW:
            plan = _fewest(connection, plan, list(self._narrower(tenant, query)), query, look)
        if plan.way is walk:
            plan = replace(plan, remaining=query.remaining(BY_TYPES))
            return _with_attributes(_without_hidden(plan, census, tenant, query), query)
        if query.remaining(plan.way.answers | BY_TYPES):
            # The document is looked into anyway, so its types are checked there: one page of the file is read, not two.
            plan = replace(plan, remaining=query.remaining(plan.way.answers))
            return _with_attributes(replace(plan, filter="e.tenant = ?", filter_bindings=(tenant,)), query)
        where, bindings = of_types(tenant, alternatives)
        return _without_hidden(replace(plan, where=where, where_bindings=bindings), census, tenant, query)

    def _narrower(self, tenant: int, query: EntityQuery) -> Iterator[AccessPath]:
        """Return the ways by other indexes than that of types."""
        for way in (by_place(query), by_prefix(tenant, query.id_pattern)):
            if way is not None:
                yield way
        by_q_alone = not query.remaining(BY_TYPES | {"q"})
        for term in terms_of(query, self.values.ready):
            yield by_term(tenant, term, self.values, distinct=by_q_alone and term.exact)


def _fewest(
    connection: apsw.Connection, plan: SqlitePlan, ways: list[AccessPath], query: EntityQuery, look: int
) -> SqlitePlan:
    """Return the plan with fewest candidates; a single index that answers the query in order needs no count."""
    everything = plan.most
    for way in ways:
        if len(ways) == 1 and way.at_once and not query.remaining(way.answers | BY_TYPES):
            return SqlitePlan(way, everything, spared=everything)
        bound = min(plan.most, look)
        found = number_of(connection, f"SELECT count(*) FROM ({way.rows} LIMIT {bound + 1})", way.bindings)
        if found <= bound:
            plan = SqlitePlan(way, found, spared=everything - found if way.attributes else 0)
    return plan


def _alternatives(census: Population, types: tuple[tuple[str, ...], ...]) -> Alternatives:
    """Number the types; an alternative that names a type which no entity ever had falls away."""
    numbered = (tuple(census.type(name) for name in each) for each in types)
    return tuple(tuple(n for n in each if n is not None) for each in numbered if None not in each)


def _without_hidden(plan: SqlitePlan, census: Population, tenant: int, query: EntityQuery) -> SqlitePlan:
    """Leave out candidates of hidden types."""
    hidden = [kind for kind in _numbers(census, query.hidden) if census.count(tenant, kind)]
    if not hidden:
        return plan
    conditions = [plan.where] * bool(plan.where) + [f"NOT {HAS_TYPE}"] * len(hidden)
    bindings = (*plan.where_bindings, *(value for kind in hidden for value in (tenant, kind)))
    return replace(plan, where=" AND ".join(conditions), where_bindings=bindings, total=None)


def _with_attributes(plan: SqlitePlan, query: EntityQuery) -> SqlitePlan:
    """Leave out documents that name none of the attributes asked for."""
    if not query.attrs:
        return plan
    names = tuple(attribute_bytes(name) for name in query.attrs)
    condition = "(" + " OR ".join("instr(e.body, ?)" for _ in names) + ")"
    conditions = [plan.filter] * bool(plan.filter) + [condition]
    return replace(plan, filter=" AND ".join(conditions), filter_bindings=(*plan.filter_bindings, *names))


def _numbers(census: Population, names: Iterable[str]) -> list[int]:
    return [number for number in map(census.type, names) if number is not None]
