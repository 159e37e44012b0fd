"""Who can be given an incident: an agency's people, shown to those who may give them work."""

from __future__ import annotations

import aiohttp

from app.test_city import bearer
from rhinecloud.app.city import RunningCity

FIRE = "urn:ngsi-ld:Agency:fire"
PASSWORD = "a long enough one"


async def add(http: aiohttp.ClientSession, name: str, role: str, **more: str) -> None:
    body = {"name": name, "roles": [role], "password": PASSWORD, **more}
    async with http.post("/api/v1/users", json=body) as made:
        assert made.status == 201, await made.text()


async def ask_as(city: RunningCity, name: str, agency: str) -> tuple[int, object]:
    async with aiohttp.ClientSession(city.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.post("/api/v1/session", json={"name": name, "password": PASSWORD}) as answer:
            assert answer.status == 200
        async with http.get(f"/api/v1/agencies/{agency}/people") as answer:
            return answer.status, await answer.json()


async def test_an_agencys_people_are_listed_by_name_to_operators_and_to_itself(city: RunningCity) -> None:
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http:
        await add(http, "fred", "agency", agency=FIRE, full_name="Zoe Feuer")
        await add(http, "anna", "agency", agency=FIRE)
        await add(http, "olga", "operator")
        await add(http, "rita", "reader")
        await add(http, "paul", "agency", agency="urn:ngsi-ld:Agency:police")
    people = [
        {"id": "urn:rhinecloud:account:anna", "name": "anna"},
        {"id": "urn:rhinecloud:account:fred", "name": "Zoe Feuer"},
    ]
    assert await ask_as(city, "olga", FIRE) == (200, people)
    assert await ask_as(city, "fred", FIRE) == (200, people)
    for name in ("rita", "paul"):
        assert (await ask_as(city, name, FIRE))[0] == 403
    assert (await ask_as(city, "olga", "urn:ngsi-ld:Agency:nobody"))[0] == 404
