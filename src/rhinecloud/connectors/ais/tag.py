"""NMEA tag blocks (`\\\\s:station,c:1577836800*hh\\\\`): the station that received a sentence, and the time.

Source: NMEA 0183 v4.10, section 7; gpsd's AIVDM.html describes them in public.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

EARLIEST_S = 631_152_000
"""1990, before AIS; smaller numbers are not times."""
LATEST_S = 4_102_444_800
"""2100."""


@dataclass(frozen=True, slots=True)
class Tag:
    """`source` is the station's name or '', `time` the time of receipt there."""

    source: str = ""
    time: datetime | None = None


NO_TAG = Tag()


def split_tag(line: bytes) -> tuple[Tag, bytes]:
    """Return a line's tag block and its sentence; a tag block with a wrong checksum counts as absent."""
    end = line.find(b"\\", 1)
    if end < 0:
        return NO_TAG, line
    return _read(line[1:end]), line[end + 1 :]


def _read(block: bytes) -> Tag:
    fields, star, check = block.rpartition(b"*")
    try:
        if not star or int(check, 16) != _checksum(fields):
            return NO_TAG
        pairs = dict(part.split(":", 1) for part in fields.decode("ascii").split(",") if ":" in part)
    except (ValueError, UnicodeDecodeError):
        return NO_TAG
    return Tag(source=pairs.get("s", ""), time=_moment(pairs.get("c", "")))


def _moment(text: str) -> datetime | None:
    """Return a time of POSIX seconds; some receivers write milliseconds."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    if seconds > LATEST_S:
        seconds /= 1000.0
    return datetime.fromtimestamp(seconds, UTC) if EARLIEST_S <= seconds <= LATEST_S else None


def _checksum(fields: bytes) -> int:
    value = 0
    for byte in fields:
        value ^= byte
    return value
