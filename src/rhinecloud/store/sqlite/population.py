"""The numbers that stand for tenants and types, and how many entities each has, kept in memory.

Each status page and each query with a total needs the counts, and counting a million index rows takes most of a second.
So each transaction stores the counts that it changes, and a start reads them.
"""

from __future__ import annotations

from collections.abc import Iterator

import apsw

ANY = 0
"""The type number under which every entity is counted and listed."""

Group = tuple[int, int]
"""Numbers of a tenant and a type."""


class Population:
    """Numbers and counts as of the last commit; a transaction adds names at once and its counts when it commits."""

    def __init__(self) -> None:
        self.generation = 0
        """Grows when any entity was created, deleted or changed its types."""
        self._tenants: dict[str, int] = {}
        self._types: dict[str, int] = {}
        self._counts: dict[Group, int] = {}
        self._new: list[tuple[dict[str, int], str]] = []

    def load(self, connection: apsw.Connection) -> None:
        """Read numbers and counts from the tables."""
        self._tenants = {name: number for number, name in connection.execute("SELECT id, name FROM tenant")}
        self._types = {name: number for number, name in connection.execute("SELECT id, name FROM type")}
        rows = connection.execute("SELECT tenant, type, count FROM population")
        self.generation += 1
        self._counts = {(tenant, kind): count for tenant, kind, count in rows}

    def tenant(self, name: str) -> int | None:
        """Return the number of a known tenant, else None."""
        return self._tenants.get(name)

    def type(self, name: str) -> int | None:
        """Return the number of a known type, else None."""
        return self._types.get(name)

    def tenants(self) -> list[str]:
        """Return the names of the tenants."""
        return sorted(self._tenants)

    def count(self, tenant: int | None, kind: int | None = ANY) -> int:
        """Count the entities of a tenant and a type."""
        return 0 if tenant is None or kind is None else self._counts.get((tenant, kind), 0)

    def types(self, tenant: int | None) -> Iterator[tuple[str, int]]:
        """Yield the types of a tenant with their counts."""
        for name, number in self._types.items():
            count = self.count(tenant, number)
            if count:
                yield name, count

    def enter_tenant(self, cursor: apsw.Cursor, name: str) -> int:
        """Return the number of a tenant, a new one if it has none."""
        number = self._tenants.get(name)
        return number or self._enter(cursor, "tenant", self._tenants, name)

    def enter_type(self, cursor: apsw.Cursor, name: str) -> int:
        """Return the number of a type, a new one if it has none."""
        number = self._types.get(name)
        return number or self._enter(cursor, "type", self._types, name)

    def write(self, cursor: apsw.Cursor, differences: dict[Group, int]) -> None:
        """Write the counts that a transaction has changed: the committed ones and the transaction's differences."""
        if differences:
            cursor.executemany(
                "INSERT OR REPLACE INTO population (tenant, type, count) VALUES (?, ?, ?)",
                [
                    (tenant, kind, self._counts.get((tenant, kind), 0) + difference)
                    for (tenant, kind), difference in differences.items()
                ],
            )

    def keep(self, differences: dict[Group, int]) -> None:
        """Keep the names and counts of a transaction that was committed."""
        self._new.clear()
        self.generation += bool(differences)
        for group, difference in differences.items():
            self._counts[group] = self._counts.get(group, 0) + difference

    def undo(self) -> None:
        """Forget the names of a transaction that was rolled back."""
        for numbers, name in self._new:
            del numbers[name]
        self._new.clear()

    def _enter(self, cursor: apsw.Cursor, table: str, numbers: dict[str, int], name: str) -> int:
        number = max(numbers.values(), default=0) + 1
        cursor.execute(f"INSERT INTO {table} (id, name) VALUES (?, ?)", (number, name))
        numbers[name] = number
        self._new.append((numbers, name))
        return number
