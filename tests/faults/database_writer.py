"""A process that writes to a database with several tasks and says on stdout what was acknowledged, until it is told to
stop; each edit leaves a token of its own, so that one applied twice is found out."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Decision, Edit, Put, Store, Written

LEVEL, TOKEN = "https://example.org/level", "https://example.org/token"
AT = "2026-03-01T10:00:00Z"


def count_up(entity_id: str, token: str) -> Edit:
    def decide(before: Entity | None) -> Decision:
        level = before.attrs[LEVEL][0].value + 1 if before else 1
        attrs = {LEVEL: [Instance(value=level)], TOKEN: [Instance(value=token)]}
        return Put(Entity(id=entity_id, type=["https://example.org/Gauge"], attrs=attrs), [LEVEL])

    return Edit("", entity_id, decide, AT)


async def write(store: Store, name: str, entities: int, task: int) -> None:
    number = 0
    while True:
        number += 1
        entity_id, token = f"urn:x:{(task + number) % entities}", f"{name}-{task}-{number}"
        try:
            [answer] = await store.write([count_up(entity_id, token)])
        except Unavailable:
            await asyncio.sleep(0.02)
            continue
        assert isinstance(answer, Written), answer
        os.write(1, f"{answer.seq} {entity_id} {token}\n".encode())


async def main(url: str, name: str, tasks: int, entities: int) -> None:
    store = make_store(StoreSettings(url=url), Path())
    await store.open()
    writers = [asyncio.create_task(write(store, name, entities, task)) for task in range(tasks)]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await asyncio.wait([*writers, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
    for writer in writers:
        writer.cancel()
    ended = await asyncio.gather(*writers, return_exceptions=True)
    failures = [each for each in ended if not isinstance(each, asyncio.CancelledError)]
    if failures:
        raise failures[0]
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
