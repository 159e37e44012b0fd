"""A city with one MQTT feed in a process of its own, to be killed: `feeding_city.py FOLDER MQTT-URL STORE-URL`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from connectors.city import open_city, status
from rhinecloud.store.engine import StoreSettings


async def main(folder: Path, url: str, kept: str) -> None:
    """Feed until killed, and print how many entities were written."""
    async with open_city(folder, kept=StoreSettings(url=kept)) as city:
        feeds = await city.feed(connector="mqtt", mapping="air", topic="air/#", url=url)
        while True:
            print(status(feeds).accepted, flush=True)  # noqa: T201 - read by the test
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
