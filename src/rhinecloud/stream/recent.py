"""The frames that this process published last, so that its consumers need not receive them again.

Consumers receive frames without bodies, and fetch the body of one only where another process published it.
"""

from __future__ import annotations

from rhinecloud.stream.port import Frame


class RecentFrames:
    """The last few frames by the stream's own numbers, as many as fit into `most_bytes`."""

    def __init__(self, most_bytes: int = 4 * 1024 * 1024) -> None:
        self._most_bytes = most_bytes
        self._frames: dict[int, Frame] = {}
        self._bytes = 0

    def keep(self, number: int, frame: Frame) -> None:
        """Keep a frame that will be the stream's message `number`."""
        self._drop(number)
        self._frames[number] = frame
        self._bytes += frame.size
        while self._bytes > self._most_bytes and len(self._frames) > 1:
            self._drop(next(iter(self._frames)))

    def find(self, number: int, first: int, last: int) -> Frame | None:
        """Return the frame of these changes that was published as `number`, None where it is not kept."""
        held = self._frames.get(number)
        return held if held is not None and (held.first, held.last) == (first, last) else None

    def clear(self) -> None:
        """Drop all frames, because the stream may assign the same numbers to others."""
        self._frames.clear()
        self._bytes = 0

    def _drop(self, number: int) -> None:
        gone = self._frames.pop(number, None)
        self._bytes -= gone.size if gone is not None else 0
