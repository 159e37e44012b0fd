"""Several processes on one port: what is written through one is read through all, and nobody notices which."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from app.conftest import write_city
from conformance.attacked import ask
from conformance.programs import write_at_once

API = "/ngsi-ld/v1"
GAUGE = {"id": "urn:g:1", "type": "Gauge", "level": {"type": "Property", "value": 0}}


@dataclass
class Readers:
    """A running city with readers: its address, the header fields of an administrator's token, and its process."""

    url: str
    headers: dict[str, str]
    process: asyncio.subprocess.Process

    @property
    def pids(self) -> list[int]:
        found = []
        for each in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # one that has just ended
                if "rhinecloud.app.readers.reader" in each.cmdline():
                    found.append(each.pid)
        return found

    async def call(self, verb: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Ask on a connection of its own, so that any of the processes may be the one that answers."""
        more.setdefault("headers", self.headers)
        async with (
            aiohttp.ClientSession(self.url, connector=aiohttp.TCPConnector(force_close=True)) as client,
            client.request(verb, path, json=body, **more) as answer,
        ):
            text = await answer.text()
            return answer.status, json.loads(text) if text else None


def up(folder: Path, port: int) -> tuple[str, ...]:
    start = (sys.executable, "-m", "rhinecloud", "up", "--city", str(folder))
    return (*start, "--port", str(port), "--workers", "2")


@asynccontextmanager
async def running(folder: Path, port: int = 0) -> AsyncIterator[Readers]:
    write_city(folder)
    access = folder / "data" / "access.json"
    process = await asyncio.create_subprocess_exec(*up(folder, port), stdout=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(60):
            while not access.exists():
                assert process.returncode is None, "the city ended"
                await asyncio.sleep(0.05)
        found = json.loads(access.read_text(encoding="utf-8"))
        city = Readers(found["url"], {"Authorization": f"Bearer {found['token']}"}, process)
        status, token = await city.call("POST", "/api/v1/tokens", {"name": "tests", "roles": ["admin"]})
        assert status == 201, token
        city.headers = {"Authorization": f"Bearer {token['secret']}"}
        yield city
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            await asyncio.wait_for(process.wait(), 60)


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[Readers]:
    async with running(tmp_path / "city") as readers:
        yield readers


async def test_a_reader_says_that_it_is_alive_as_the_city_does(city: Readers) -> None:
    assert await city.call("GET", "/health/live", headers={}) == (200, {"live": True})


async def test_what_was_written_is_read_at_once_through_every_process(city: Readers) -> None:
    assert (await city.call("POST", f"{API}/entities", GAUGE))[0] == 201
    for level in range(1, 40):
        status, _ = await city.call("PATCH", f"{API}/entities/urn:g:1/attrs/level", {"value": level})
        assert status == 204
        one, many = await asyncio.gather(
            city.call("GET", f"{API}/entities/urn:g:1?options=keyValues"),
            city.call("GET", f"{API}/entities?type=Gauge&options=keyValues&count=true"),
        )
        assert one == (200, {"id": "urn:g:1", "type": "Gauge", "level": level})
        assert many == (200, [{"id": "urn:g:1", "type": "Gauge", "level": level}])


async def test_a_refusal_is_recorded_once_whichever_process_answers(city: Readers) -> None:
    """A reader passes on the reads that it refuses, and the city answers and records them."""
    status, agency = await city.call("POST", "/api/v1/tokens", {"name": "app", "roles": ["device"]})
    assert status == 201
    device = {"Authorization": f"Bearer {agency['secret']}"}
    await city.call("POST", f"{API}/entities", GAUGE)
    for _ in range(12):
        assert (await city.call("GET", f"{API}/entities/urn:g:1", headers=device))[0] == 403
    async with asyncio.timeout(90):  # those after the first are counted for a minute
        while True:
            _, page = await city.call("GET", "/api/v1/audit?action=read")
            if sum(each["count"] for each in page["entries"]) >= 12:
                break
            await asyncio.sleep(1)
    assert sum(each["count"] for each in page["entries"]) == 12


async def test_what_was_revoked_or_reloaded_counts_at_once_at_every_process(city: Readers) -> None:
    await city.call("POST", f"{API}/entities", GAUGE)
    for number in range(8):
        name = {"name": f"guest{number}", "roles": ["reader"]}
        _, token = await city.call("POST", "/api/v1/tokens", name)
        guest = {"Authorization": f"Bearer {token['secret']}"}
        for _ in range(4):
            assert (await city.call("GET", f"{API}/entities/urn:g:1", headers=guest))[0] == 200
        await asyncio.sleep(0.2)  # each of them knows the token by now
        assert (await city.call("DELETE", f"/api/v1/tokens/guest{number}"))[0] in (200, 204)
        refused = [await city.call("GET", f"{API}/entities/urn:g:1", headers=guest) for _ in range(6)]
        assert [status for status, _ in refused] == [401] * 6


async def test_writers_at_every_process_lose_nothing(city: Readers) -> None:
    """Each of their requests is on a connection of its own, so that any process takes it."""
    await asyncio.to_thread(write_at_once, [partial(ask, city.url, headers=city.headers)], 6, 40, seed=1)


async def test_readers_answer_by_themselves_even_while_the_city_stands_still(city: Readers) -> None:
    await city.call("POST", f"{API}/entities", GAUGE)
    await asyncio.sleep(0.5)  # the readers have heard of the token
    city.process.send_signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(60):
            answers = [await city.call("GET", f"{API}/entities/urn:g:1") for _ in range(8)]
    finally:
        city.process.send_signal(signal.SIGCONT)
    assert [status for status, _ in answers] == [200] * 8


async def test_refusals_people_s_pages_and_errors_are_the_city_s_own(city: Readers) -> None:
    assert (await city.call("GET", f"{API}/entities/urn:g:none"))[0] == 404
    assert (await city.call("GET", f"{API}/entities?q=%3D%3D"))[0] == 400
    assert (await city.call("GET", f"{API}/entities?type=Gauge", headers={}))[0] == 401
    status, shown = await city.call("GET", "/api/v1/city")
    assert (status, shown["name"]) == (200, "Testingen")
    large = [{"id": f"urn:g:{number}", "type": "Gauge", "level": number} for number in range(1_000)]
    assert (await city.call("POST", f"{API}/entityOperations/upsert", large))[0] == 201
    assert len((await city.call("GET", f"{API}/entities?type=Gauge&limit=1000"))[1]) == 1_000


async def test_a_token_that_was_revoked_opens_nothing_any_more(city: Readers) -> None:
    await city.call("POST", f"{API}/entities", GAUGE)
    _, token = await city.call("POST", "/api/v1/tokens", {"name": "short", "roles": ["reader"]})
    theirs = {"Authorization": f"Bearer {token['secret']}"}
    assert [(await city.call("GET", f"{API}/entities/urn:g:1", headers=theirs))[0] for _ in range(4)] == [
        200
    ] * 4
    assert (await city.call("DELETE", "/api/v1/tokens/short"))[0] == 204
    await asyncio.sleep(0.5)
    assert [(await city.call("GET", f"{API}/entities/urn:g:1", headers=theirs))[0] for _ in range(4)] == [
        401
    ] * 4


async def test_the_live_feed_reaches_a_browser_through_a_reader(city: Readers) -> None:
    async with (
        aiohttp.ClientSession(city.url, headers=city.headers) as client,
        client.ws_connect("/live") as live,
    ):
        await live.send_json({"type": "subscribe", "types": ["Gauge"], "bbox": None, "after": None})
        await city.call("POST", f"{API}/entities", GAUGE)
        async with asyncio.timeout(60):
            while (message := await live.receive_json())["type"] != "changes":
                pass
    assert [each["id"] for each in message["changes"]] == ["urn:g:1"]


async def test_a_reader_that_was_killed_comes_back(city: Readers) -> None:
    await city.call("POST", f"{API}/entities", GAUGE)
    before = city.pids
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    async with asyncio.timeout(60):
        while len(now := city.pids) < 2 or before[0] in now:
            await asyncio.sleep(0.1)
    assert [(await city.call("GET", f"{API}/entities/urn:g:1"))[0] for _ in range(4)] == [200] * 4


async def test_readers_end_with_the_city_however_it_ends(city: Readers) -> None:
    readers = city.pids
    city.process.kill()
    await city.process.wait()
    async with asyncio.timeout(60):
        while any(map(psutil.pid_exists, readers)):
            await asyncio.sleep(0.05)


async def test_a_service_manager_that_signals_all_processes_ends_them_in_order(city: Readers) -> None:
    readers = city.pids
    for pid in (*readers, city.process.pid):
        os.kill(pid, signal.SIGTERM)
    assert await asyncio.wait_for(city.process.wait(), 60) == 0
    assert not any(map(psutil.pid_exists, readers))


async def test_a_browser_is_told_that_the_city_comes_back(city: Readers) -> None:
    async with (
        aiohttp.ClientSession(city.url, headers=city.headers) as client,
        client.ws_connect("/live") as live,
    ):
        await live.send_json({"type": "subscribe", "types": ["Gauge"], "bbox": None, "after": None})
        await live.receive_json()
        city.process.terminate()
        async with asyncio.timeout(60):
            while (message := await live.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        assert message.data == 1012


async def test_two_cities_do_not_share_a_port(city: Readers, tmp_path: Path) -> None:
    port = int(city.url.rpartition(":")[2])
    other = write_city(tmp_path / "other")
    process = await asyncio.create_subprocess_exec(
        *up(other, port), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode != 0
    assert b"cannot listen" in said


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
async def test_readers_speak_https_for_the_city(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    more = '\n[identity]\naccess = "open"\n'
    write_city(folder, more)
    toml = (folder / "city.toml").read_text(encoding="utf-8")
    tls = '[server]\ntls_certificate = "cert.pem"\ntls_key = "key.pem"\n'
    (folder / "city.toml").write_text(toml.replace("[server]\n", tls), encoding="utf-8")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    trust = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    process = await asyncio.create_subprocess_exec(*up(folder, 0), stdout=asyncio.subprocess.DEVNULL)
    try:
        access = folder / "data" / "access.json"
        async with asyncio.timeout(60):
            while not access.exists():
                assert process.returncode is None, "the city ended"
                await asyncio.sleep(0.05)
        url = json.loads(access.read_text(encoding="utf-8"))["url"]
        connector = aiohttp.TCPConnector(ssl=trust, force_close=True)
        async with aiohttp.ClientSession(url, connector=connector) as client:
            assert url.startswith("https://")
            assert (await client.post(f"{API}/entities", json=GAUGE)).status == 201
            assert (await client.get(f"{API}/entities/urn:g:1")).status == 200
            assert (await client.get("/api/v1/city")).status == 200
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 60)
