"""Frames as messages of JetStream: which changes a message holds, told by a header, and where a change is found."""

from __future__ import annotations

from collections.abc import Mapping

import zstandard
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from rhinecloud.stream.port import Frame, Gone

NAME = "CHANGES"
SUBJECT = "city.changes"
CHANGES = "Changes"
"""The header that says which changes a frame holds, such as `17-20`; short, as the client reads letter by letter."""

LARGE_BYTES = 16 * 1024
"""Larger bodies travel compressed. Changes repeat each other: a frame of many takes a tenth of the room or less, in the
server's memory, too, which keeps for ten seconds whatever was written; packing takes half a microsecond a change."""

LEVEL = -1
PACKED = b"\x28\xb5\x2f\xfd"
"""With this zstandard begins, and no JSON."""


def pack(body: bytes) -> bytes:
    """Give a body as it travels."""
    return zstandard.compress(body, LEVEL) if len(body) >= LARGE_BYTES else body


def unpack(data: bytes) -> bytes:
    """Give the body that travelled as `data`, in either form."""
    return zstandard.decompress(data) if data.startswith(PACKED) else data


def headers_of(frame: Frame) -> dict[str, str]:
    """Give the header that a frame travels with."""
    return {CHANGES: f"{frame.first}-{frame.last}"}


def frame_of(message: Msg) -> Frame:
    """Read a frame from its message."""
    first, last = _range(message.headers)
    return Frame(first, last, unpack(message.data))


async def fetch(context: JetStreamContext, sequence: int) -> Frame:
    """Fetch the frame with the stream's own number `sequence`."""
    message = await context.get_msg(NAME, sequence)
    return Frame(*_range(message.headers), unpack(message.data or b""))


async def range_at(context: JetStreamContext, sequence: int) -> tuple[int, int]:
    """Ask for the first and last change of the message with the stream's own number `sequence`."""
    return _range((await context.get_msg(NAME, sequence)).headers)


async def find(context: JetStreamContext, after: int) -> int:
    """Find the stream's number of the frame that holds change `after + 1`, by bisection. Raise Gone."""
    state = (await context.stream_info(NAME)).state
    low, high = max(1, state.first_seq), state.last_seq + 1  # an empty stream has no first message
    if low < high and (first := (await range_at(context, low))[0]) > after + 1:
        raise Gone(after, first)
    while low < high:
        middle = (low + high) // 2
        if (await range_at(context, middle))[1] > after:
            high = middle
        else:
            low = middle + 1
    return low


def _range(headers: Mapping[str, str] | None) -> tuple[int, int]:
    first, _, last = (headers or {}).get(CHANGES, "0-0").partition("-")
    return int(first), int(last)
