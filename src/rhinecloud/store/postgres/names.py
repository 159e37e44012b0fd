"""The numbers of tenants, types and attributes: assigned once and never changed, so each process caches them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from rhinecloud.store.postgres.connection import Connection, DatabasePool

LONGEST = 2_000
"""Most bytes of a name or id: PostgreSQL's indexes allow little more."""


def fits(text: str) -> bool:
    """Return whether PostgreSQL can keep a text as a name: it takes neither NUL, nor half a character, nor a
    long one.
    """
    if text.isascii():
        return len(text) <= LONGEST and "\0" not in text
    try:
        return len(text.encode()) <= LONGEST and "\0" not in text
    except UnicodeEncodeError:
        return False


class NameTable:
    """The names of one table and their numbers, as far as this process knows them."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._numbers: dict[str, int] = {}

    def get(self, name: str) -> int | None:
        """Return the number of a known name, else None."""
        return self._numbers.get(name)

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Return those names that are not known."""
        return [name for name in names if name not in self._numbers]

    async def load(self, connection: Connection) -> None:
        """Read all names."""
        rows = await connection.fetch(f"SELECT name, id FROM {self._table}")
        self._numbers.update((name, number) for name, number in rows)

    async def enter(self, links: DatabasePool, names: set[str]) -> None:
        """Assign numbers to names that have none."""
        if unmet := self.unknown(names):
            await links.run(partial(self._enter, sorted(unmet)))

    async def _enter(self, names: list[str], connection: Connection) -> None:
        await connection.execute(
            f"INSERT INTO {self._table} (name) SELECT unnest($1::text[]) ORDER BY 1 ON CONFLICT DO NOTHING",
            names,
        )
        await self.look_up(connection, names)

    async def look_up(self, connection: Connection, names: list[str]) -> None:
        """Read the numbers of names; those without one stay unknown."""
        rows = await connection.fetch(
            f"SELECT name, id FROM {self._table} WHERE name = ANY($1::text[])", names
        )
        self._numbers.update((name, number) for name, number in rows)


class NameNumbers:
    """The numbers that stand for names in the tables."""

    def __init__(self) -> None:
        self.tenants = NameTable("tenant")
        self.types = NameTable("type")
        self.attributes = NameTable("attribute")

    async def load(self, connection: Connection) -> None:
        """Read all names."""
        for names in (self.tenants, self.types, self.attributes):
            await names.load(connection)

    async def enter(
        self, links: DatabasePool, tenants: set[str], types: set[str], attributes: set[str]
    ) -> None:
        """Assign numbers to names that have none, in their own transaction, which no other failure undoes."""
        await self.tenants.enter(links, tenants)
        await self.types.enter(links, types)
        await self.attributes.enter(links, attributes)
