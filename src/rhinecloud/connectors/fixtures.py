"""Recordings of real sources with the expected entities: tests of a pack's codecs and mappings, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from rhinecloud.connectors.pipeline import FeedMarks, Pipeline, ReadItem
from rhinecloud.connectors.replay.recording import FeedRecording
from rhinecloud.connectors.settings import ConnectorSettings
from rhinecloud.kernel.declarative import DeclarativeModel, ReadBy
from rhinecloud.kernel.time import parse_time
from rhinecloud.pack.codec import Codec, DecodeFault, Ignored, Parcel
from rhinecloud.pack.mapping import EntityFragment, Mapping

Moment = Annotated[datetime, ReadBy(parse_time, {"type": "string", "format": "date-time"})]


class RecordedCase(DeclarativeModel):
    """One recording, how it is decoded, and the expected result."""

    file: Annotated[str, Field(min_length=1)]
    """The recording, beside this file."""
    codec: Annotated[str, Field(min_length=1)]
    """The codec that decodes it, as a feed names it."""
    mapping: Annotated[str, Field(min_length=1)]
    """The mapping of this pack that is applied."""
    received: Moment
    """The time of receipt for the mapping."""
    feed: Annotated[dict[str, Any], Field(default_factory=dict)]
    """Further settings of the feed, such as `time_field` or `fields`."""
    entities: Annotated[dict[str, int], Field(default_factory=dict)]
    """The number of different entities of each type."""
    faults: Annotated[int, Field(ge=0)] = 0
    """The number of units or messages that cannot be processed."""
    expect: tuple[dict[str, Any], ...] = ()
    """Entities that must be among them, by `id`, with the attributes that they must have in simplified form."""
    alerts: tuple[str, ...] = ()
    """Rules of the pack that the recording must trigger."""


class FixtureFile(DeclarativeModel):
    """The recordings of one source."""

    case: Annotated[tuple[RecordedCase, ...], Field(min_length=1)]


@dataclass(slots=True)
class PlayedCase:
    """The result of a recording: fragments in their order, and faults."""

    fragments: list[EntityFragment] = field(default_factory=list)
    faults: list[DecodeFault] = field(default_factory=list)
    messages: int = 0


def play(
    case: RecordedCase, folder: Path, make_codec: Callable[[], Codec], meaning: Mapping, *, mqtt: bool = False
) -> PlayedCase:
    """Return the result of a recording, decoded and mapped as a feed does; raise LinkBroken where it is unreadable."""
    limits = ConnectorSettings()
    file = folder / case.file
    recording = FeedRecording((file,), make_codec(), limits.line_bytes, limits.body_bytes, mqtt=mqtt)
    units = (Parcel(unit.body, case.received, unit.origin) for unit in recording.units())
    return _read(units, case, make_codec, meaning)


def read_damaged(
    body: bytes, case: RecordedCase, make_codec: Callable[[], Codec], meaning: Mapping
) -> PlayedCase:
    """Return the result of damaged bytes; any error that is raised is a fault of the codec."""
    return _read([Parcel(body, case.received, case.file)], case, make_codec, meaning)


def _read(
    parcels: Iterable[Parcel], case: RecordedCase, make_codec: Callable[[], Codec], meaning: Mapping
) -> PlayedCase:
    fields = {str(key): str(value) for key, value in dict(case.feed.get("fields", {})).items()}
    pipeline = Pipeline(make_codec(), meaning, _never_written, FeedMarks(fields=fields))
    played = PlayedCase()
    for parcel in parcels:
        for item in pipeline.read(parcel):
            _take(item, played)
    return played


def damaged(path: Path) -> Iterator[bytes]:
    """Yield damaged copies of a recording: empty, cut off, with a part overwritten, and other bytes altogether."""
    body = path.read_bytes()[: 1 << 16]
    yield b""
    yield body[: len(body) // 2]
    yield body[: len(body) // 3] + b"\xff\x00{]" * 8 + body[len(body) // 2 :]
    yield bytes(range(256)) * 4


def _take(item: ReadItem, played: PlayedCase) -> None:
    if isinstance(item, Ignored):
        return
    if isinstance(item, DecodeFault):
        played.faults.append(item)
        played.messages += item.decoded
        return
    played.messages += 1
    played.fragments.extend(item.fragments)
    if item.fault:
        played.faults.append(DecodeFault(b"", item.fault, decoded=True, origin=item.origin))


async def _never_written(fragments: Any) -> Any:
    raise AssertionError("a recording under test is not written")
