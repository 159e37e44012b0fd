"""Frames that the consumers of one process have in hand: each is decoded once, not once a consumer."""

from __future__ import annotations

from rhinecloud.stream.port import Frame


class RecentFrames:
    """The last few frames by their changes, as many as fit into `most_bytes`; consumers are rarely further apart."""

    def __init__(self, most_bytes: int = 4 * 1024 * 1024) -> None:
        self._most_bytes = most_bytes
        self._frames: dict[tuple[int, int], Frame] = {}
        self._bytes = 0

    def share(self, frame: Frame) -> Frame:
        """Give the frame of the same changes and bytes that another consumer was given, else `frame` itself."""
        key = (frame.first, frame.last)
        held = self._frames.get(key)
        if held is not None and held.body == frame.body:
            return held
        if held is not None:
            self._drop(key)
        self._frames[key] = frame
        self._bytes += len(frame.body)
        while self._bytes > self._most_bytes and len(self._frames) > 1:
            self._drop(next(iter(self._frames)))
        return frame

    def _drop(self, key: tuple[int, int]) -> None:
        self._bytes -= len(self._frames.pop(key).body)
