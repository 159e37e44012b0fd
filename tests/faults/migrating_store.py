"""A process that migrates a store and says on stdout which entity it looks at, until it is done or somebody kills it.

Arguments: folder, the store's URL.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rhinecloud.kernel.time import utc_now
from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.migrations import migrate_data
from store.old_data import DROP, SPLIT


def split_aloud(shelf: Entity) -> Mapping[str, Entity | None]:
    os.write(1, f"{shelf.id}\n".encode())
    return SPLIT.rewrite(shelf)


async def main(folder: Path, url: str) -> None:
    store = make_store(StoreSettings(url=url), folder)
    await store.open()
    library = {"library": [replace(SPLIT, rewrite=split_aloud), DROP]}
    await migrate_data(store, library, utc_now, "0.2.0", page=5)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
