"""AIS: VDM and VDO sentences to messages.

A message has `mmsi`, `msg_type` (1 to 27) and the fields of its type under pyais' names, in the standard's units:
`lon`, `lat` (degrees), `speed` (knots), `course`, `heading` (degrees), `turn` (degrees a minute), `status`, `second`;
`shipname`, `callsign`, `imo`, `ship_type`, `destination`, `draught`, `to_bow`, `to_stern`, `to_port`, `to_starboard`
(metres), `name` (aids to navigation); bytes as hexadecimal text. A field that is "not available" is left out. Inland
messages add `eni`, `eri_ship_type`, `inland_length`, `inland_beam`, `inland_draught` (metres), `hazard` (blue cones),
`loaded` (1 loaded, 2 unloaded), `persons_on_board`, `crew`, `passengers`, `personnel`, `gauges` (`gauge`, `level_cm`).
`text` (safety messages), `dest_mmsi`, `aid_type`, `off_position`, `virtual_aid`, `alt` (metres) are pyais' names, too.
A tag block, or the fields after the checksum, add `time` (ISO 8601, UTC) and `source`; `simulated` is set where the
source begins with `sim`. What several stations report of one transmission is one message.

Sources: ITU-R M.1371-5, annex 8; IEC 61162-1 (sentences); gpsd's AIVDM.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from pyais.exceptions import AISBaseException
from pyais.messages import AISSentence, NMEASentenceFactory

from rhinecloud.connectors.ais.inland import hidden_names, name_inland
from rhinecloud.connectors.ais.parts import REPEATED, FragmentBuffer, ReceivedPart
from rhinecloud.connectors.ais.repeats import RepeatFilter
from rhinecloud.connectors.ais.sentence import FoundSentence, find_sentences
from rhinecloud.connectors.ais.tag import NO_TAG, Tag
from rhinecloud.kernel.time import format_time
from rhinecloud.pack.codec import DecodeFault, Framing, Ignored, Message, Parcel

LONGEST_SENTENCE = 1024
"""Bytes: the standard's longest is 82; some senders write longer ones."""

NOT_AVAILABLE: dict[str, frozenset[float]] = {
    "lon": frozenset({181.0}),
    "lat": frozenset({91.0}),
    "speed": frozenset({102.3}),
    "course": frozenset({360.0}),
    "heading": frozenset({511}),
    "turn": frozenset({-128.0}),
    "status": frozenset({15}),
    "second": frozenset({60}),
}
LONG_RANGE = 27
"""The long-range report has other values for "not available": whole knots and whole degrees."""
LONG_RANGE_NOT_AVAILABLE = {**NOT_AVAILABLE, "speed": frozenset({63.0}), "course": frozenset({511.0})}
AIRCRAFT = 9
"""The report of a search and rescue aircraft has whole knots and metres."""
AIRCRAFT_NOT_AVAILABLE = {**NOT_AVAILABLE, "speed": frozenset({1023.0}), "alt": frozenset({4095.0})}
DIFFERENTIAL = 17
"""The DGNSS broadcast has the position of its station in tenths of a minute, not in degrees."""


class AisCodec:
    """Decodes lines of NMEA sentences; keeps the first parts of messages in several sentences."""

    framing = Framing.LINE
    time_members = frozenset({"time"})

    def __init__(self) -> None:
        self._parts = FragmentBuffer()
        self._repeats = RepeatFilter()

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault | Ignored]:
        """Yield each complete message, and a DecodeFault for each invalid sentence; skip comments and GPS lines."""
        yield from self._parts.expire(parcel.received)
        for line in parcel.body.splitlines():
            if not line.lstrip(b" \t\x00").startswith(b"#"):
                for found in find_sentences(line):
                    yield from self._sentence(found, parcel.received)

    def finish(self) -> Iterator[DecodeFault]:
        """Yield the messages of which parts are missing when the source has ended."""
        yield from self._parts.finish()

    def recorded_at(self, unit: bytes) -> datetime | None:
        """Return the time that a receiver wrote around a sentence, or of its own GPS (an RMC sentence)."""
        found = next(find_sentences(unit.strip()), None)
        if found is None or found.tag.time is not None:
            return found.tag.time if found else None
        return _gps_time(found.text) if found.text[3:6] == b"RMC" else None

    def _sentence(
        self, found: FoundSentence, received: datetime
    ) -> Iterator[Message | DecodeFault | Ignored]:
        if found.text.startswith(b"$"):
            return
        try:
            part = ReceivedPart(_read_sentence(found.text), found.tag, found.raw)
            parts = [part]
            if part.sentence.frag_cnt > 1:
                reports = self._parts.add(part, received)
                parts = [each for each in reports if isinstance(each, ReceivedPart)]
                yield from (each for each in reports if not isinstance(each, ReceivedPart))
            if parts:
                yield self._whole(parts, received)
        except _Unreadable as error:
            yield DecodeFault(found.raw, str(error))

    def _whole(self, parts: list[ReceivedPart], received: datetime) -> Message | Ignored:
        """Return the message of all its parts; raise _Unreadable."""
        tag = NO_TAG
        for part in parts:
            tag = tag.or_else(part.tag)
        whole = AISSentence.assemble_from_iterable([part.sentence for part in parts])
        message = _message(whole, tag)
        if self._repeats.is_repeat(whole.payload, whole.fill_bits, tag.source, received):
            return Ignored(REPEATED, f"mmsi {message['mmsi']}, type {message['msg_type']}, by {tag.source}")
        return message


class _Unreadable(Exception):
    """A line that is not a message; it is only raised within this module."""


def _read_sentence(text: bytes) -> AISSentence:
    if len(text) > LONGEST_SENTENCE:
        raise _Unreadable(f"longer than {LONGEST_SENTENCE} bytes")
    if not text.startswith(b"!"):
        raise _Unreadable("no AIS sentence: it must begin with `!`")
    try:
        sentence = NMEASentenceFactory.produce(text)
    except (AISBaseException, ValueError, IndexError) as error:
        raise _Unreadable(f"no AIS sentence: {_reason(error)}") from None
    if not isinstance(sentence, AISSentence):
        raise _Unreadable("no AIS sentence: its type is neither VDM nor VDO")
    if sentence.checksum < 0:
        raise _Unreadable("it must end with a checksum: `*` and two hexadecimal digits")
    if not sentence.is_valid:
        raise _Unreadable(f"the checksum {sentence.checksum:02X} is wrong")
    return sentence


def _message(sentence: AISSentence, tag: Tag) -> Message:
    try:
        members = sentence.decode().asdict(enum_as_int=True)
    except (AISBaseException, ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        raise _Unreadable(f"no AIS message: {_reason(error)}") from None
    if members.get("mmsi") is None:
        raise _Unreadable("too short to name its sender (MMSI)")
    message = {**_available(members, hidden_names(members)), **name_inland(members)}
    if tag.time is not None:
        message["time"] = format_time(tag.time)
    if tag.source:
        message["source"] = tag.source
        if tag.source.lower().startswith("sim"):
            message["simulated"] = True
    return message


def _available(members: dict[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    """Return the known members as plain JSON values."""
    special = {LONG_RANGE: LONG_RANGE_NOT_AVAILABLE, AIRCRAFT: AIRCRAFT_NOT_AVAILABLE}
    unknown = special.get(members["msg_type"], NOT_AVAILABLE)
    message: dict[str, Any] = {}
    for name, value in members.items():
        if value is None or name in hidden or (name in unknown and value in unknown[name]):
            continue
        if isinstance(value, bytes):
            message[name] = value.hex()
        elif isinstance(value, Enum):
            message[name] = value.value
        else:
            message[name] = value
    if members["msg_type"] == DIFFERENTIAL:
        message.pop("lon", None)
        message.pop("lat", None)
    return message


def _gps_time(line: bytes) -> datetime | None:
    """Return the time of an RMC sentence with a valid fix (`A`): hhmmss in field 1, ddmmyy in field 9."""
    fields = line.split(b"*")[0].split(b",")
    if len(fields) < 10 or fields[2] != b"A":
        return None
    try:
        text = (fields[9] + fields[1].split(b".")[0]).decode("ascii")
        return datetime.strptime(text, "%d%m%y%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    detail = text.decode("ascii", "replace") if isinstance(text, bytes) else str(text)
    name = type(error).__name__.removesuffix("Exception")
    return f"{name}: {detail[:120]}" if detail else name
