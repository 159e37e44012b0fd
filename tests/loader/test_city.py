"""What a pack's code may do in a city: as its own actor, with the types of its manifest, under the policy."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.conftest import write_city
from rhinecloud.app.city import RunningCity
from rhinecloud.app.sections import read_city
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unsupported
from rhinecloud.loader import Packs
from rhinecloud.loader.city import CityServices, PackCity
from rhinecloud.loader.folder import read_pack
from rhinecloud.pack import City, Pack, utc

TERMS = {name: f"https://example.org/{name}" for name in ("Crane", "Ship", "wind", "quay")}
MANIFEST = """[pack]
name = "cranes"
title = "Cranes"
version = "1"
license = "EUPL-1.2"
requires = "rhinecloud>=0.2"
writes = ["Crane", "Incident"]
"""
CRANE = {"id": "urn:ngsi-ld:Crane:1", "type": "Crane", "wind": {"value": 7, "unitCode": "MTS"}}
READER = Actor(id="reader", name="reader", roles=frozenset({Role.READER}))


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningCity]:
    folder = tmp_path / "cranes"
    folder.mkdir()
    (folder / "pack.toml").write_text(MANIFEST, encoding="utf-8")
    (folder / "context.jsonld").write_text(json.dumps({"@context": TERMS}), encoding="utf-8")
    loaded = read_pack(Pack(name="cranes", root=folder), ())
    city = RunningCity(read_city(write_city(tmp_path / "city")), packs=Packs((loaded,)))
    await city.start()
    try:
        yield city
    finally:
        await city.stop()


@pytest.fixture
def city(running: RunningCity) -> City:
    (pack,) = running.foundation.packs.loaded
    return PackCity.of(pack, None, CityServices.of(running.space.context()))


async def test_a_pack_writes_and_reads_with_its_own_names(city: City) -> None:
    await city.create(CRANE)
    await city.merge({"id": CRANE["id"], "quay": "north"})
    assert await city.get(str(CRANE["id"])) == {**CRANE, "quay": "north"}
    assert [each["quay"] for each in await city.query("Crane", q="wind>5")] == ["north"]
    assert await city.query("Crane", q="wind>9") == []
    with pytest.raises(Conflict):
        await city.create(CRANE)
    await city.delete(str(CRANE["id"]))
    assert await city.find(str(CRANE["id"])) is None
    with pytest.raises(NotFound):
        await city.get(str(CRANE["id"]))


async def test_a_pack_writes_no_type_that_its_manifest_does_not_name(
    city: City, running: RunningCity
) -> None:
    ship = {"id": "urn:ngsi-ld:Ship:1", "type": "Ship", "wind": 1}
    with pytest.raises(Forbidden, match=r"the pack cranes may not write Ship: pack\.toml does not name it"):
        await city.create(ship)
    with pytest.raises(Forbidden):
        await city.merge(ship)
    with pytest.raises(Forbidden):
        await city.merge({"@id": ship["id"], "@type": ship["type"], "wind": 1})
    system = Actor(id="part:test", name="test", roles=frozenset({Role.SYSTEM}))
    (pack,) = running.foundation.packs.loaded
    await CityServices.of(running.space.context()).broker.ingest(system, "", [ship], pack.context)
    with pytest.raises(Forbidden):
        await city.merge({"id": ship["id"], "wind": 2})
    with pytest.raises(Forbidden):
        await city.merge({"@id": ship["id"], "wind": 2})
    with pytest.raises(Forbidden):
        await city.delete("urn:ngsi-ld:Ship:1")


async def test_a_pack_never_writes_a_type_that_the_core_protects(city: City) -> None:
    with pytest.raises(Forbidden):
        await city.create({"id": "urn:ngsi-ld:Incident:1", "type": "Incident"})


async def test_what_is_wrong_with_a_fragment_is_raised_and_the_others_are_written(city: City) -> None:
    with pytest.raises(Invalid):
        await city.merge(CRANE, {"id": "urn:ngsi-ld:Crane:2", "type": "Crane", "wind": {"type": "Nothing"}})
    assert await city.find(str(CRANE["id"])) is not None


async def test_a_caller_reads_and_does_not_write_with_the_rights_of_a_reader(city: City) -> None:
    await city.create(CRANE)
    own = city.acting_for(READER)
    assert (await own.get(str(CRANE["id"])))["wind"] == CRANE["wind"]
    with pytest.raises(Forbidden):
        await own.merge({"id": CRANE["id"], "wind": 9})


async def test_changes_are_followed_from_where_the_position_is(city: City) -> None:
    await city.create(CRANE)
    await city.merge({"id": CRANE["id"], "wind": 8})
    seen = []
    async for change in city.follow("all", ["Crane"], from_start=True):
        seen.append(change)
        if len(seen) == 2:
            break
    assert [each.kind for each in seen] == ["created", "updated"]
    assert (seen[1].changed, seen[1].entity["wind"]) == (("wind",), 8)


async def test_the_past_of_an_attribute_is_read(city: City) -> None:
    now = city.now()
    for minutes in (2, 1):
        wind = {"value": minutes, "observedAt": utc(now - timedelta(minutes=minutes))}
        await city.merge({**CRANE, "wind": wind})
    values: list[object] = []
    async for _ in city.every(0.05):
        values = [each.value for each in await city.series(str(CRANE["id"]), "wind")]
        if len(values) == 2:
            break
    assert values == [2, 1]
    since = now - timedelta(minutes=1, seconds=30)
    assert [each.value for each in await city.series(str(CRANE["id"]), "wind", since=since)] == [1]


async def test_an_action_that_nothing_offers_is_unsupported(city: City) -> None:
    with pytest.raises(Unsupported):
        await city.call("nothing.here", {})
