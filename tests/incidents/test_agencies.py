"""Agencies come from the settings, as often as they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from incidents.assembly import CONTEXT, FIRE, OPERATOR, POLICE, open_incidents
from rhinecloud.incidents.agencies import read_agencies, seed_agencies
from rhinecloud.kernel.errors import Invalid

TABLES = [{"id": "fire", "name": {"de": "Feuerwehr", "en": "Fire brigade"}, "kind": "fire"}]


async def test_seeding_again_changes_nothing_and_a_new_name_one(tmp_path: Path) -> None:
    async with open_incidents(tmp_path) as city:
        entity = (await city.broker.get(OPERATOR, "", FIRE)).entity()
        assert entity.attrs[CONTEXT.expand("name")][0].value == "Feuerwehr"
        assert entity.attrs[CONTEXT.expand("title")][0].value == {"de": "Feuerwehr", "en": "Fire brigade"}
        assert (await city.broker.get(OPERATOR, "", POLICE)).entity().attrs[CONTEXT.expand("email")]
        before = city.store.last_change()
        assert await seed_agencies(city.broker, "", read_agencies(TABLES), CONTEXT) == 0
        assert city.store.last_change() == before
        renamed = [{**TABLES[0], "name": "Feuerwehr Duisburg"}]
        assert await seed_agencies(city.broker, "", read_agencies(renamed), CONTEXT) == 1
        name = (await city.broker.get(OPERATOR, "", FIRE)).entity().first(CONTEXT.expand("name"))
        assert name is not None
        assert name.value == "Feuerwehr Duisburg"


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ({"id": "Fire Brigade", "name": "x"}, "agencies[0].id"),
        ({"id": "fire"}, "agencies[0].name"),
        ({"id": "fire", "name": "x", "kind": "circus"}, "agencies[0].kind"),
        ({"id": "fire", "name": "x", "phone": "1"}, "agencies[0].phone"),
    ],
)
def test_a_wrong_table_names_its_place(table: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_agencies([table])
    assert caught.value.field == field


def test_an_id_must_not_be_used_twice() -> None:
    with pytest.raises(Invalid, match="twice"):
        read_agencies([*TABLES, *TABLES])
