"""A process that writes, relays and consumes, and notes in files what was acknowledged and what was handled.

Arguments: folder, the store's URL, writers, seconds to write (0: until killed). Then it waits until all was handled.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.store_writer import count_up
from rhinecloud.changes.relay import Relay, RelaySettings
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Written
from rhinecloud.stream.port import Frame
from stream.running import running


def note(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


async def main(folder: Path, url: str, writers: int, seconds: float) -> None:
    acknowledged, handled = note(folder / "acknowledged"), note(folder / "handled")
    store = make_store(StoreSettings(url=url), folder)
    await store.open()
    async with running(folder / "stream") as it:
        relay = Relay(store, it.stream, RelaySettings())
        position = 0

        async def handle(frame: Frame) -> None:
            nonlocal position
            await asyncio.sleep(0.001)
            position = frame.last
            os.write(handled, f"{frame.first} {frame.last}\n".encode())

        async def write(number: int) -> None:
            while True:
                [answer] = await store.write([count_up(f"urn:x:{number}")])
                assert isinstance(answer, Written)
                os.write(acknowledged, f"{answer.seq}\n".encode())
                await asyncio.sleep(0.001)

        tasks = [asyncio.create_task(relay.run()), asyncio.create_task(it.stream.consume("worker", handle))]
        writing = [asyncio.create_task(write(number)) for number in range(writers)]
        os.write(1, b"up\n")
        await asyncio.sleep(seconds or 3600)
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        while position < store.last_change():
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await store.close()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
