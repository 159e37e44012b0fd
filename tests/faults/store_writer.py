"""A process that writes to a store and says on stdout what was acknowledged, until somebody kills it.

Arguments: folder, the store's URL, writers.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Decision, Edit, Put, Written

LEVEL = "https://example.org/level"
AT = "2026-03-01T10:00:00Z"


def count_up(entity_id: str) -> Edit:
    def decide(before: Entity | None) -> Decision:
        level = before.attrs[LEVEL][0].value + 1 if before else 1
        place = {"type": "Point", "coordinates": [level % 180, 51.4]}
        attrs = {
            LEVEL: [Instance(value=level)],
            "https://uri.etsi.org/ngsi-ld/location": [Instance(type="GeoProperty", value=place)],
        }
        return Put(Entity(id=entity_id, type=["https://example.org/Gauge"], attrs=attrs), [LEVEL])

    return Edit("", entity_id, decide, AT)


async def main(folder: Path, url: str, writers: int) -> None:
    store = make_store(StoreSettings(url=url), folder)
    await store.open()

    async def write(number: int) -> None:
        entity_id = f"urn:x:{number}"
        while True:
            [answer] = await store.write([count_up(entity_id)])
            assert isinstance(answer, Written)
            assert answer.entity is not None
            os.write(1, f"{answer.seq} {entity_id} {answer.entity.attrs[LEVEL][0].value}\n".encode())

    await asyncio.gather(*(write(number) for number in range(writers)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
