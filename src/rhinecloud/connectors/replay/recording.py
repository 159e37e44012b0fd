"""Reads a recording unit by unit: lines of a log or a table, whole files, or messages of MQTT.

A recording is a file, a folder, or a pattern; several files come in the order of their names. `.gz` is unpacked. An
MQTT recording is the output of `mosquitto_sub -F %J` (or `%j`): JSON lines with `topic`, `payload` and `tst`.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, cast

import orjson

from rhinecloud.connectors.bounded import gunzip
from rhinecloud.connectors.model import LinkBroken
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.moments import find_moment
from rhinecloud.pack.codec import Codec, DecodeError, Framing


@dataclass(frozen=True, slots=True)
class Unit:
    """A line or file of a recording, and its time."""

    body: bytes
    origin: str
    moment: datetime | None
    retained: bool = False


@dataclass(frozen=True, slots=True)
class FeedRecording:
    """The files of a recording, how to read them, and the most bytes of a line and of an unpacked file."""

    files: tuple[Path, ...]
    codec: Codec
    line_bytes: int
    file_bytes: int
    mqtt: bool = False

    def units(self) -> Iterator[Unit]:
        """Yield the units in order; raise LinkBroken where a file cannot be read."""
        for path in self.files:
            try:
                yield from self._units_of(path)
            except (OSError, EOFError, zlib.error) as error:
                raise LinkBroken(f"cannot read {path}: {error}") from None

    def _units_of(self, path: Path) -> Iterator[Unit]:
        if self.mqtt or self.codec.framing is Framing.LINE:
            with _open(path) as file:
                while line := file.readline(self.line_bytes):
                    unit = (
                        _mqtt_unit(line) if self.mqtt else Unit(line, path.name, self.codec.recorded_at(line))
                    )
                    yield unit
            return
        if path.stat().st_size > self.file_bytes:
            raise LinkBroken(f"{path} is larger than {self.file_bytes} bytes")
        try:
            body = gunzip(path.read_bytes(), self.file_bytes)
        except DecodeError as error:
            raise LinkBroken(f"cannot read {path}: {error}") from None
        yield Unit(body, path.name, self.codec.recorded_at(body))


def find_files(pattern: str, root: Path) -> tuple[Path, ...]:
    """Return the files of a recording below `root` (the city's folder); raise Invalid where there is none."""
    path = root / pattern
    if path.is_dir():
        found = [each for each in path.iterdir() if each.is_file() and not each.name.startswith(".")]
    elif path.is_file():
        found = [path]
    else:
        base = Path(path.anchor) if Path(pattern).is_absolute() else root
        relative = str(Path(pattern).relative_to(base)) if Path(pattern).is_absolute() else pattern
        found = [each for each in base.glob(relative) if each.is_file()]
    if not found:
        raise Invalid(f"must be a recording, not {path}, which does not exist", field="path")
    return tuple(sorted(found))


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _mqtt_unit(line: bytes) -> Unit:
    """Return one recorded message; any other line is returned unchanged, so that the codec rejects it."""
    try:
        wrapped = orjson.loads(line)
        topic, payload = str(wrapped["topic"]), wrapped["payload"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Unit(line, "", None)
    body = payload.encode() if isinstance(payload, str) else orjson.dumps(payload)
    return Unit(body, topic, find_moment(wrapped.get("tst")), wrapped.get("retain") == 1)
