"""GTFS-Realtime to messages, from protocol buffers or from their JSON form.

A message is one FeedEntity as plain values under the protocol's own field names: `id`, `is_deleted`, and one of
`trip_update`, `vehicle` and `alert`; enumerations by name, times in POSIX seconds. `feed_time` is the frame's time,
where its header has one. JSON is read with the field names of the .proto file or in camel case, enumerations by
name or number.

Source: GTFS Realtime Reference v2.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError as ProtocolError
from google.transit import gtfs_realtime_pb2

from rhinecloud.kernel.moments import find_moment
from rhinecloud.pack.codec import DecodeError, DecodeFault, Framing, Message, Parcel

DEEPEST = 50
TIMES = frozenset({"timestamp", "time", "start", "end", "scheduled_time"})


class GtfsRealtimeCodec:
    """Decodes frames (FeedMessage)."""

    framing = Framing.FILE
    time_members = TIMES | {"feed_time"}

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault]:
        """Yield a message for each entity of a frame; raise DecodeError where the bytes are not a frame."""
        frame = _read_frame(parcel.body)
        feed_time = int(frame.header.timestamp)
        for entity in frame.entity:
            message = json_format.MessageToDict(entity, preserving_proto_field_name=True)
            _count_times(message)
            if feed_time:
                message["feed_time"] = feed_time
            yield message

    def recorded_at(self, unit: bytes) -> datetime | None:
        """Return the frame's own time."""
        try:
            return find_moment(int(_read_frame(unit).header.timestamp))
        except DecodeError:
            return None


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


def _count_times(value: Any) -> None:
    """Convert 64-bit times to numbers in place; the JSON form of protocol buffers has them as text."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name in TIMES and isinstance(each, str):
                value[name] = int(each)
            else:
                _count_times(each)
    elif isinstance(value, list):
        for each in value:
            _count_times(each)
