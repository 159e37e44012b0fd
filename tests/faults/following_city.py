"""A process that writes, relays and follows, and notes in files what was acknowledged and what was handled.

Three consumers: one by its mark in the store, one that counts in the store in the same transaction as its mark, and one
that shares its work with a second member. Arguments: folder, the store's URL, seconds to write (0: until killed). Then
it waits until all was handled.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.store_writer import count_up
from rhinecloud.changes import marks as marks_module
from rhinecloud.changes.batch import Batch
from rhinecloud.changes.follower import Follower
from rhinecloud.changes.marks import Marks
from rhinecloud.changes.relay import Relay, RelaySettings
from rhinecloud.changes.shared import SharedFollower
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Record, Store, Written
from stream.running import running

COUNT = "count"


def noting(path: Path) -> Callable[[Batch], Awaitable[None]]:
    """Return the work of a consumer that appends the numbers it handled to a file, and takes its time."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def handle(batch: Batch) -> None:
        await asyncio.sleep(0.001)
        os.write(file, b"".join(b"%d\n" % each.seq for each in batch.changes()))

    return handle


async def count(follower: Follower, store: Store) -> None:
    """Count the changes in a record that is written together with the mark: each counts once."""
    mark = await Marks(store).load(follower.name) or 0
    record = await store.get_record(COUNT, "", COUNT)
    total = int(record.body) if record is not None else 0
    follower.start_after(mark)
    async with aclosing(follower.batches()) as batches:
        async for batch in batches:
            total += len(batch.changes())
            kept = Record(COUNT, "", COUNT, b"%d" % total)
            await store.put_records([kept, Marks.record(follower.name, batch.last)])
            follower.done(batch.last)


async def main(folder: Path, url: str, seconds: float) -> None:
    marks_module.SAVE_EVERY_S = 0.05
    acknowledged = os.open(folder / "acknowledged", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    store = make_store(StoreSettings(url=url), folder)
    await store.open()
    async with running(folder / "stream") as it:
        ending = asyncio.Event()

        async def write(number: int) -> None:
            while not ending.is_set():
                [answer] = await store.write([count_up(f"urn:x:{number}")])
                assert isinstance(answer, Written)
                os.write(acknowledged, b"%d\n" % answer.seq)
                await asyncio.sleep(0.001)

        marked, counting = Follower("marked", it.stream, Marks(store)), Follower("counting", it.stream)
        members = [SharedFollower("shared", it.stream) for _ in range(2)]
        tasks = [
            asyncio.create_task(Relay(store, it.stream, RelaySettings()).run()),
            asyncio.create_task(marked.run(noting(folder / "marked"))),
            asyncio.create_task(count(counting, store)),
            *[asyncio.create_task(each.run(noting(folder / "shared"))) for each in members],
        ]
        writing = [asyncio.create_task(write(number)) for number in range(8)]
        os.write(1, b"up\n")
        await asyncio.sleep(seconds or 3600)
        ending.set()
        await asyncio.gather(*writing)
        last = store.last_change()
        while marked.counters.position < last or counting.counters.position < last:
            await asyncio.sleep(0.01)
        while max(each.counters.position for each in members) < last:
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        record = await store.get_record(COUNT, "", COUNT)
        assert record is not None
        (folder / "counted").write_bytes(b"%d of %d" % (int(record.body), last))
    await store.close()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
