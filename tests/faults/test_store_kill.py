"""A store whose process is killed holds every write that it acknowledged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rhinecloud.ngsild.change import decode_change
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.store.engine import StoreSettings, make_store

LEVEL = "https://example.org/level"
WRITER = Path(__file__).with_name("store_writer.py")


def write_until_killed(folder: Path, seconds: float) -> list[tuple[int, str, int]]:
    """Give what the writer said was acknowledged before it was killed: sequence number, entity, level."""
    child = subprocess.Popen([sys.executable, WRITER, folder, "12"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    text = first + child.stdout.read()
    child.wait()
    child.stdout.close()
    lines = [line.split() for line in text.decode().splitlines(keepends=True) if line.endswith("\n")]
    return [(int(seq), name, int(level)) for seq, name, level in lines]


@pytest.mark.fault
@pytest.mark.slow
async def test_every_acknowledged_write_outlives_twenty_kills(tmp_path: Path) -> None:
    chance = random.Random(20)
    acknowledged: dict[str, tuple[int, int]] = {}
    logged: dict[str, int] = {}
    seen = 0
    for _ in range(20):
        for seq, name, level in write_until_killed(tmp_path, chance.uniform(0.0, 0.25)):
            acknowledged[name] = max(acknowledged.get(name, (0, 0)), (seq, level))
        store = make_store(StoreSettings(), tmp_path)
        await store.open()
        for row in await store.changes(seen, 10_000_000, max_bytes=1 << 40):
            change = decode_change(row.body)
            assert change.seq == row.seq == seen + 1
            level = change.entity.attrs[LEVEL][0].value
            assert level == logged.get(change.entity.id, 0) + 1
            seen, logged[change.entity.id] = row.seq, level
        assert seen == store.last_change()
        for name, (seq, level) in acknowledged.items():
            stored = await store.get("", name)
            assert stored is not None
            assert stored.version >= seq
            assert stored.entity().attrs[LEVEL][0].value == logged[name] >= level
        assert (await store.query("", EntityQuery(count=True))).total == 12
        await store.close()
