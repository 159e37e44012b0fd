"""Copies the store while the city runs; the file is complete or does not exist."""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from rhinecloud.kernel.errors import Invalid
from rhinecloud.store.sqlite.schema import connect


def copy_store(source: Path, target: Path) -> None:
    """Write a compact copy of `source` to `target`, durably. Raise Invalid if the target exists."""
    if target.exists():
        raise Invalid(f"{target} must not exist", field="target")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    connection = connect(source, read_only=True)
    try:
        connection.execute("VACUUM INTO ?", (str(partial),))
        _flush(partial)
        partial.rename(target)
        _flush(target.parent)
    except apsw.Error:
        partial.unlink(missing_ok=True)
        raise
    finally:
        connection.close()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
