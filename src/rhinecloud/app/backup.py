"""Backup and restore: all data of a city in one tar file with a manifest of digests.

The history is copied before the state: changes that the history lacks are in the state's log of changes, from which
the stream, and so the history, is brought up to date at the next start.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rhinecloud import __version__
from rhinecloud.app.folder import DataFolder
from rhinecloud.kernel.errors import Conflict, Invalid
from rhinecloud.kernel.time import format_time

MANIFEST = "manifest.json"
FORMAT = 1
CHUNK = 1 << 20

Copy = Callable[[str], Awaitable[None]]
"""Writes a consistent copy of an engine's file to a path that does not exist yet."""


class BrokenBackup(Invalid):
    """The file is not a backup, or is damaged."""


class DataExists(Conflict):
    """The data folder is not empty."""


async def write_backup(
    target: Path, copies: Mapping[str, Copy], city: str, now: datetime, workplace: Path
) -> dict[str, Any]:
    """Copy each file in order, write all into the tar file `target`, and return the manifest."""
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=workplace) as temporary:
        folder = Path(temporary)
        for name, copy in copies.items():
            await copy(str(folder / name))
        manifest = {"format": FORMAT, "version": __version__, "city": city, "created_at": format_time(now)}
        return await asyncio.to_thread(_pack, folder, list(copies), manifest, target)


def read_manifest(archive: Path) -> dict[str, Any]:
    """Return the manifest of a backup; raise BrokenBackup."""
    try:
        with tarfile.open(archive) as tar:
            return _manifest_in(tar, archive)
    except OSError as error:
        raise BrokenBackup(f"cannot read the file: {error.strerror}", field=str(archive)) from None
    except tarfile.TarError:
        raise BrokenBackup("must be a backup: this is not a complete tar file", field=str(archive)) from None


def restore(
    archive: Path,
    data: Path,
    *,
    force: bool,
    now: datetime,
    progress: Callable[[int], None] = lambda size: None,
) -> Path | None:
    """Restore a backup into a data folder once every digest is verified; return the folder of the old data, if any.

    `progress` is called with the number of further bytes that were read.

    Raise BrokenBackup, DataExists (unless `force`), or InUse while the city is running.
    """
    folder = DataFolder(data)
    occupied = data.exists() and any(path.name != "city.lock" for path in data.iterdir())
    if occupied and not force:
        raise DataExists(f"{data} must be empty; --force renames the existing data and continues")
    data.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{data.name}-", dir=data.parent))
    try:
        _unpack(archive, fresh, progress)
        if not data.exists():
            fresh.rename(data)
            return None
        folder.take()
        try:
            old = data.with_name(f"{data.name}-{now.strftime('%Y%m%dT%H%M%SZ')}")
            data.rename(old)
            fresh.rename(data)
        finally:
            folder.release()
        if not occupied:
            shutil.rmtree(old)
            return None
        return old
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _pack(folder: Path, names: list[str], head: dict[str, Any], target: Path) -> dict[str, Any]:
    manifest = {
        **head,
        "files": [
            {"name": name, "size": (folder / name).stat().st_size, "sha256": _digest(folder / name)}
            for name in names
        ],
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
        for name in [MANIFEST, *names]:
            tar.add(folder / name, arcname=name)
    return manifest


def _unpack(archive: Path, folder: Path, progress: Callable[[int], None]) -> None:
    try:
        with tarfile.open(archive) as tar:
            manifest = _manifest_in(tar, archive)
            for entry in manifest["files"]:
                name = str(entry["name"])
                member = tar.extractfile(name)
                if member is None or name != Path(name).name:
                    raise BrokenBackup(f"must contain the file {name}", field=str(archive))
                digest = hashlib.sha256()
                with (folder / name).open("wb") as file:
                    while chunk := member.read(CHUNK):
                        digest.update(chunk)
                        file.write(chunk)
                        progress(len(chunk))
                if digest.hexdigest() != entry["sha256"]:
                    raise BrokenBackup(
                        f"{name} is damaged: its digest is not that of the manifest", field=str(archive)
                    )
    except (tarfile.TarError, OSError, KeyError, TypeError) as error:
        raise BrokenBackup(f"must be a backup: {error}", field=str(archive)) from None


def _manifest_in(tar: tarfile.TarFile, archive: Path) -> dict[str, Any]:
    try:
        member = tar.extractfile(MANIFEST)
        manifest = json.loads(member.read()) if member else None
    except (KeyError, ValueError):  # no such file in it, or not JSON
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BrokenBackup(f"must have a manifest of format {FORMAT}", field=str(archive))
    return manifest


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
