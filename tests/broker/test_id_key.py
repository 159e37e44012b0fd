"""The secret key of a city's own ids: made once, kept, and the same for every process."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rhinecloud.broker.id_key import read_keyed_ids
from rhinecloud.kernel.ids import KeyedIds, derived_urn
from rhinecloud.kernel.time import utc_now
from rhinecloud.store.engine import StoreSettings, make_store

PARTS = ("Alert", "high-water", "urn:ngsi-ld:WaterObserved:ruhrort", "2026-03-01T12:00:00Z")


async def test_a_key_is_made_once_and_kept(tmp_path: Path, either_store: StoreSettings) -> None:
    store = make_store(either_store, tmp_path)
    await store.open()
    try:
        first, second = await asyncio.gather(read_keyed_ids(store, utc_now), read_keyed_ids(store, utc_now))
        assert first.derive(*PARTS) == second.derive(*PARTS)
    finally:
        await store.close()
    store = make_store(either_store, tmp_path)
    await store.open()
    try:
        assert (await read_keyed_ids(store, utc_now)).derive(*PARTS) == first.derive(*PARTS)
    finally:
        await store.close()


def test_without_the_key_an_id_is_not_foreseen() -> None:
    found = {KeyedIds(key).derive(*PARTS) for key in (b"one", b"two")} | {derived_urn(*PARTS)}
    assert len(found) == 3
    assert all(each.startswith("urn:ngsi-ld:Alert:") for each in found)
