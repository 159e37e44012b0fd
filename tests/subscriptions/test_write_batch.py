"""The requests of one turn of the loop are written one right after the other."""

from __future__ import annotations

import asyncio

from rhinecloud.subscriptions.transports.http.write_batch import WriteBatch


class Named:
    def __init__(self, name: str, written: list[str]) -> None:
        self.name = name
        self.written = written

    def write(self) -> None:
        self.written.append(self.name)


async def test_what_one_turn_causes_is_written_at_its_end_and_in_order() -> None:
    batch, written = WriteBatch(), list[str]()
    for name in "abc":
        batch.add(Named(name, written))
    assert written == []
    await asyncio.sleep(0)
    assert written == ["a", "b", "c"]


async def test_flush_writes_at_once_and_nothing_is_written_twice() -> None:
    batch, written = WriteBatch(), list[str]()
    batch.add(Named("a", written))
    batch.flush()
    assert written == ["a"]
    batch.add(Named("b", written))
    await asyncio.sleep(0)
    assert written == ["a", "b"]
