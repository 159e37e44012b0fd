"""The requests of one turn leave one right after the other."""

from __future__ import annotations

import asyncio

from rhinecloud.subscriptions.transports.http.write_batch import WriteBatch


class Named:
    def __init__(self, name: str, written: list[str]) -> None:
        self.name = name
        self.written = written

    def write(self) -> None:
        self.written.append(self.name)


async def test_what_one_turn_causes_leaves_at_its_end_and_in_order() -> None:
    departures, written = WriteBatch(), list[str]()
    for name in "abc":
        departures.add(Named(name, written))
    assert written == []
    await asyncio.sleep(0)
    assert written == ["a", "b", "c"]


async def test_who_is_in_a_hurry_sends_it_off_and_nothing_leaves_twice() -> None:
    departures, written = WriteBatch(), list[str]()
    departures.add(Named("a", written))
    departures.flush()
    assert written == ["a"]
    departures.add(Named("b", written))
    await asyncio.sleep(0)
    assert written == ["a", "b"]
