"""Small disks for each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.disk import Disk, mounted
from postgres_server import Server
from rhinecloud.store.engine import StoreSettings


@pytest.fixture(params=["sqlite", "postgresql"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """A disk on which the state of each engine in turn lies: SQLite's file; PostgreSQL's tables, but not its log."""
    if request.param == "sqlite":
        (tmp_path / "disk").mkdir()
        with mounted(tmp_path / "disk", 8) as folder:
            yield Disk(folder, StoreSettings(url=f"sqlite:{folder}/city.db"))
        return
    server: Server = request.getfixturevalue("postgres")
    with mounted(server.make_folder(f"disk{tmp_path.name}"), 48) as folder:
        space = f"space_{tmp_path.name}"
        server.give(folder)
        server.sql(f"CREATE TABLESPACE {space} LOCATION '{folder}'", "postgres")
        url = server.make_database(space)
        server.sql("CHECKPOINT", "postgres")  # what was just copied takes its room when it is flushed
        yield Disk(folder, StoreSettings(url=url))
        server.drop_database(url)
        server.sql(f"DROP TABLESPACE {space}", "postgres")
