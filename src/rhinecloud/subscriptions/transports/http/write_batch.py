"""What leaves in one go: the requests that one turn of the loop causes are written one right after the other.

To wake a receiver that sleeps is paid for by whoever writes to it. Written one by one, each between two pieces of other
work, every request would wake it anew.
"""

from __future__ import annotations

import asyncio
from typing import Protocol


class BufferedWriter(Protocol):
    """A connection with something to write."""

    def write(self) -> None:
        """Write it, where the connection is still open."""
        ...


class WriteBatch:
    """Connections with something to write; they do at the end of the turn, or when `flush` is called."""

    def __init__(self) -> None:
        self._waiting: list[BufferedWriter] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, writer: BufferedWriter) -> None:
        """Let a connection write soon."""
        if not self._waiting:
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self.flush)
        self._waiting.append(writer)

    def flush(self) -> None:
        """Let all of them write now."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for writer in waiting:
                writer.write()
