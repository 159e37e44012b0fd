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
from rhinecloud.store.port import Store

KILLS = 12
LEVEL = "https://example.org/level"
WRITER = Path(__file__).with_name("store_writer.py")


def write_until_killed(folder: Path, url: str, seconds: float) -> list[tuple[int, str, int]]:
    """Return what the writer said was acknowledged before it was killed: sequence number, entity, level."""
    child = subprocess.Popen([sys.executable, WRITER, folder, url, "12"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    text = first + child.stdout.read()
    child.wait()
    child.stdout.close()
    lines = [line.split() for line in text.decode().splitlines(keepends=True) if line.endswith("\n")]
    return [(int(seq), name, int(level)) for seq, name, level in lines]


class Log:
    """What the change log says, read bit by bit: no number is missing, each level stands once."""

    def __init__(self) -> None:
        self.seen = 0
        self.levels: dict[str, int] = {}

    async def follow(self, store: Store) -> None:
        for row in await store.changes(self.seen, 10_000_000, max_bytes=1 << 40):
            change = decode_change(row.body)
            assert change.seq == row.seq == self.seen + 1
            level = change.entity.attrs[LEVEL][0].value
            assert level == self.levels.get(change.entity.id, 0) + 1
            self.seen, self.levels[change.entity.id] = row.seq, level


@pytest.mark.fault
@pytest.mark.slow
async def test_every_acknowledged_write_outlives_a_dozen_kills(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    chance, log = random.Random(20), Log()
    acknowledged: dict[str, tuple[int, int]] = {}
    for _ in range(KILLS):
        for seq, name, level in write_until_killed(tmp_path, either_store.url, chance.uniform(0.0, 0.25)):
            acknowledged[name] = max(acknowledged.get(name, (0, 0)), (seq, level))
        store = make_store(either_store, tmp_path)
        await store.open()
        while True:  # a server may still finish what a process that is dead by now asked for
            await log.follow(store)
            stored = await store.get_many("", list(acknowledged))
            if await store.newest() == log.seen:
                break
        for name, (seq, level) in acknowledged.items():
            assert stored[name].version >= seq
            assert stored[name].entity().attrs[LEVEL][0].value == log.levels[name] >= level
        assert (await store.query("", EntityQuery(count=True))).total == 12
        await store.close()
