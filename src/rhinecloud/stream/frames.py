"""Frames as messages of JetStream: a header names the changes of a message, and a change is found by bisection."""

from __future__ import annotations

from collections.abc import Mapping

import zstandard
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from rhinecloud.stream.port import Frame, Gone

NAME = "CHANGES"
SUBJECT = "city.changes"
CHANGES = "Changes"
"""The header with the changes of a frame, such as `17-20`; short, because the client parses each character."""

LARGE_BYTES = 16 * 1024
"""Larger bodies are compressed. Changes are alike: a frame of many shrinks to a tenth or less, also in the server's
memory, which holds for ten seconds what was written. Compression takes half a microsecond per change."""

LEVEL = -1
PACKED = b"\x28\xb5\x2f\xfd"
"""The first bytes of a zstandard frame; no JSON begins with them."""


def pack(body: bytes) -> bytes:
    """Return a body as it is sent."""
    return zstandard.compress(body, LEVEL) if len(body) >= LARGE_BYTES else body


def unpack(data: bytes) -> bytes:
    """Return the body that was sent as `data`, compressed or not."""
    return zstandard.decompress(data) if data.startswith(PACKED) else data


def headers_of(frame: Frame) -> dict[str, str]:
    """Return the header of a frame."""
    return {CHANGES: f"{frame.first}-{frame.last}"}


def frame_of(message: Msg) -> Frame:
    """Return the frame of a message."""
    first, last = _range(message.headers)
    return Frame(first, last, unpack(message.data))


async def fetch(context: JetStreamContext, sequence: int) -> Frame:
    """Return the frame with the stream's own number `sequence`, from the server."""
    message = await context.get_msg(NAME, sequence)
    return Frame(*_range(message.headers), unpack(message.data or b""))


async def range_at(context: JetStreamContext, sequence: int) -> tuple[int, int]:
    """Return the first and last change of the message with the stream's own number `sequence`, from the server."""
    return _range((await context.get_msg(NAME, sequence)).headers)


async def find(context: JetStreamContext, after: int) -> int:
    """Return the stream's number of the frame with change `after + 1`. Raise Gone where it is not held any more."""
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
