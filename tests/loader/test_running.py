"""The code of packs in a running city: each is opened by itself, and known by its own name alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from app.conftest import write_city
from rhinecloud.app.city import RunningCity
from rhinecloud.app.sections import read_city
from rhinecloud.broker.service import Broker
from rhinecloud.kernel.actor import Role, part
from rhinecloud.loader import Packs
from rhinecloud.loader.folder import read_pack
from rhinecloud.loader.rights import rights_of_pack
from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.pack import Actor, City, Pack, PackAction, more_than, setting
from rhinecloud.part import Reload
from rhinecloud.policy import Authorization, Policies
from rhinecloud.views.content import TEXTS

MANIFEST = """[pack]
name = "{name}"
title = "A"
version = "1"
license = "EUPL-1.2"
requires = "rhinecloud>=0.2"
{more}
"""


@dataclass(frozen=True)
class QuaySettings:
    """Section `[packs.quay]`."""

    length_m: int = setting(100, "Length of the quay.", unit="m", check=more_than(0))


class Nothing(BaseModel):
    """No parameters."""


async def do_nothing(city: City, caller: Actor, parameters: Nothing) -> str:
    return caller.name


ACTION = PackAction(summary="Do nothing.", parameters=Nothing, run=do_nothing)


def write_pack(folder: Path, name: str, more: str = "") -> Path:
    root = folder / name
    root.mkdir()
    (root / "pack.toml").write_text(MANIFEST.format(name=name, more=more), encoding="utf-8")
    return root


@asynccontextmanager
async def running(tmp_path: Path, *packs: Pack, more: str = "") -> AsyncIterator[RunningCity]:
    """Run a city in which everybody who reaches it is an administrator."""
    settings = f'\n[identity]\naccess = "open"\n{more}'
    folder = write_city(tmp_path / "city", settings)
    loaded = tuple(read_pack(pack, ()) for pack in packs)
    city = RunningCity(read_city(folder), packs=Packs(loaded))
    await city.start()
    try:
        yield city
    finally:
        await city.stop()


async def failures(city: RunningCity) -> dict[str, str]:
    status = await city.status.collect()
    return {each["name"]: each["reason"] for each in status["packs"]["failed"]}


def as_json(scope: Any) -> bytes:
    return json.dumps({"path": scope["path"], "root_path": scope["root_path"]}).encode()


def plain_routes(city: City) -> Callable[[Any, Any, Callable[[Any], Awaitable[None]]], Awaitable[None]]:
    async def application(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": as_json(scope)})

    return application


async def test_a_plain_asgi_application_is_mounted_below_the_packs_name(tmp_path: Path) -> None:
    pack = Pack(name="quay", root=write_pack(tmp_path, "quay"), routes=plain_routes)
    async with running(tmp_path, pack) as city, aiohttp.ClientSession(city.url) as http:
        async with http.get("/packs/quay/deep/er") as answer:
            assert await answer.json(content_type=None) == {
                "path": "/packs/quay/deep/er",
                "root_path": "/packs/quay",
            }
        async with http.get("/packs/quays/deep") as answer:
            assert answer.status == 404
        async with http.get("/api/v1/city") as answer:
            assert answer.status == 200


async def test_wrong_settings_cost_the_pack_its_code_and_no_other_pack(tmp_path: Path) -> None:
    quay = Pack(
        name="quay", root=write_pack(tmp_path, "quay"), settings=QuaySettings, actions={"act": ACTION}
    )
    yard = Pack(name="yard", root=write_pack(tmp_path, "yard"), actions={"act": ACTION})
    more = "\n[packs.quay]\nlength_m = -5\n"
    async with running(tmp_path, quay, yard, more=more) as city, aiohttp.ClientSession(city.url) as http:
        assert "length_m: must be more than 0" in (await failures(city))["quay"]
        async with http.post("/api/v1/actions/yard.act", json={}) as answer:
            assert answer.status == 200
        async with http.post("/api/v1/actions/quay.act", json={}) as answer:
            assert answer.status == 501


async def test_settings_for_a_pack_that_has_none_are_a_fault(tmp_path: Path) -> None:
    pack = Pack(name="quay", root=write_pack(tmp_path, "quay"))
    async with running(tmp_path, pack, more="\n[packs.quay]\nlength_m = 5\n") as city:
        assert "the pack has no settings" in (await failures(city))["quay"]


async def test_routes_that_cannot_be_made_cost_that_pack_alone(tmp_path: Path) -> None:
    def routes(city: City) -> Any:
        raise LookupError("no such table")

    broken = Pack(name="broken", root=write_pack(tmp_path, "broken"), routes=routes, actions={"act": ACTION})
    quay = Pack(name="quay", root=write_pack(tmp_path, "quay"), routes=plain_routes)
    async with running(tmp_path, broken, quay) as city, aiohttp.ClientSession(city.url) as http:
        assert await failures(city) == {"broken": "LookupError: no such table"}
        async with http.get("/packs/quay/") as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("name", "verb", "roles", "reason"),
    [
        ("yard", "act", frozenset[str](), "empty set"),
        ("yard", "http", frozenset({"operator"}), "the action 'yard.http' is declared twice"),
        ("incidents", "open", frozenset({"operator"}), "the name incidents is taken already"),
    ],
)
async def test_rights_that_are_wrong_cost_that_pack_alone(
    tmp_path: Path, name: str, verb: str, roles: frozenset[str], reason: str
) -> None:
    action = replace(ACTION, roles=roles)
    wrong = Pack(name=name, root=write_pack(tmp_path, name), routes=plain_routes, actions={verb: action})
    quay = Pack(name="quay", root=write_pack(tmp_path, "quay"), actions={"act": ACTION})
    async with running(tmp_path, wrong, quay) as city, aiohttp.ClientSession(city.url) as http:
        assert reason in (await failures(city))[name]
        async with http.post("/api/v1/actions/quay.act", json={}) as answer:
            assert answer.status == 200


async def test_of_two_packs_with_one_name_the_first_is_at_work(tmp_path: Path) -> None:
    quay = Pack(name="quay", root=write_pack(tmp_path, "quay"), actions={"act": ACTION})
    async with running(tmp_path, quay, quay) as city, aiohttp.ClientSession(city.url) as http:
        assert await failures(city) == {"quay": "the name quay is taken already"}
        async with http.post("/api/v1/actions/quay.act", json={}) as answer:
            assert answer.status == 200


async def test_edited_texts_of_a_pack_are_shown_after_a_reload(tmp_path: Path) -> None:
    root = write_pack(tmp_path, "quay")
    pack = Pack(name="quay", root=root)
    async with running(tmp_path, pack) as city, aiohttp.ClientSession(city.url) as http:
        (root / "texts").mkdir()
        (root / "texts" / "de.json").write_text('{"title": "Kai"}', encoding="utf-8")
        content = Packs((read_pack(pack, (TEXTS,)),)).content()
        part = next(each.opened for each in city.space.assembly._opened if each.part.name == "loader")
        assert part.prepare_reload is not None
        apply = await part.prepare_reload(Reload(content=content, tables={}))
        assert await apply() == ["texts of quay changed"]
        async with http.get("/api/v1/city") as answer:
            (shown,) = (await answer.json())["packs"]
        assert shown["texts"]["de"]["title"] == "Kai"


async def test_a_page_of_a_pack_is_sandboxed(tmp_path: Path) -> None:
    def routes(city: City) -> APIRouter:
        router = APIRouter()
        router.get("/page")(lambda: HTMLResponse("<script>1</script>"))
        router.get("/data")(lambda: {"a": 1})
        return router

    pack = Pack(name="quay", root=write_pack(tmp_path, "quay"), routes=routes)
    async with running(tmp_path, pack) as city, aiohttp.ClientSession(city.url) as http:
        async with http.get("/packs/quay/page") as page:
            assert page.headers["x-content-type-options"] == "nosniff"
            assert page.headers["content-security-policy"].startswith("sandbox;")
        async with http.get("/packs/quay/data") as data:
            assert data.headers["x-content-type-options"] == "nosniff"
            assert "content-security-policy" not in data.headers


def test_readers_may_not_call_routes_that_change_something(tmp_path: Path) -> None:
    pack = Pack(name="quay", root=write_pack(tmp_path, "quay"), routes=plain_routes)
    authorization = Authorization(Policies([("quay", rights_of_pack(read_pack(pack, ()), ()))]))

    def may(role: Role, action: str) -> bool:
        return authorization.allows(Actor(id="x", name="x", roles=frozenset({role})), action)

    assert may(Role.READER, "quay.http")
    assert not may(Role.READER, "quay.http_change")
    assert may(Role.OPERATOR, "quay.http_change")


async def test_a_worker_that_fails_goes_on_with_the_change_at_which_it_failed(tmp_path: Path) -> None:
    seen: list[str] = []

    async def work(city: City) -> None:
        async for change in city.follow("all", ["Thing"], from_start=True):
            seen.append(change.entity["id"])
            if len(seen) == 3:
                raise RuntimeError("a mistake of the pack")

    pack = Pack(name="quay", root=write_pack(tmp_path, "quay"), workers={"a": work})
    async with running(tmp_path, pack) as city:
        broker = city.foundation.services.get(Broker)
        things = [
            Entity(id=f"urn:x:{number}", type=[core_context().expand("Thing")]) for number in range(1, 6)
        ]
        await broker.upsert(part("tests"), "", things)
        async with asyncio.timeout(60):
            while len(seen) < 6:
                await asyncio.sleep(0.02)
    assert seen == [f"urn:x:{number}" for number in (1, 2, 3, 3, 4, 5)]


async def test_two_workers_of_a_pack_do_not_share_one_position(tmp_path: Path) -> None:
    """They would take changes away from each other."""

    async def work(city: City) -> None:
        async for _ in city.follow("same", ["Thing"]):
            pass

    pack = Pack(name="quay", root=write_pack(tmp_path, "quay"), workers={"a": work, "b": work})
    async with running(tmp_path, pack) as city:
        found: list[str] = []
        while not found:
            consumers = list(city.status.consumers())
            found = [each.error for each in consumers if each.name == "quay.b" and each.error]
            await asyncio.sleep(0.05)
        assert "the worker 'a' follows changes under the name 'same' already" in found[0]


def test_a_pack_may_call_the_actions_that_its_manifest_names(tmp_path: Path) -> None:
    root = write_pack(tmp_path, "quay", 'calls = ["incidents.open", "nothing.here"]')
    pack = read_pack(Pack(name="quay", root=root, actions={"act": ACTION}), ())
    rights = rights_of_pack(pack, ["incidents.open", "incidents.close"])
    assert [action.name for action in rights.actions] == ["quay.act"]
    assert 'Action::"incidents.open"' in rights.policy
    assert "nothing.here" not in rights.policy
    assert "incidents.close" not in rights.policy


def test_the_roles_of_an_action_may_call_it_and_no_others(tmp_path: Path) -> None:
    pack = read_pack(Pack(name="quay", root=write_pack(tmp_path, "quay"), actions={"act": ACTION}), ())
    authorization = Authorization(Policies([("quay", rights_of_pack(pack, ()))]))

    def may(role: Role) -> bool:
        actor = Actor(id=role.value, name=role.value, roles=frozenset({role}))
        return authorization.allows(actor, "quay.act")

    assert {role for role in Role if may(role)} == {Role.ADMIN, Role.OPERATOR, Role.SYSTEM}
