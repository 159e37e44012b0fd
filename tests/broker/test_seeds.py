"""A city's own entities are sown once, and again only when their text changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policies import shipped
from rhinecloud.broker.seeds import SEEDER, read_seeds, seed_entities
from rhinecloud.broker.service import Broker
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import compile_context
from rhinecloud.store.engine import StoreSettings, make_store

CONTEXT = compile_context({"Berth": "urn:t:Berth", "berthName": "urn:t:berthName", "free": "urn:t:free"}, {})
DUISBURG = Path(__file__).parents[2] / "examples" / "duisburg"


@pytest.fixture
async def store(tmp_path: Path):
    engine = make_store(StoreSettings(), tmp_path / "data")
    await engine.open()
    yield engine
    await engine.close()


def write(folder: Path, *entities: object) -> None:
    (folder / "entities" / "port").mkdir(parents=True, exist_ok=True)
    (folder / "entities" / "port" / "berths.json").write_text(json.dumps(entities))


def berth(**attributes: object) -> dict[str, object]:
    return {"id": "urn:ngsi-ld:Berth:1", "type": "Berth", **attributes}


async def test_a_seed_is_sown_once_and_what_people_change_stays(store, tmp_path: Path) -> None:
    broker = Broker(store, shipped(), lambda: datetime(2026, 1, 1, tzinfo=UTC))
    write(tmp_path, berth(berthName="Walsum", free=True))
    seeds = read_seeds(tmp_path, CONTEXT)
    assert await seed_entities(store, broker, "", seeds, CONTEXT) == 1
    await broker.ingest(SEEDER, "", [berth(free=False)], CONTEXT)
    assert await seed_entities(store, broker, "", read_seeds(tmp_path, CONTEXT), CONTEXT) == 0
    assert (await store.get("", "urn:ngsi-ld:Berth:1")).entity().first("urn:t:free").value is False


async def test_a_seed_whose_text_changed_is_sown_again(store, tmp_path: Path) -> None:
    broker = Broker(store, shipped(), lambda: datetime(2026, 1, 1, tzinfo=UTC))
    write(tmp_path, berth(berthName="Walsum"))
    await seed_entities(store, broker, "", read_seeds(tmp_path, CONTEXT), CONTEXT)
    write(tmp_path, berth(berthName="Walsum Nord"))
    assert await seed_entities(store, broker, "", read_seeds(tmp_path, CONTEXT), CONTEXT) == 1
    assert (await store.get("", "urn:ngsi-ld:Berth:1")).entity().first(
        "urn:t:berthName"
    ).value == "Walsum Nord"


def test_an_entity_that_stands_twice_is_named(tmp_path: Path) -> None:
    write(tmp_path, berth(berthName="Walsum"), berth(berthName="Ruhrort"))
    with pytest.raises(
        Invalid,
        match=r"port/berths.json, line \d+, column \d+: \[1\]: .*Berth:1 stands in .*berths.json\[0\] already",
    ):
        read_seeds(tmp_path, CONTEXT)


def test_a_bad_seed_is_named_by_file_and_place(tmp_path: Path) -> None:
    write(tmp_path, berth(), {"id": "no uri", "type": "Berth"})
    with pytest.raises(Invalid, match=r"entities/port/berths\.json, line \d+, column \d+: \[1\]"):
        read_seeds(tmp_path, CONTEXT)
    (tmp_path / "entities" / "port" / "berths.json").write_text("{")
    with pytest.raises(Invalid, match=r"berths\.json, line 1, column 2: this is not JSON"):
        read_seeds(tmp_path, CONTEXT)


def test_the_first_city_has_its_stations_berths_and_air_stations() -> None:
    kinds = [seed.fragment["type"] for seed in read_seeds(DUISBURG, CONTEXT)]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "GtfsStop": 16,
        "Berth": 5,
        "AirQualityObserved": 4,
    }
