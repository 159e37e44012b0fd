"""The machine of a measurement, in words."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import apsw


def machine() -> str:
    """Name processor, cores, kernel, Python and SQLite."""
    return (
        f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()} {platform.machine()}, "
        f"Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}"
    )


def processor() -> str:
    """Return the processor's model, where the system reports it."""
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or "unknown processor"
