"""A city of an older version is brought up to date when it is started, by one process, before anybody is answered."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import aiohttp
import pytest

from app.conftest import write_city
from app.test_city import bearer
from app.test_members import member, nats
from rhinecloud import __version__
from rhinecloud.app.checks import check_city
from rhinecloud.app.city import RunningCity
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.sections import read_city
from rhinecloud.kernel.time import utc_now
from rhinecloud.loader import Packs
from rhinecloud.ngsild.change import decode_change
from rhinecloud.store.engine import StoreSettings, make_leadership, make_store, make_transferable_store
from rhinecloud.store.migrations import DataTooNew, DataTooOld
from rhinecloud.store.port import Record
from rhinecloud.store.transfer import move, prove

FIXTURE = Path(__file__).parents[1] / "incidents" / "fixtures" / "city-0.1.0.db.gz"


def old_city(folder: Path) -> Path:
    """Write a city whose store is of 0.1.0."""
    write_city(folder)
    data = read_city(folder).data
    data.mkdir(parents=True)
    (data / "city.db").write_bytes(gzip.decompress(FIXTURE.read_bytes()))
    return folder


async def fill_database(folder: Path, url: str) -> None:
    """Copy the store of 0.1.0 into a database."""
    (folder / "city.db").write_bytes(gzip.decompress(FIXTURE.read_bytes()))
    source = make_transferable_store(StoreSettings(url="sqlite:city.db"), folder)
    target = make_transferable_store(StoreSettings(url=url), folder)
    await source.open()
    await target.open()
    await move(source, target)
    await prove(source, target)
    await source.close()
    await target.close()


def checked(folder: Path) -> list[str]:
    """Return what a check says of the data."""
    return [each.problem or each.what for each in check_city(folder, Packs()) if each.part == "data"]


async def test_an_old_city_is_migrated_when_it_starts_and_says_so(tmp_path: Path) -> None:
    folder = old_city(tmp_path / "city")
    assert checked(folder) == ["incidents: version 0, migrated to version 1 at the next start"]
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    try:
        async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http:
            async with http.get("/api/v1/tasks?status=pending&limit=1000") as answer:
                tasks = (await answer.json())["items"]
            async with http.get("/api/v1/status") as answer:
                status = await answer.json()
        assert "Close the road" in {task["title"] for task in tasks}
        assert status["data"] == {"incidents": 1}
        assert checked(folder) == ["incidents: version 1"]
    finally:
        await city.stop()


async def test_a_check_says_nothing_of_the_data_of_a_fresh_city(folder: Path) -> None:
    assert checked(folder) == []


async def test_a_check_reads_the_version_in_a_database(tmp_path: Path, postgres_url: str) -> None:
    await fill_database(tmp_path, postgres_url)
    folder = write_city(tmp_path / "city", f'\n[store]\nurl = "{postgres_url}"\n')
    assert checked(folder) == ["incidents: version 0, migrated to version 1 at the next start"]


async def test_data_of_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    folder = old_city(tmp_path / "city")
    foundation = Foundation(read_city(folder), utc_now, Packs())
    await foundation.open()
    newer = b'{"number":7,"software":"9.9.0"}'
    await foundation.store.put_records([Record("migration", "", "incidents", newer)])
    await foundation.close()
    with pytest.raises(DataTooNew, match=rf"written by Rhine Cloud 9.9.0; this is Rhine Cloud {__version__}"):
        await RunningCity(read_city(folder), packs=Packs()).start()
    (problem,) = checked(folder)
    assert "install 9.9.0, or restore a backup" in problem


async def test_who_does_not_lead_does_not_migrate(tmp_path: Path) -> None:
    settings = read_city(old_city(tmp_path / "city"))
    with pytest.raises(DataTooOld, match="the process that leads the city"):
        await Foundation(settings, utc_now, Packs()).open(leads=False)
    reader = Foundation(settings, utc_now, Packs(), reads_only=True)
    with pytest.raises(DataTooOld):
        await reader.open_to_read()
    await reader.close()
    leader = Foundation(settings, utc_now, Packs())
    await leader.open()
    reader = Foundation(settings, utc_now, Packs(), reads_only=True)
    await reader.open_to_read()
    await reader.close()
    await leader.close()


async def test_of_two_members_that_start_at_once_one_migrates(tmp_path: Path, postgres_url: str) -> None:
    await fill_database(tmp_path, postgres_url)
    async with (
        nats(tmp_path / "nats") as stream,
        member(tmp_path / "one", postgres_url, stream) as one,
        member(tmp_path / "two", postgres_url, stream) as two,
    ):
        for each in (one, two):
            await each.until("GET", "/health/ready", 200)
            page = await each.until("GET", "/api/v1/tasks?status=pending&limit=1000", 200)
            assert "Close the road" in {task["title"] for task in page["items"]}
    store = make_store(StoreSettings(url=postgres_url), tmp_path)
    await store.open()
    changes = [decode_change(row.body) for row in await store.changes(0, 10_000, max_bytes=1 << 40)]
    await store.close()
    migrated = [each.entity.id for each in changes if each.actor == "part:migration"]
    assert migrated
    assert len(migrated) == len(set(migrated))


async def test_a_member_that_follows_waits_until_the_data_is_migrated(
    tmp_path: Path, postgres_url: str
) -> None:
    await fill_database(tmp_path, postgres_url)
    leadership = make_leadership(StoreSettings(url=postgres_url))
    assert leadership is not None
    await leadership.open()
    assert leadership.leads
    async with (
        nats(tmp_path / "nats") as stream,
        member(tmp_path / "one", postgres_url, stream, stdout=asyncio.subprocess.PIPE) as one,
    ):
        assert one.process.stdout is not None
        async with asyncio.timeout(60):
            assert b"the process that leads the city" in await one.process.stdout.readline()
        await leadership.close()
        await one.until("GET", "/health/ready", 200)
        page = await one.until("GET", "/api/v1/tasks?limit=1", 200)
        assert page["total"] == 62
