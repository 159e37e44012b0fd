"""A number that the city's process counts up whenever a record changes of which readers hold copies.

It lies in memory that both processes map, so a reader sees it before the change is acknowledged to anybody, and
forwards requests until it has read the change.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_NUMBER = struct.Struct("=Q")


class RecordEdition:
    """The number in a file; one process counts, others read."""

    def __init__(self, path: Path) -> None:
        """Map the file, which is made where it is not there."""
        with path.open("a+b") as file:
            if file.seek(0, 2) < _NUMBER.size:
                file.truncate(_NUMBER.size)
            self._memory = mmap.mmap(file.fileno(), _NUMBER.size)

    @property
    def number(self) -> int:
        """The number now."""
        found: int = _NUMBER.unpack_from(self._memory)[0]
        return found

    def advance(self) -> None:
        """Count one change."""
        _NUMBER.pack_into(self._memory, 0, self.number + 1)

    def close(self) -> None:
        """Release the memory."""
        self._memory.close()
