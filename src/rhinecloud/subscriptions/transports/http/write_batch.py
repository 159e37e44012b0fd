"""Requests that one turn of the loop causes are written one right after the other, at the end of the turn.

Waking a receiver that sleeps costs the process that writes to it. If each request were written between two pieces of
other work, each would wake the receiver anew.
"""

from __future__ import annotations

import asyncio
from typing import Protocol


class BufferedWriter(Protocol):
    """A connection with something to write."""

    def write(self) -> None:
        """Write it, if the connection is still open."""
        ...


class WriteBatch:
    """Connections with something to write; they write at the end of the turn, or when `flush` is called."""

    def __init__(self) -> None:
        self._waiting: list[BufferedWriter] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, writer: BufferedWriter) -> None:
        """Add a connection."""
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
