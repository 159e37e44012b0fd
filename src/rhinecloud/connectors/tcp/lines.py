"""Splits a stream of bytes into lines, and drops a line that is too long."""

from __future__ import annotations


class Lines:
    """Keeps the beginning of a line until its end is received; drops a line of more than `longest` bytes."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._left = b""
        self._skipping = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the complete lines in `data`, joined, and the beginning of a line that was dropped, or b''."""
        if self._skipping:
            _, newline, data = data.partition(b"\n")
            if not newline:
                return b"", b""
            self._skipping = False
        whole, newline, rest = (self._left + data).rpartition(b"\n")
        self._left = rest
        given_up = b""
        if len(rest) > self._longest:
            given_up, self._left, self._skipping = rest[: self._longest], b"", True
        return whole + newline, given_up

    def end(self) -> bytes:
        """Return the line that has no end, because nothing comes any more."""
        left, self._left = self._left, b""
        return left
