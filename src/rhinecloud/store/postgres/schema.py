"""The tables and how they came to be: numbered SQL files beside this one, each applied once, in order.

All steps that are due run in one transaction under a lock, so that several processes may start at once.
"""

from __future__ import annotations

from importlib import resources

import asyncpg

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.store.postgres.connection import Connection

LOCK = 0x52_68_69_6E_65
"""The number of the advisory lock under which the schema changes."""
OLDEST_SERVER = 140_000


def steps() -> list[tuple[int, str]]:
    """List the numbers and texts of all steps in order."""
    folder = resources.files("rhinecloud.store.postgres") / "steps"
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".sql"))
    return [(int(name.partition("_")[0]), (folder / name).read_text(encoding="utf-8")) for name in names]


async def migrate(connection: Connection) -> None:
    """Bring the schema up to date. Raise Unavailable when it is a newer one, or when PostGIS cannot be had."""
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
        raise Unavailable(f"the database is encoded as {encoding}; make it with: createdb --encoding UTF8")
    if commits == "off":
        raise Unavailable("synchronous_commit is off: what was acknowledged could be lost")


async def _need_postgis(connection: Connection) -> None:
    """Create the extension where it is missing. Raise Unavailable naming the command where that is not allowed."""
    if await connection.fetchval("SELECT 1 FROM pg_extension WHERE extname = 'postgis'"):
        return
    try:
        async with connection.transaction():
            await connection.execute("CREATE EXTENSION postgis")
    except asyncpg.InsufficientPrivilegeError:
        database = await connection.fetchval("SELECT current_database()")
        raise Unavailable(
            "the database lacks PostGIS, and this user may not create it; let an administrator run:"
            f' psql -d {database} -c "CREATE EXTENSION postgis"'
        ) from None
    except asyncpg.PostgresError as error:
        raise Unavailable(
            f"PostGIS is not installed beside PostgreSQL (on Debian: apt install postgis): {error}"
        ) from None
