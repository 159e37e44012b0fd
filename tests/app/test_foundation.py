"""What a city stands on is put together from its settings and its packs."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.conftest import write_city
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.sections import read_city
from rhinecloud.kernel.time import utc_now
from rhinecloud.loader import Packs
from rhinecloud.loader.model import LoadedPack
from rhinecloud.pack import Pack
from rhinecloud.store.engine import StoreSettings, make_store

LAMP = "https://example.org/lampNumber"


def lamps(root: Path) -> LoadedPack:
    context = {"lampNumber": LAMP}
    return LoadedPack(
        Pack("lamps", root), "Lamps", "", "1", "EUPL-1.2", context, (), (), {}, ("lampNumber", "scope")
    )


async def test_attributes_that_a_pack_or_the_city_names_get_an_index(tmp_path: Path) -> None:
    folder = write_city(tmp_path / "city", '[store]\nindexes = ["height", "lampNumber"]\n')
    foundation = Foundation(read_city(folder), utc_now, Packs((lamps(tmp_path),)))
    await foundation.open()
    await asyncio.sleep(0.2)
    await foundation.close()
    store = make_store(StoreSettings(), foundation.settings.data)
    await store.open()
    kept = store._values.kept  # type: ignore[attr-defined]
    height = "https://uri.etsi.org/ngsi-ld/default-context/height"
    assert {name for name in kept if name in (LAMP, height)} == {LAMP, height}
    assert len(kept) == 3
    await store.close()
