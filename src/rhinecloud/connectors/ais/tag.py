"""What a receiver writes around a sentence: NMEA tag blocks before it, and fields after its checksum.

A tag block (`\\\\s:station,c:1577836800,g:1-2-77*hh\\\\`) names the station, the time, and the group of sentences that
are one message. After the checksum some receivers write the time in POSIX seconds, and the station as `r…` or `b…`.

Source: NMEA 0183 v4.10, section 7; gpsd's AIVDM.html describes both in public.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rhinecloud.kernel.moments import find_moment

_BLOCK = re.compile(rb"\\([^\\]*)\\")
_GROUP = re.compile(r"(?:\d+-\d+-)?(\w+)")
_OLD_GROUP = re.compile(r"\d+G\d+")
"""A key of older stations: `1G2:77` is `g:1-2-77`."""
_BETWEEN = re.compile(r"[,;|\s]+")
_STATION = re.compile(r"[rb]\w+")


@dataclass(frozen=True, slots=True)
class Tag:
    """`source` is the station's name, `time` the time of receipt there, `group` the name of a message in parts."""

    source: str = ""
    time: datetime | None = None
    group: str = ""

    def or_else(self, other: Tag) -> Tag:
        """Return this with what only the other says."""
        return Tag(self.source or other.source, self.time or other.time, self.group or other.group)


NO_TAG = Tag()


def read_tags(blocks: bytes) -> Tag:
    """Return what tag blocks say; one with a wrong checksum counts as absent."""
    tag = NO_TAG
    for block in _BLOCK.findall(blocks):
        tag = tag.or_else(_read(block))
    return tag


def read_fields(text: bytes) -> Tag:
    """Return the time and the station of the fields that a receiver writes beside a sentence; the first of each."""
    words = [word for word in _BETWEEN.split(text.decode("ascii", "replace")) if word]
    time = next((moment for word in words if (moment := find_moment(word))), None)
    return Tag(source=next(filter(_STATION.fullmatch, words), ""), time=time)


def _read(block: bytes) -> Tag:
    fields, star, check = block.rpartition(b"*")
    try:
        if not star or int(check, 16) != _checksum(fields):
            return NO_TAG
        pairs = dict(_pairs(fields.decode("ascii").split(",")))
    except (ValueError, UnicodeDecodeError):
        return NO_TAG
    group = _GROUP.fullmatch(pairs.get("g", ""))
    return Tag(pairs.get("s", ""), find_moment(pairs.get("c")), group[1] if group else "")


def _pairs(fields: Iterable[str]) -> Iterable[tuple[str, str]]:
    for field in fields:
        key, colon, value = field.partition(":")
        if colon:
            yield "g" if _OLD_GROUP.fullmatch(key) else key, value


def _checksum(fields: bytes) -> int:
    value = 0
    for byte in fields:
        value ^= byte
    return value
