"""Nobody reads around the policy of a city, by whichever way: API, history, live feed, notifications, export."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
import pytest

from app.conftest import write_city
from app.test_city import bearer, eventually
from broker.receiving import Receiver, open_receiver
from rhinecloud.app.city import RunningCity
from rhinecloud.app.sections import read_city
from rhinecloud.identity import Token
from rhinecloud.kernel.actor import Role
from rhinecloud.loader import Packs
from rhinecloud.stream.settings import StreamSettings

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"
WATCHED = "urn:rhinecloud:token:watched"
CONDITIONS = {
    "type": f'resource.types.contains("{DEFAULT}Secret")',
    "attribute": f'resource.text["{DEFAULT}state"].contains("closed")',
    "area": 'resource.area.contains("harbour")',
    "hour": f'resource.types.contains("{DEFAULT}Secret") && context.hour >= 0',
}
FORBID = """forbid (principal, action == Action::"read", resource)
when {{ principal.id == "{watched}" && {condition} }};"""
HARBOUR = {
    "type": "Feature",
    "properties": {"name": "harbour"},
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[6.7, 51.4], [6.8, 51.4], [6.8, 51.5], [6.7, 51.5], [6.7, 51.4]]],
    },
}
VERSION = {"key": "MQTT-Version", "value": "mqtt3.1.1"}
HIDDEN, SHOWN = "urn:x:hidden", "urn:x:shown"


def entity(name: str, level: int) -> dict[str, Any]:
    is_hidden = name == HIDDEN
    place = {"type": "Point", "coordinates": [6.75 if is_hidden else 6.5, 51.45]}
    return {
        "id": name,
        "type": ["Thing", "Secret"] if is_hidden else ["Thing"],
        "state": "closed" if is_hidden else "open",
        "level": level,
        "location": place,
    }


def with_policy(folder: Path, condition: str) -> Path:
    (folder / "policies").mkdir()
    text = FORBID.format(watched=WATCHED, condition=condition)
    (folder / "policies" / "watched.cedar").write_text(text, encoding="utf-8")
    (folder / "areas").mkdir()
    (folder / "areas" / "harbour.geojson").write_text(json.dumps(HARBOUR), encoding="utf-8")
    return folder


@pytest.fixture(params=CONDITIONS)
async def city(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[RunningCity]:
    folder = write_city(tmp_path / "city", mqtt=True)
    city = RunningCity(read_city(with_policy(folder, CONDITIONS[request.param])), packs=Packs())
    await city.start()
    try:
        yield city
    finally:
        await city.stop()


async def put(http: aiohttp.ClientSession, level: int) -> None:
    """Write the hidden entity, and then the one that is shown: who sees the second has passed the first."""
    for name in (HIDDEN, SHOWN):
        body = [entity(name, level)]
        async with http.post("/ngsi-ld/v1/entityOperations/upsert", json=body) as answer:
            assert answer.status in (201, 204), await answer.text()


async def read(http: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with http.get(path) as answer:
        return answer.status, await answer.text()


async def test_what_a_policy_hides_shows_nowhere(city: RunningCity) -> None:
    token = await city.foundation.identity.add_token(Token("watched", "", (Role.ADMIN,)))
    watched = {"Authorization": f"Bearer {token}"}
    port = city.settings.section("stream", StreamSettings).mqtt_port
    async with (
        open_receiver() as receiver,
        aiohttp.ClientSession(city.url, headers=bearer(city)) as admin,
        aiohttp.ClientSession(city.url, headers=watched) as http,
        http.ws_connect("/live") as live,
        aiomqtt.Client("127.0.0.1", port, username="x", password=token) as device,
    ):
        await device.subscribe("devices/told", qos=1)
        await live.send_json({"type": "subscribe"})
        receivers = (f"{receiver.url}/", f"mqtt://x:{token}@127.0.0.1:{port}/devices/told")
        for uri in receivers:
            subscription = {
                "type": "Subscription",
                "entities": [{"type": "Thing"}],
                "notification": {"format": "keyValues", "endpoint": {"uri": uri, "notifierInfo": [VERSION]}},
            }
            async with http.post("/ngsi-ld/v1/subscriptions", json=subscription) as answer:
                assert answer.status == 201, await answer.text()
        for level in (1, 2):
            await put(admin, level)
            await _is_told(receiver, live, device, level)

        assert (await read(http, f"/ngsi-ld/v1/entities/{HIDDEN}"))[0] == 404
        for path in (
            "/ngsi-ld/v1/entities?type=Thing",
            "/ngsi-ld/v1/entities?type=Thing&count=true",
            "/ngsi-ld/v1/types?details=true",
            "/api/v1/export",
        ):
            status, text = await read(http, path)
            assert (status, HIDDEN in text, "Secret" in text) == (200, False, False), path
            assert "Secret" in (await read(admin, path))[1], path
        await _has_no_past(admin, http)


async def _is_told(
    receiver: Receiver, live: aiohttp.ClientWebSocketResponse, device: aiomqtt.Client, level: int
) -> None:
    """Wait until the shown entity came by every way; the hidden one must not have come before."""
    await receiver.until(lambda: bool(receiver.received) and receiver.values("level")[-1] == level)
    assert HIDDEN not in json.dumps([body for _, _, body in receiver.received])
    async with asyncio.timeout(60):
        async for message in live:
            assert HIDDEN not in message.data
            if f'"level":{level}' in message.data:
                break
        async for told in device.messages:
            assert HIDDEN.encode() not in told.payload
            if f'"level":{level}'.encode() in told.payload.replace(b" ", b""):
                break


async def _has_no_past(admin: aiohttp.ClientSession, http: aiohttp.ClientSession) -> None:
    path = f"/api/v1/history?entity={{}}&attribute={DEFAULT}level"

    async def past() -> tuple[int, str]:
        return await read(admin, path.format(HIDDEN))

    assert '"value":2' in (await eventually(past, lambda found: '"value":2' in found[1]))[1].replace(" ", "")
    assert (await read(http, path.format(HIDDEN)))[0] == 404
    assert (await read(http, path.format(SHOWN)))[0] == 200


async def test_the_past_of_a_moment_is_hidden_when_the_entity_was(tmp_path: Path) -> None:
    """A ship that lay in the closed harbour: its way there and its way on are seen, its stay is not."""
    folder = with_policy(write_city(tmp_path / "city"), CONDITIONS["area"])
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    try:
        token = await city.foundation.identity.add_token(Token("watched", "", (Role.ADMIN,)))
        path = "/api/v1/history?entity=urn:x:ship&attribute={}"
        names = ("https://uri.etsi.org/ngsi-ld/location", f"{DEFAULT}speed")
        async with (
            aiohttp.ClientSession(city.url, headers=bearer(city)) as admin,
            aiohttp.ClientSession(city.url, headers={"Authorization": f"Bearer {token}"}) as http,
        ):
            for hour, longitude in enumerate((6.5, 6.6, 6.75, 6.78, 6.9), start=10):
                await _sail(admin, hour, longitude)

            async def whole() -> list[Any]:
                return list(json.loads((await read(admin, path.format(names[1])))[1])["samples"])

            assert len(await eventually(whole, lambda found: len(found) == 5)) == 5
            for name in names:
                samples = json.loads((await read(http, path.format(name)))[1])["samples"]
                assert [each["observed_at"][11:13] for each in samples] == ["10", "11", "14"], name
    finally:
        await city.stop()


async def _sail(admin: aiohttp.ClientSession, hour: int, longitude: float) -> None:
    observed = {"observedAt": f"2026-11-02T{hour}:00:00Z"}
    place = {"type": "Point", "coordinates": [longitude, 51.45]}
    ship = {
        "id": "urn:x:ship",
        "type": "Ship",
        "location": {"type": "GeoProperty", "value": place, **observed},
        "speed": {"type": "Property", "value": hour, **observed},
    }
    async with admin.post("/ngsi-ld/v1/entityOperations/upsert", json=[ship]) as answer:
        assert answer.status in (201, 204)


async def test_a_city_with_a_faulty_policy_does_not_start(tmp_path: Path) -> None:
    folder = with_policy(write_city(tmp_path / "city"), 'resource.area.contains("harbor")')
    with pytest.raises(Exception, match=r"policies/watched.cedar: line 2: unknown area 'harbor'.*`harbour`"):
        RunningCity(read_city(folder), packs=Packs())
