"""The numbers of tenants, types and attributes: entered once, never changed, so each process keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from rhinecloud.store.postgres.connection import Connection, DatabasePool

LONGEST = 2_000
"""So many bytes a name or id may have: PostgreSQL's indexes take little more."""


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
    """The names of one table and their numbers, as far as this process has met them."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._numbers: dict[str, int] = {}

    def get(self, name: str) -> int | None:
        """Return the number of a name that was met."""
        return self._numbers.get(name)

    def unmet(self, names: Iterable[str]) -> list[str]:
        """List those that were not met."""
        return [name for name in names if name not in self._numbers]

    async def load(self, connection: Connection) -> None:
        """Meet all."""
        rows = await connection.fetch(f"SELECT name, id FROM {self._table}")
        self._numbers.update((name, number) for name, number in rows)

    async def enter(self, links: DatabasePool, names: set[str]) -> None:
        """Return numbers to names that have none."""
        if unmet := self.unmet(names):
            await links.ask(partial(self._enter, sorted(unmet)))

    async def _enter(self, names: list[str], connection: Connection) -> None:
        await connection.execute(
            f"INSERT INTO {self._table} (name) SELECT unnest($1::text[]) ORDER BY 1 ON CONFLICT DO NOTHING",
            names,
        )
        await self.meet(connection, names)

    async def meet(self, connection: Connection, names: list[str]) -> None:
        """Look up the numbers of names; those without one stay unmet."""
        rows = await connection.fetch(
            f"SELECT name, id FROM {self._table} WHERE name = ANY($1::text[])", names
        )
        self._numbers.update((name, number) for name, number in rows)


class NameNumbers:
    """The numbers by which names are written."""

    def __init__(self) -> None:
        self.tenants = NameTable("tenant")
        self.types = NameTable("type")
        self.attributes = NameTable("attribute")

    async def load(self, connection: Connection) -> None:
        """Meet all names."""
        for names in (self.tenants, self.types, self.attributes):
            await names.load(connection)

    async def enter(
        self, links: DatabasePool, tenants: set[str], types: set[str], attributes: set[str]
    ) -> None:
        """Return numbers to names that have none, in a transaction of its own: another's failure cannot undo it."""
        await self.tenants.enter(links, tenants)
        await self.types.enter(links, types)
        await self.attributes.enter(links, attributes)
