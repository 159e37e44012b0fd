"""GTFS-Realtime to messages, from protocol buffers or from their JSON form.

A message is one FeedEntity as plain values under the protocol's own field names: `id`, `is_deleted`, and one of
`trip_update`, `vehicle` and `alert`; enumerations by name, times in POSIX seconds, whatever they were sent in.
`feed_time` is the frame's time, where its header has one. Things that the feed no longer speaks of (see `presence`)
come as a message with `is_deleted` and the descriptors that identify them. A trip of which a frame held several runs
has `several_runs`. `faults` are times that cannot be read (`place`, `reason`), which are left out. JSON is read with
the field names of the .proto file or in camel case, enumerations by name or number.

Source: GTFS Realtime Reference v2.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError as ProtocolError
from google.transit import gtfs_realtime_pb2

from rhinecloud.connectors.gtfs_rt.presence import FeedPresence
from rhinecloud.kernel.moments import find_moment
from rhinecloud.pack.codec import DecodeError, DecodeFault, Framing, Message, Parcel

DEEPEST = 50
FULL_DATASET = gtfs_realtime_pb2.FeedHeader.FULL_DATASET
TIMES = frozenset({"timestamp", "time", "start", "end", "scheduled_time"})


class GtfsRealtimeCodec:
    """Decodes frames (FeedMessage)."""

    framing = Framing.FILE
    time_members = TIMES | {"feed_time"}

    def __init__(self) -> None:
        self._presence = FeedPresence()

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault]:
        """Yield a message for each entity of a frame, and for each that has gone; raise DecodeError where the bytes are
        not a frame."""
        frame = _read_frame(parcel.body)
        feed_time = _seconds(int(frame.header.timestamp))
        now = feed_time or parcel.received.timestamp()
        common = {"feed_time": feed_time} if feed_time else {}
        messages = [_message(entity) for entity in frame.entity]
        for item in _gone(self._presence, messages, now, full=frame.header.incrementality == FULL_DATASET):
            yield {**item, **common}
        present = [each for each in messages if not each.get("is_deleted")]
        self._presence.mark_runs(present)
        for message in present:
            self._presence.add(message, now)
            yield {**message, **common}

    def recorded_at(self, unit: bytes) -> datetime | None:
        """Return the frame's own time."""
        try:
            return find_moment(int(_read_frame(unit).header.timestamp))
        except DecodeError:
            return None


def _gone(
    presence: FeedPresence, messages: list[dict[str, Any]], now: float, *, full: bool
) -> Iterator[dict[str, Any]]:
    present = [each for each in messages if not each.get("is_deleted")]
    for message in messages:
        if message.get("is_deleted"):
            found = list(presence.deleted(str(message.get("id"))))
            yield from found or [message]
    if full:
        presence.mark_runs(present)
        yield from presence.left(present, now)


def _message(entity: Any) -> dict[str, Any]:
    message: dict[str, Any] = json_format.MessageToDict(entity, preserving_proto_field_name=True)
    faults: list[dict[str, str]] = []
    _count_times(message, "", faults)
    if faults:
        message["faults"] = faults
    return message


def _read_frame(body: bytes) -> Any:
    frame = gtfs_realtime_pb2.FeedMessage()
    try:
        if body.lstrip()[:1] == b"{":
            json_format.Parse(body, frame, ignore_unknown_fields=True, max_recursion_depth=DEEPEST)
        else:
            frame.ParseFromString(body)
    except (ProtocolError, json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(f"no GTFS-Realtime frame: {str(error)[:200]}") from None
    if not frame.IsInitialized():
        raise DecodeError("no GTFS-Realtime frame: its header or a part of it is missing")
    return frame


def _count_times(value: Any, path: str, faults: list[dict[str, str]]) -> None:
    """Convert 64-bit times to POSIX seconds in place; the JSON form of protocol buffers has them as text."""
    if isinstance(value, dict):
        for name, each in list(value.items()):
            place = f"{path}.{name}" if path else name
            if name in TIMES and isinstance(each, str | int):
                seconds = _seconds(int(each))
                if seconds:
                    value[name] = seconds
                    continue
                del value[name]
                if int(each):
                    faults.append(
                        {
                            "place": place,
                            "reason": f"must be POSIX seconds, ms, µs or ns, not {each}",
                        }
                    )
            else:
                _count_times(each, place, faults)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            _count_times(each, f"{path}.{number}", faults)


def _seconds(number: int) -> int:
    """Return the POSIX seconds of a time in seconds, ms, µs or ns; 0 where it is none."""
    moment = find_moment(number) if number else None
    return int(moment.timestamp()) if moment else 0
