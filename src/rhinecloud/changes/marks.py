"""The positions of consumers in the store's records: where each one goes on after a restart."""

from __future__ import annotations

import asyncio
import logging

import msgspec

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.store.port import Record, Store

KIND = "consumer-mark"
SAVE_EVERY_S = 1.0
"""A mark is written at most this often: so many seconds of changes may be handled again after a crash."""

_log = logging.getLogger(__name__)


class Marks:
    """Reads and writes the marks of consumers by their name."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, name: str) -> int | None:
        """Return the last change that a consumer has handled; None where there is no mark. Raise ValueError for a mark
        that cannot be read, Unavailable while the store is away."""
        record = await self._store.get_record(KIND, "", name)
        return msgspec.json.decode(record.body, type=int) if record is not None else None

    async def save(self, name: str, position: int) -> None:
        """Write a mark durably. Raise Unavailable."""
        await self._store.put_records([self.record(name, position)])

    @staticmethod
    def record(name: str, position: int) -> Record:
        """Return the record of a mark, to be written in one transaction with what the consumer itself keeps."""
        return Record(KIND, "", name, b"%d" % position)


class SavedMark:
    """The mark of one consumer: `move` returns at once, a timer writes it, and `close` writes it at last."""

    def __init__(self, marks: Marks, name: str) -> None:
        self._marks = marks
        self._name = name
        self._position = 0
        self._saved = -1
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None
        self._closed = False

    async def load(self) -> int | None:
        """Return the stored position, None where there is none or it cannot be read."""
        try:
            found = await self._marks.load(self._name)
        except ValueError:
            _log.exception(
                "the mark of the consumer %s cannot be read; it begins with the newest change", self._name
            )
            return None
        if found is not None:
            self._position = self._saved = found
        return found

    def move(self, position: int) -> None:
        """Set the position, which is written soon; nothing after `close`."""
        if self._closed:
            return
        self._position = position
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SAVE_EVERY_S, self._start_saving)

    async def save(self) -> None:
        """Write the position now, where it has moved. Raise Unavailable."""
        position = self._position
        if position != self._saved:
            await self._marks.save(self._name, position)
            self._saved = position

    async def close(self) -> None:
        """Write the position for the last time and stop the timer; while the store is away the older mark stays.

        Another consumer may go on under this name from then on, so nothing is written again.
        """
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._saving is not None:
            await asyncio.shield(self._saving)
        await self._try_to_save()

    def _start_saving(self) -> None:
        self._timer = None
        self._saving = asyncio.create_task(self._try_to_save(), name=f"{self._name}: save mark")

    async def _try_to_save(self) -> None:
        try:
            await self.save()
        except Unavailable as error:
            _log.warning("the mark of the consumer %s is not written: %s", self._name, error)
