"""The files of the audit trail: one a day, `YYYY-MM-DD.jsonl`, to which lines are appended and nothing else is done.

A line is one write, so that a process that is killed leaves at most its last line torn. Only the user that the process
runs as may read or write the files. Several processes of a city may append to one file.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

SUFFIX = ".jsonl"
BLOCK = 1 << 16
LONGEST_LINE = 1 << 20

Position = tuple[str, int]
"""A day, and the offset of a line in its file."""


class AuditFiles:
    """Appends to the file of a day in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._day = ""
        self._file = -1
        self._unsynced = False

    def append(self, day: str, line: bytes) -> None:
        """Append a line, which ends with a newline; raise OSError."""
        with self._lock:
            if day != self._day:
                self._open(day)
            if os.write(self._file, line) != len(line):
                self._day = ""  # the file is opened anew for the next line, which ends the torn one
                raise OSError("the disk is full: a line of the audit trail was cut off")
            self._unsynced = True

    def sync(self) -> None:
        """Have the disk keep what was appended, also through a power failure."""
        with self._lock:
            if self._unsynced:
                os.fsync(self._file)
                self._unsynced = False

    def close(self) -> None:
        """Keep what was appended, and close the file."""
        self.sync()
        with self._lock:
            self._close()

    def expire(self, today: date, keep_days: int) -> int:
        """Delete the files of days that are longer ago; return how many."""
        oldest = (today - timedelta(days=keep_days)).isoformat()
        gone = [path for path in self._folder.glob(f"*{SUFFIX}") if path.stem < oldest]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def _open(self, day: str) -> None:
        self._close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{day}{SUFFIX}"
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._day = day
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")  # a line that a crash tore off ends here

    def _close(self) -> None:
        if self._file >= 0:
            if self._unsynced:
                os.fsync(self._file)
                self._unsynced = False
            os.close(self._file)
        self._file, self._day = -1, ""


def read_backward(folder: Path, before: Position | None = None) -> Iterator[tuple[Position, bytes]]:
    """Yield each line with its position, the newest first; those before `before`, where it is given."""
    for path in sorted(folder.glob(f"*{SUFFIX}"), reverse=True):
        if before is None or path.stem <= before[0]:
            end = before[1] if before is not None and path.stem == before[0] else None
            yield from (((path.stem, offset), line) for offset, line in _lines_backward(path, end))


def _lines_backward(path: Path, end: int | None) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file with their offsets from the end; a file that is gone has none."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        size = file.seek(0, os.SEEK_END)
        start, rest = size if end is None else min(end, size), b""
        while start > 0:
            step = min(BLOCK, start)
            start -= step
            file.seek(start)
            block = file.read(step) + rest
            first, *lines = block.split(b"\n")
            offset = start + len(block)
            for line in reversed(lines):
                offset -= len(line)
                if line:
                    yield offset, line
                offset -= 1
            rest = first if len(first) < LONGEST_LINE else b""
        if rest:
            yield 0, rest
