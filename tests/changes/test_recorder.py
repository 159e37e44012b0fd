"""The history is filled from the stream, whole and once, whatever stops in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rhinecloud.changes.recorder import Recorder
from rhinecloud.history.sqlite import HotTable
from rhinecloud.ngsild.change import Change, ChangeKind, encode_change
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.stream.port import Frame
from stream.running import Running, running

LEVEL = "https://example.org/level"


def frame(first: int, last: int) -> Frame:
    """Changes of one gauge, whose level is the sequence number."""
    bodies = []
    for seq in range(first, last + 1):
        entity = Entity(
            id="urn:x:gauge", type=["https://example.org/Gauge"], attrs={LEVEL: [Instance(value=seq)]}
        )
        at = f"2026-03-01T{seq // 3600:02}:{seq // 60 % 60:02}:{seq % 60:02}Z"
        bodies.append(
            encode_change(Change(seq=seq, kind=ChangeKind.UPDATED, at=at, entity=entity, changed=[LEVEL]))
        )
    return Frame(first, last, b"[" + b",".join(bodies) + b"]")


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path / "stream") as it:
        yield it


@contextlib.asynccontextmanager
async def recording(folder: Path, it: Running) -> AsyncIterator[tuple[Recorder, HotTable]]:
    history = HotTable(folder / "history.db")
    await history.open()
    recorder = Recorder(history, it.stream)
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder, history
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await history.close()


async def until(recorder: Recorder, position: int) -> None:
    async with asyncio.timeout(60):
        while recorder.counters.position < position:
            await asyncio.sleep(0.01)


async def levels(history: HotTable) -> list[object]:
    return [sample.value for sample in await history.series("", "urn:x:gauge", LEVEL, limit=10_000)]


async def test_what_the_stream_holds_comes_into_the_history(it: Running, tmp_path: Path) -> None:
    await it.stream.publish(frame(1, 10))
    async with recording(tmp_path, it) as (recorder, history):
        await it.stream.publish(frame(11, 15))
        await until(recorder, 15)
        assert await levels(history) == list(range(1, 16))
        assert await history.position() == 15


async def test_it_goes_on_where_the_history_ends(it: Running, tmp_path: Path) -> None:
    for start in range(1, 101, 20):
        async with recording(tmp_path, it) as (recorder, history):
            for first in range(start, start + 20, 5):
                await it.stream.publish(frame(first, first + 4))
            await until(recorder, start + 9)  # and is stopped with work in hand
    async with recording(tmp_path, it) as (recorder, history):
        await until(recorder, 100)
        assert await levels(history) == list(range(1, 101))


async def test_many_frames_are_written_together(it: Running, tmp_path: Path) -> None:
    async with recording(tmp_path, it) as (recorder, history):
        for seq in range(1, 301):
            await it.stream.publish(frame(seq, seq))
        await until(recorder, 300)
        assert await levels(history) == list(range(1, 301))


async def test_what_the_stream_no_longer_holds_is_counted_and_passed_over(
    it: Running, tmp_path: Path
) -> None:
    await it.stream.publish(frame(21, 30))
    async with recording(tmp_path, it) as (recorder, history):
        await until(recorder, 30)
        assert recorder.counters.missed == 20
        assert await levels(history) == list(range(21, 31))


async def test_however_little_may_wait_to_be_written_all_of_it_comes(
    it: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rhinecloud.changes.recorder.MOST_BYTES", 1)
    for first in range(1, 31, 10):
        await it.stream.publish(frame(first, first + 9))
    async with recording(tmp_path, it) as (recorder, history):
        await until(recorder, 30)
        assert await levels(history) == list(range(1, 31))
