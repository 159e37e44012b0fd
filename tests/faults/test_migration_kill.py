"""A migration whose process is killed goes on at the next start: nothing is lost, nothing is done twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rhinecloud.ngsild.change import decode_change
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.migrations import DataVersion, data_versions
from rhinecloud.store.port import Store
from store.old_data import BOOK, SHELF, fill

SHELVES = 400
BOOKS = 600
MIGRATOR = Path(__file__).with_name("migrating_store.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def migrate_until_killed(folder: Path, url: str, lines: int) -> bool:
    """Kill the process after it looked at so many entities; return whether it had ended before."""
    child = subprocess.Popen([sys.executable, MIGRATOR, folder, url], stdout=subprocess.PIPE, env=ENVIRONMENT)
    assert child.stdout is not None
    for _ in range(lines):
        if not child.stdout.readline():
            break
    else:
        child.send_signal(signal.SIGKILL)
    child.stdout.close()
    code = child.wait()
    assert code in (0, -signal.SIGKILL)
    return code == 0


@pytest.mark.fault
@pytest.mark.slow
async def test_a_migration_outlives_every_kill(tmp_path: Path, either_store: StoreSettings) -> None:
    chance, kills = random.Random(8), 0
    store = make_store(either_store, tmp_path)
    await store.open()
    await fill(store, SHELVES)
    await store.close()
    while not migrate_until_killed(tmp_path, either_store.url, chance.randint(20, 120)):
        kills += 1
    assert kills >= 3
    store = make_store(either_store, tmp_path)
    await store.open()
    assert await data_versions(store) == {"library": DataVersion(2, "0.2.0")}
    assert (await counted(store, SHELF), await counted(store, BOOK)) == (300, BOOKS)
    rows = await store.changes(SHELVES, 10_000, max_bytes=1 << 40)
    changed = [decode_change(row.body) for row in rows]
    # each shelf once for its books, each book once, each empty shelf once more when it goes
    assert len(changed) == SHELVES + BOOKS + 100
    assert len({(each.entity.id, each.kind) for each in changed}) == len(changed)
    await store.close()


async def counted(store: Store, kind: str) -> int:
    return (await store.query("", EntityQuery(types=((kind,),), count=True, limit=1))).total or 0
