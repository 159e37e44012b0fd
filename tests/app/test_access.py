"""Who reaches which route: the policy's table, asked over HTTP with real tokens."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import aiomqtt
import pytest

from app.conftest import write_city
from app.test_city import GAUGE, bearer
from rhinecloud.app.city import RunningCity
from rhinecloud.app.sections import read_city
from rhinecloud.identity import Token
from rhinecloud.kernel.actor import Role
from rhinecloud.loader import Packs
from rhinecloud.stream.settings import StreamSettings

ROUTES = {
    "/api/v1/status": {Role.ADMIN, Role.OPERATOR, Role.READER, Role.AGENCY},
    "/api/v1/feeds": {Role.ADMIN, Role.OPERATOR, Role.READER, Role.AGENCY},
    "/api/v1/rules": {Role.ADMIN, Role.OPERATOR, Role.READER, Role.AGENCY},
    "/api/v1/users": {Role.ADMIN},
    "/api/v1/tokens": {Role.ADMIN},
    "/api/v1/export": {Role.ADMIN},
    "/api/v1/backup": {Role.ADMIN},
    "/ngsi-ld/v1/entities?type=Gauge": {Role.ADMIN, Role.OPERATOR, Role.READER, Role.AGENCY, Role.PARTNER},
    "/ngsi-ld/v1/subscriptions": {Role.ADMIN, Role.OPERATOR, Role.AGENCY, Role.PARTNER},
}
ROLES = [Role.ADMIN, Role.OPERATOR, Role.AGENCY, Role.READER, Role.PARTNER, Role.DEVICE]


async def token_of(city: RunningCity, role: Role) -> dict[str, str]:
    agency = "urn:ngsi-ld:Agency:fire" if role is Role.AGENCY else ""
    token = Token(name=f"a-{role}", digest="", roles=(role,), agency=agency)
    return {"Authorization": f"Bearer {await city.foundation.identity.add_token(token)}"}


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_reaches_what_it_may_and_nothing_else(city: RunningCity, role: Role) -> None:
    async with aiohttp.ClientSession(city.url, headers=await token_of(city, role)) as http:
        for path, allowed in ROUTES.items():
            async with http.get(path) as answer:
                assert (answer.status == 200) == (role in allowed), f"{path}: {answer.status}"
                assert answer.status in (200, 403)


@pytest.mark.parametrize("role", ROLES)
async def test_only_those_who_keep_the_citys_things_write_them(city: RunningCity, role: Role) -> None:
    async with aiohttp.ClientSession(city.url, headers=await token_of(city, role)) as http:
        async with http.post("/ngsi-ld/v1/entities", json=GAUGE) as answer:
            assert answer.status == (201 if role in (Role.ADMIN, Role.OPERATOR, Role.PARTNER) else 403)
        async with http.post("/api/v1/agencies", json={"name": "Neue Stelle"}) as answer:
            assert answer.status == (201 if role in (Role.ADMIN, Role.OPERATOR) else 403)


async def test_a_partner_sees_nothing_of_the_citys_own_work(city: RunningCity) -> None:
    agency = "urn:ngsi-ld:Agency:fire"
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http:
        async with http.get(f"/ngsi-ld/v1/entities/{agency}") as answer:
            assert answer.status == 200
    async with aiohttp.ClientSession(city.url, headers=await token_of(city, Role.PARTNER)) as http:
        async with http.get(f"/ngsi-ld/v1/entities/{agency}") as answer:
            assert answer.status == 404
        async with http.get("/ngsi-ld/v1/entities?local=true") as answer:
            assert agency not in await answer.text()
        async with http.get("/api/v1/agencies") as answer:
            assert await answer.json() == []


async def test_a_revoked_token_opens_nothing_from_then_on(city: RunningCity) -> None:
    headers = await token_of(city, Role.READER)
    async with aiohttp.ClientSession(city.url, headers=headers) as http:
        async with http.get("/api/v1/status") as answer:
            assert answer.status == 200
        await city.foundation.identity.revoke_token("a-reader")
        async with http.get("/api/v1/status") as answer:
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_devices_connection_ends_with_its_token(tmp_path: Path) -> None:
    city = RunningCity(read_city(write_city(tmp_path / "city", mqtt=True)), packs=Packs())
    await city.start()
    try:
        made = await token_of(city, Role.DEVICE)
        port = city.settings.section("stream", StreamSettings).mqtt_port
        secret = made["Authorization"].removeprefix("Bearer ")
        async with aiomqtt.Client("127.0.0.1", port, username="x", password=secret) as device:
            await device.publish("devices/a", b"1", qos=1)
            async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http:
                async with http.delete("/api/v1/tokens/a-device") as answer:
                    assert answer.status == 204
            with pytest.raises(aiomqtt.MqttError):
                async with asyncio.timeout(60):
                    async for _ in device.messages:
                        pass
        with pytest.raises(aiomqtt.MqttError):
            async with aiomqtt.Client("127.0.0.1", port, username="x", password=secret):
                pass
    finally:
        await city.stop()


async def test_a_subscription_rests_when_the_token_of_its_owner_is_revoked(city: RunningCity) -> None:
    identity = city.foundation.identity
    admin = await token_of(city, Role.ADMIN)
    subscription = {
        "id": "urn:ngsi-ld:Subscription:partner",
        "type": "Subscription",
        "entities": [{"type": "Gauge"}],
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/"}},
    }
    path = "/ngsi-ld/v1/subscriptions"
    async with (
        aiohttp.ClientSession(city.url, headers=await token_of(city, Role.PARTNER)) as partner,
        aiohttp.ClientSession(city.url, headers=admin) as http,
    ):
        async with partner.post(path, json=subscription) as answer:
            assert answer.status == 201
        async with http.get(f"{path}/{subscription['id']}") as answer:
            assert (await answer.json())["status"] == "active"
        await identity.revoke_token("a-partner")
        async with http.get(f"{path}/{subscription['id']}") as answer:
            shown = await answer.json()
            assert (shown["status"], "is gone" in shown["statusReason"]) == ("paused", True)
        consumers = (await city.status.collect())["consumers"]
        assert "subscriptions are paused" in next(
            each["error"] for each in consumers if each["name"] == "notifier"
        )
