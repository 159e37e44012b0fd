"""The whole city: starts with no pack, answers at every door, keeps what it acknowledged, ends in order."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.conftest import write_city
from rhinecloud.app.city import RunningCity
from rhinecloud.app.folder import InUse, find_access, is_held
from rhinecloud.app.sections import read_city
from rhinecloud.loader import Packs

GAUGE = {
    "id": "urn:ngsi-ld:Gauge:1",
    "type": "Gauge",
    "level": {"type": "Property", "value": 4.2, "observedAt": "2026-03-01T12:00:00Z"},
}


def bearer(city: RunningCity) -> dict[str, str]:
    access = find_access(city.settings.data)
    assert access is not None
    return {"Authorization": f"Bearer {access.token}"}


async def eventually(ask: Any, wanted: Any, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        found = await ask()
        if wanted(found) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.05)


async def test_a_city_without_packs_takes_a_reading_and_remembers_it(city: RunningCity) -> None:
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http:
        async with http.post("/ngsi-ld/v1/entities", json=GAUGE) as made:
            assert made.status == 201
        async with http.get(f"/ngsi-ld/v1/entities/{GAUGE['id']}") as found:
            assert (await found.json())["level"]["value"] == 4.2

        async def past() -> Any:
            query = {"entity": GAUGE["id"], "attribute": "https://uri.etsi.org/ngsi-ld/default-context/level"}
            async with http.get("/api/v1/history", params=query) as answer:
                return (await answer.json())["samples"]

        samples = await eventually(past, bool)
        assert [(each["observed_at"], each["value"]) for each in samples] == [("2026-03-01T12:00:00Z", 4.2)]


async def test_every_door_answers_and_is_closed_to_strangers(city: RunningCity) -> None:
    async with aiohttp.ClientSession(city.url) as http:
        for path in ("/ngsi-ld/v1/entities?type=X", "/api/v1/status", "/api/v1/users", "/api/v1/session"):
            async with http.get(path) as answer:
                assert answer.status == 401, path
        for path in (
            "/",
            "/health/live",
            "/health/ready",
            "/api/v1/openapi.json",
            "/ngsi-ld/v1/jsonldContexts/city",
        ):
            async with http.get(path) as answer:
                assert answer.status == 200, path
        async with http.get("/api/v1/city") as answer:
            seen = await answer.json()
        assert (seen["name"], seen["agencies"], seen["packs"]) == ("Testingen", [], [])
        async with http.get("/api/v1/nowhere") as answer:
            assert answer.status == 404
            assert answer.content_type == "application/problem+json"


async def test_the_first_administrator_signs_in_and_must_change_the_password(city: RunningCity) -> None:
    async with aiohttp.ClientSession(city.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        body = {"name": "admin", "password": city.first_password}
        async with http.post("/api/v1/session", json=body) as answer:
            assert answer.status == 200
            cookie = answer.headers["Set-Cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=strict" in cookie
            assert (await answer.json())["must_change_password"]
        async with http.get("/api/v1/status") as answer:
            assert answer.status == 403
            assert (await answer.json())["type"].endswith("password-change-needed")
        change = {"old_password": city.first_password, "new_password": "a long enough one"}
        async with http.put("/api/v1/session/password", json=change) as answer:
            assert answer.status == 204
        async with http.get("/api/v1/session") as answer:
            seen = await answer.json()
        assert seen["actor"]["roles"] == ["admin"]
        assert [agency["name"] for agency in seen["city"]["agencies"]] == ["Feuerwehr"]
        async with http.delete("/api/v1/session") as answer:
            assert answer.status == 204
        async with http.get("/api/v1/session") as answer:
            assert answer.status == 401


async def test_errors_of_the_peoples_api_are_problems(city: RunningCity) -> None:
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http:
        cases = [
            ("POST", "/api/v1/users", {"name": "Ä", "roles": ["reader"]}, 400, "name"),
            ("POST", "/api/v1/users", {"name": "x", "roles": ["king"]}, 400, "roles.0"),
            ("DELETE", "/api/v1/users/nobody", None, 404, None),
            ("POST", "/api/v1/tokens", {"name": "x", "roles": []}, 400, "roles"),
            ("GET", "/api/v1/history?entity=urn:x:y&attribute=a&since=soon", None, 400, ""),
            ("PUT", "/api/v1/city", None, 405, None),
        ]
        for method, path, body, status, field in cases:
            async with http.request(method, path, json=body) as answer:
                problem = await answer.json()
                assert (answer.status, answer.content_type) == (status, "application/problem+json"), path
                assert problem["status"] == status
                assert problem["type"].startswith("urn:rhinecloud:problem:")
                assert field is None or problem.get("field", "") == field


async def test_the_live_feed_shows_a_change_and_ends_when_the_city_does(folder: Path) -> None:
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http:
        socket = await http.ws_connect("/live")
        hello = await socket.receive_json()
        await socket.send_json(
            {"type": "subscribe", "types": ["Gauge"], "bbox": None, "after": hello["cursor"]}
        )
        async with http.post("/ngsi-ld/v1/entities", json=GAUGE) as made:
            assert made.status == 201
        while "changes" not in (seen := await socket.receive_json(timeout=10)):
            pass
        assert [change["id"] for change in seen["changes"]] == [GAUGE["id"]]
        await city.stop()
        closed = await socket.receive(timeout=60)
        assert closed.data == 1012


async def test_nothing_acknowledged_is_lost_by_a_stop(folder: Path) -> None:
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    acknowledged: list[str] = []

    async def write(http: aiohttp.ClientSession, lane: int) -> None:
        for number in range(10_000):
            entity = {"id": f"urn:ngsi-ld:Gauge:{lane}-{number}", "type": "Gauge"}
            try:
                async with http.post("/ngsi-ld/v1/entities", json=entity) as made:
                    if made.status != 201:
                        return
            except aiohttp.ClientError:
                return
            acknowledged.append(entity["id"])

    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http:
        writing = [asyncio.create_task(write(http, lane)) for lane in range(4)]
        await asyncio.sleep(0.7)
        await city.stop()
        await asyncio.gather(*writing)
    assert len(acknowledged) > 20
    again = RunningCity(read_city(folder), packs=Packs())
    await again.start()
    try:
        for entity_id in acknowledged:
            assert await again.foundation.store.get("", entity_id) is not None
    finally:
        await again.stop()


async def test_one_process_holds_the_data_folder(city: RunningCity, folder: Path) -> None:
    with pytest.raises(InUse):
        await RunningCity(read_city(folder), packs=Packs()).start()
    assert is_held(city.settings.data)
    mode = stat.S_IMODE((city.settings.data / "access.json").stat().st_mode)
    assert mode == 0o600


async def test_a_stopped_city_leaves_no_process_and_no_way_in(folder: Path) -> None:
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    pid = int((city.settings.data / "stream" / "nats-server.pid").read_text(encoding="ascii"))
    await city.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (city.settings.data / "access.json").exists()
    assert find_access(city.settings.data) is None


async def test_open_access_needs_no_sign_in_and_says_so(tmp_path: Path) -> None:
    folder = write_city(tmp_path / "open", '[identity]\naccess = "open"\n')
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    try:
        async with aiohttp.ClientSession(city.url) as http:
            async with http.get("/api/v1/status") as answer:
                assert (await answer.json())["access"] == "open"
            async with http.get("/api/v1/session") as answer:
                assert (await answer.json())["city"]["access"] == "open"
    finally:
        await city.stop()


async def test_a_city_that_cannot_start_lets_everything_go(folder: Path) -> None:
    settings = read_city(folder, {"server": {"host": "203.0.113.7"}})
    with pytest.raises(Exception, match="cannot listen"):
        await RunningCity(settings, packs=Packs()).start()
    assert not is_held(settings.data)
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    await city.stop()


async def test_the_status_names_what_is_there(city: RunningCity) -> None:
    async with (
        aiohttp.ClientSession(city.url, headers=bearer(city)) as http,
        http.get("/api/v1/status") as answer,
    ):
        status = await answer.json()
    assert status["types"] == {"Agency": 1}
    assert {"relay", "history", "notifier", "live", "risk", "incidents"} <= {
        consumer["name"] for consumer in status["consumers"]
    }
    assert status["packs"] == {"loaded": [], "failed": [], "disagreements": []}
    assert json.dumps(status)


async def test_the_city_serves_its_own_context_under_its_own_address(city: RunningCity) -> None:
    link = f'<{city.url}/ngsi-ld/v1/jsonldContexts/city>; rel="http://www.w3.org/ns/json-ld#context"'
    async with (
        aiohttp.ClientSession(city.url, headers=bearer(city)) as http,
        http.get("/ngsi-ld/v1/entities?type=Agency", headers={"Link": link}) as answer,
    ):
        assert [each["type"] for each in await answer.json()] == ["Agency"]


async def test_a_huge_body_is_refused_before_it_is_read(city: RunningCity) -> None:
    async with aiohttp.ClientSession(city.url) as http:
        async with http.post("/api/v1/session", data=b"x" * 2_000_000) as answer:
            assert answer.status == 413
            assert answer.content_type == "application/problem+json"

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(40):
                yield b"x" * 100_000

        try:
            async with http.post("/api/v1/session", data=pieces()) as answer:
                assert answer.status >= 400
        except aiohttp.ClientError:
            pass  # cut off
        async with http.get("/health/live") as answer:
            assert answer.status == 200
