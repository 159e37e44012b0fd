"""What a city stands on is put together from its settings and its packs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from app.conftest import write_city
from rhinecloud.app.foundation import Foundation
from rhinecloud.app.sections import read_city
from rhinecloud.kernel.time import utc_now
from rhinecloud.loader import Packs
from rhinecloud.loader.folder import read_pack
from rhinecloud.loader.model import LoadedPack
from rhinecloud.pack import Pack
from rhinecloud.store.engine import StoreSettings, make_store

LAMP = "https://example.org/lampNumber"
MANIFEST = """[pack]
name = "lamps"
title = "Lamps"
version = "1"
license = "EUPL-1.2"
requires = "rhinecloud>=0.2"
indexes = ["lampNumber", "scope"]
"""


def lamps(root: Path) -> LoadedPack:
    folder = root / "lamps"
    folder.mkdir()
    (folder / "context.jsonld").write_text(json.dumps({"@context": {"lampNumber": LAMP}}), encoding="utf-8")
    (folder / "pack.toml").write_text(MANIFEST, encoding="utf-8")
    return read_pack(Pack(name="lamps", root=folder), ())


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
    assert len(kept) == 4  # the fourth is that of tasks and comments to their incident
    await store.close()
