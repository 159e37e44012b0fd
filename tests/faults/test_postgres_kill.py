"""A PostgreSQL that is killed under load: what was acknowledged is there, nothing is there twice, all go on."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from postgres_server import Server, programs, running
from rhinecloud.ngsild.change import decode_change
from rhinecloud.store.engine import StoreSettings, make_store

LEVEL, TOKEN = "https://example.org/level", "https://example.org/token"
WRITER = Path(__file__).with_name("database_writer.py")
WRITERS, TASKS, ENTITIES, KILLS = 3, 6, 10, 4


@pytest.fixture
def server() -> Iterator[Server]:
    if programs() is None:
        pytest.skip("needs PostgreSQL and PostGIS (tests/prepare.sh)")
    with running(Server(durable=True)) as server:
        yield server


@pytest.mark.fault
@pytest.mark.slow
async def test_every_acknowledged_write_outlives_the_death_of_the_database(
    server: Server, tmp_path: Path
) -> None:
    url, chance = server.make_database(), random.Random(4)
    outputs = [(tmp_path / f"writer{number}").open("wb") for number in range(WRITERS)]
    children = [
        subprocess.Popen(
            [sys.executable, WRITER, url, f"w{number}", str(TASKS), str(ENTITIES)], stdout=output
        )
        for number, output in enumerate(outputs)
    ]
    async with asyncio.timeout(60):
        while not all(Path(output.name).stat().st_size for output in outputs):
            await asyncio.sleep(0.05)
    sizes = []
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(1.0, 2.0))
        server.kill()
        sizes.append(sum(Path(output.name).stat().st_size for output in outputs))
        await asyncio.sleep(chance.uniform(0.0, 1.0))
        await asyncio.to_thread(server.start)
    await asyncio.sleep(2.0)
    for child in children:
        child.send_signal(signal.SIGTERM)
    assert [child.wait(30) for child in children] == [0] * WRITERS
    for output in outputs:
        output.close()
    sizes.append(sum(Path(output.name).stat().st_size for output in outputs))
    assert all(one < two for one, two in pairwise(sizes)), "after each kill writing went on"
    lines = [line.split() for output in outputs for line in Path(output.name).read_text().splitlines()]
    await check(url, {token: (int(seq), name) for seq, name, token in lines})


async def check(url: str, acknowledged: dict[str, tuple[int, str]]) -> None:
    store = make_store(StoreSettings(url=url), Path())
    await store.open()
    logged: dict[str, tuple[int, str]] = {}
    levels: dict[str, int] = {}
    for number, row in enumerate(await store.changes(0, 10_000_000, max_bytes=1 << 40), 1):
        change = decode_change(row.body)
        assert change.seq == row.seq == number
        token, level = (change.entity.attrs[name][0].value for name in (TOKEN, LEVEL))
        assert token not in logged, "applied twice"
        assert level == levels.get(change.entity.id, 0) + 1
        logged[token], levels[change.entity.id] = (row.seq, change.entity.id), level
    assert {token: logged.get(token) for token in acknowledged} == acknowledged
    for name, level in levels.items():
        stored = await store.get("", name)
        assert stored is not None
        assert stored.entity().attrs[LEVEL][0].value == level
    assert await store.count("") == len(levels) == ENTITIES
    await store.close()
