"""`copy`, as its user calls it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from cli.conftest import run
from rhinecloud.app.sections import read_city
from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Edit, Put


async def fill(data: Path) -> None:
    store = make_store(StoreSettings(), data)
    await store.open()
    entities = [Entity(id=f"urn:x:{number}", type=["urn:T"]) for number in range(30)]
    await store.write([Edit("", it.id, lambda _, it=it: Put(it), "2026-03-01T10:00:00Z") for it in entities])
    await store.close()


async def count(settings: StoreSettings, data: Path) -> int:
    store = make_store(settings, data)
    await store.open()
    try:
        return await store.count("")
    finally:
        await store.close()


def test_a_city_moves_to_postgresql_and_back(city: Path, postgres_url: str) -> None:
    data = read_city(city).data
    asyncio.run(fill(data))
    done = run("copy", "sqlite:city.db", postgres_url, "--json", city=city)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["entities"], report["changes"], report["records"], report["last_change"]) == (
        30,
        30,
        0,
        30,
    )
    assert len(report["sha256"]) == 64
    assert asyncio.run(count(StoreSettings(url=postgres_url), data)) == 30
    assert run("copy", "sqlite:city.db", postgres_url, city=city).returncode == 6
    back = run("copy", postgres_url, "sqlite:back.db", city=city)
    assert back.returncode == 0, back.stderr
    assert report["sha256"] in back.stdout.decode()
    assert asyncio.run(count(StoreSettings(url="sqlite:back.db"), data)) == 30


def test_a_copy_says_what_hinders_it(city: Path) -> None:
    assert run("copy", "sqlite:city.db", "sqlite:city.db", city=city).returncode == 3
    assert run("copy", "sqlite:city.db", "mysql://x", city=city).returncode == 3
    done = run("copy", "sqlite:city.db", "postgresql://me:secret@127.0.0.1:1/none", city=city)
    assert done.returncode == 4
    assert b"secret" not in done.stdout + done.stderr
