"""The tables and their migrations: numbered SQL files in `steps`, each applied once, in order.

All steps run in one transaction under a lock, so that several processes may start at once.
"""

from __future__ import annotations

from importlib import resources

import asyncpg

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.store.postgres.connection import Connection

LOCK = 0x52_68_69_6E_65
"""The number of the advisory lock for changes of the schema."""
OLDEST_SERVER = 140_000


def steps() -> list[tuple[int, str]]:
    """Return the numbers and texts of all steps in order."""
    folder = resources.files("rhinecloud.store.postgres") / "steps"
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".sql"))
    return [(int(name.partition("_")[0]), (folder / name).read_text(encoding="utf-8")) for name in names]


async def migrate(connection: Connection) -> None:
    """Bring the schema up to date. Raise Unavailable if it is a newer one, or without PostGIS."""
    known = steps()
    await _check_server(connection)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await _need_postgis(connection)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_step"
            " (number integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())"
        )
        present = await connection.fetchval("SELECT coalesce(max(number), 0) FROM schema_step")
        if present > known[-1][0]:
            raise Unavailable(
                f"the database has schema {present}, this Rhine Cloud knows {known[-1][0]}: it is too old"
            )
        for number, text in known:
            if number > present:
                await connection.execute(text)
                await connection.execute("INSERT INTO schema_step (number) VALUES ($1)", number)


async def _check_server(connection: Connection) -> None:
    version, encoding, commits = await connection.fetchrow(
        "SELECT current_setting('server_version_num')::integer, current_setting('server_encoding'),"
        " current_setting('synchronous_commit')"
    )
    if version < OLDEST_SERVER:
        oldest = OLDEST_SERVER // 10_000
        raise Unavailable(f"PostgreSQL {version // 10_000} is too old: {oldest} is the oldest that works")
    if encoding != "UTF8":
        raise Unavailable(
            f"the database must have the encoding UTF8, not {encoding}: createdb --encoding UTF8"
        )
    if commits == "off":
        raise Unavailable("synchronous_commit must not be off: acknowledged writes could be lost")


async def _need_postgis(connection: Connection) -> None:
    """Create the extension if it is missing. Raise Unavailable with the command if that is not allowed."""
    if await connection.fetchval("SELECT 1 FROM pg_extension WHERE extname = 'postgis'"):
        return
    try:
        async with connection.transaction():
            await connection.execute("CREATE EXTENSION postgis")
    except asyncpg.InsufficientPrivilegeError:
        database = await connection.fetchval("SELECT current_database()")
        raise Unavailable(
            "the database needs PostGIS, which this user may not create; an administrator must run:"
            f' psql -d {database} -c "CREATE EXTENSION postgis"'
        ) from None
    except asyncpg.PostgresError as error:
        raise Unavailable(
            f"PostGIS is not installed for PostgreSQL (on Debian: apt install postgis): {error}"
        ) from None
