"""Lets the system read the file into its cache once, when the store is opened.

A page of 20 among a million entities lies on 20 pages of the file. Reading them from the disk takes five times the
processor time, and the event loop waits for each. The system itself reads ahead only what is read in order.
"""

from __future__ import annotations

import os
import threading
import time

import psutil

STEP_BYTES = 8 * 1024 * 1024
MOST_SHARE = 0.5
"""A file that takes more of the available memory is not read: one half would evict the other."""


class FilePrefetch:
    """Requests an open file in steps, each with a pause of the same length, from `start` to `stop`."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-prefetch", daemon=True)

    def start(self) -> None:
        """Start, if the system supports it."""
        if hasattr(os, "posix_fadvise"):
            self._thread.start()

    def stop(self) -> None:
        """Stop at once."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        size = os.fstat(self._file).st_size
        if size > psutil.virtual_memory().available * MOST_SHARE:
            return
        for start in range(0, size, STEP_BYTES):
            began = time.perf_counter()
            os.posix_fadvise(self._file, start, STEP_BYTES, os.POSIX_FADV_WILLNEED)
            if self._stopped.wait(time.perf_counter() - began):
                return
